"""The address from which a request comes, as the site's log shows it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from procedures.access import address_of
from procedures.models.act import acting_from


class OriginMiddleware:
    """Middleware that makes the site's log name the address from which somebody acts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting_from(address_of(request)):
            return self._get_response(request)
