"""Presence: whoever sends a form is looking at the site.

Opening a page doesn't count as presence.
"""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from chat.services import note_presence
from dashboard.http.addresses import is_of_api
from procedures.users import User


class PresenceMiddleware(MiddlewareMixin):
    """Middleware that marks a person as present when the person sends a POST request."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_program = is_of_api(request.path)
        if request.method == "POST" and not is_program and isinstance(request.user, User):
            note_presence(request.user)
        return response
