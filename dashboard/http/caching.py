"""Caching of responses to signed-in people, which only their own browser may store."""

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from dashboard.http.addresses import api_description, api_docs, is_of_api

OK = 200
NOT_KEPT = ("profile", "live", "admin")
"""The beginnings of the names of URLs whose responses nobody may store."""


class PrivateMiddleware(MiddlewareMixin):
    """Middleware that sets Cache-Control on private responses, unless the view has set it.

    On pages, it also sets the header that lets browsers fetch linked pages in advance.
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
    """Return True for a whole page that isn't an error page."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return response.status_code == OK and is_html and not is_of_api(request.path)


def is_kept_nowhere(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None or is_of_api(request.path):
        return is_of_api(request.path)
    return match.app_name == "admin" or (match.url_name or "").startswith(NOT_KEPT)
