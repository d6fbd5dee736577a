"""Caching of responses for signed-in people. Only a person's own browser may store a response."""

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from dashboard.http.addresses import api_description, api_docs, is_of_api

OK = 200
NOT_KEPT = ("profile", "live", "admin")
"""URLs whose names begin like this have responses that no cache and no browser may store."""


class PrivateMiddleware(MiddlewareMixin):
    """Middleware that sets `Cache-Control` on private responses, unless the view has set it.

    The middleware also sets the header `Speculation-Rules` on pages, which allows browsers to fetch
    linked pages in advance.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_public = request.path in {api_docs(), api_description()}
        if not is_public and not response.has_header("Cache-Control"):
            is_file = response.has_header("Content-Disposition")
            if is_file or is_kept_nowhere(request):
                response.headers["Cache-Control"] = "private, no-store"
            else:
                response.headers["Cache-Control"] = "private, no-cache"
        if is_page(request, response) and request.user.is_authenticated:
            # The content security policy forbids such rules inside of a page.
            response.headers["Speculation-Rules"] = f'"{reverse("countersign:speculation_rules")}"'
        return response


def is_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return True if the response is a whole page and not an error page."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return response.status_code == OK and is_html and not is_of_api(request.path)


def is_kept_nowhere(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None or is_of_api(request.path):
        return is_of_api(request.path)
    return match.app_name == "admin" or (match.url_name or "").startswith(NOT_KEPT)
