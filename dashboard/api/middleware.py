"""Rules for every address below /api/, including those that match no route."""

import json
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dashboard.http.addresses import is_of_api

NOTHING_HERE = "Not found, or you don't have access."
UNREADABLE = "The request isn't valid. The site's log says why."
NO_DATABASE = "The database can't be reached. Try again in a moment."
SENTENCES = {
    HTTPStatus.BAD_REQUEST: UNREADABLE,
    HTTPStatus.NOT_FOUND: NOTHING_HERE,
    HTTPStatus.SERVICE_UNAVAILABLE: NO_DATABASE,
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Something went wrong on our side. The error has been logged."
    ),
}


class ApiMiddleware(MiddlewareMixin):
    """Middleware that handles HEAD like GET and gives every error the same shape."""

    def process_request(self, request: HttpRequest) -> None:
        if is_of_api(request.path) and request.method == "HEAD":
            request.method = "GET"  # the routes know no HEAD; the server leaves the content out

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not is_of_api(request.path):
            return response
        # Restored, because later middleware and the server must treat the request as HEAD.
        request.method = request.META.get("REQUEST_METHOD", request.method)
        is_error = response.status_code >= HTTPStatus.BAD_REQUEST
        is_said = "json" in response.headers.get("Content-Type", "")
        if isinstance(response, HttpResponse) and is_error and not is_said:
            response.content = json.dumps({"detail": sentence(request, response)}).encode()
            response.headers["Content-Type"] = "application/json"
            response.headers["Content-Length"] = str(len(response.content))
        return response


def sentence(request: HttpRequest, response: HttpResponse) -> str:
    status = HTTPStatus(response.status_code)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = response.headers["Allow"]
        return f"Method {request.method} isn't allowed here. Allowed: {allowed}."
    return SENTENCES.get(status, f"{status.phrase}.")
