"""Caching of answers to signed-in people: only their own browser may keep them."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dashboard.http.body_limit import API

NOT_KEPT = (API, "/live/", "/profile", "/admin/")
PUBLIC = {"/api/docs", "/api/openapi.json"}


class PrivateMiddleware(MiddlewareMixin):
    """Middleware that marks every private answer, unless its view has set the header."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        path = request.path_info
        if path not in PUBLIC and not response.has_header("Cache-Control"):
            is_file = response.has_header("Content-Disposition")
            if path.startswith(NOT_KEPT) or is_file:
                response.headers["Cache-Control"] = "private, no-store"
            else:
                response.headers["Cache-Control"] = "private, no-cache"
        return response
