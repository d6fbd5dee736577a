"""What holds for every address below /api/, also where no route answers."""

import json
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from procedures.inputs import MEGABYTE, TooLargeError

API = "/api/"
FRAME = MEGABYTE
"""Bytes that a form takes beside its file."""
NOTHING_HERE = "There is nothing here, or not for you."
UNREADABLE = "The request cannot be read."
SENTENCES = {
    HTTPStatus.BAD_REQUEST: UNREADABLE,
    HTTPStatus.NOT_FOUND: NOTHING_HERE,
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side, and was written down.",
}


class ApiMiddleware(MiddlewareMixin):
    """HEAD is answered as GET is, too much is not read, and every error has our shape."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if not request.path_info.startswith(API):
            return None
        if request.method == "HEAD":
            request.method = "GET"  # the routes know no HEAD; the server leaves the content out
        size = size_of(request)
        if size > settings.MAX_UPLOAD_MB * MEGABYTE + FRAME:
            detail = str(TooLargeError("The request", size))
            return JsonResponse({"detail": detail}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return None

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not request.path_info.startswith(API):
            return response
        request.method = request.META.get("REQUEST_METHOD", request.method)
        is_error = response.status_code >= HTTPStatus.BAD_REQUEST
        is_said = "json" in response.headers.get("Content-Type", "")
        if isinstance(response, HttpResponse) and is_error and not is_said:
            response.content = json.dumps({"detail": sentence(request, response)}).encode()
            response.headers["Content-Type"] = "application/json"
            response.headers["Content-Length"] = str(len(response.content))
        return response


def size_of(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdecimal() else 0


def sentence(request: HttpRequest, response: HttpResponse) -> str:
    status = HTTPStatus(response.status_code)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method} is not possible here, only {response.headers['Allow']}."
    return SENTENCES.get(status, f"{status.phrase}.")
