"""Presence: a person who posts a form is looking at the site; one who only reads may not be."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from chat.services import note_presence
from dashboard.http.addresses import is_of_api
from procedures.users import User


class PresenceMiddleware(MiddlewareMixin):
    """Middleware that records a person as present once a POST of theirs was handled."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_program = is_of_api(request.path)
        if request.method == "POST" and not is_program and isinstance(request.user, User):
            note_presence(request.user)
        return response
