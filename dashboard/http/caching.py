"""Caching of responses to signed-in people, which only their own browser may store."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dashboard.http.addresses import api_description, api_docs, is_of_api

NOT_KEPT = ("profile", "live", "admin")
"""The prefixes of the names of URLs whose responses nobody may cache."""


class PrivateMiddleware(MiddlewareMixin):
    """Middleware that sets Cache-Control on private responses, unless the view has set it."""

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
        return response


def is_kept_nowhere(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None or is_of_api(request.path):
        return is_of_api(request.path)
    return match.app_name == "admin" or (match.url_name or "").startswith(NOT_KEPT)
