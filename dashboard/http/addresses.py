"""Addresses of the site: the paths that middleware must recognise, and those to return to."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def is_here(request: HttpRequest, address: str) -> bool:
    """Return True if an address from outside is on this site, so that a redirect may lead there."""
    return url_has_allowed_host_and_scheme(
        address, {request.get_host()}, require_https=request.is_secure()
    )


def is_of_api(path: str) -> bool:
    return path.startswith(reverse("countersign:api:api-root"))


def api_docs() -> str:
    return reverse("countersign:api:openapi-view")


def api_description() -> str:
    return reverse("countersign:api:openapi-json")


def mcp_address() -> str:
    return reverse("countersign:mcp")


def socket_address() -> str:
    return reverse("countersign:live")
