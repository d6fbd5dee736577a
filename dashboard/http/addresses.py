"""The paths that middleware must recognise, whatever prefix the site gives `dashboard.urls`."""

from django.urls import reverse


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
