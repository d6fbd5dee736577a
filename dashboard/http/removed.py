"""The response 410 for links to runs and requests whose records were removed."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from chat.models import HumanRequest
from dashboard.http.addresses import is_of_api
from procedures.access import seen_tombstones
from procedures.models import Run, Tombstone
from procedures.services.retention.holds import removed_sentence

GONE = 410
NOT_FOUND = 404


class RemovedMiddleware(MiddlewareMixin):
    """A middleware that turns 404 into 410 if the record was removed and the user could see it.

    Everybody else gets 404, as for a run that never existed. Pages and routes need no code for
    removed runs: they don't find them, and this middleware does the rest.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.status_code != NOT_FOUND or not (found := _tombstone_for(request)):
            return response
        return _answer(request, found)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Respond for a page whose run was removed between two of its database queries."""
        if not isinstance(error, (Run.DoesNotExist, HumanRequest.DoesNotExist)):
            return None
        found = _tombstone_for(request)
        return _answer(request, found) if found else None


def _answer(request: HttpRequest, found: Tombstone) -> HttpResponseBase:
    words = removed_sentence(found)
    if is_of_api(request.path):
        return JsonResponse({"detail": words}, status=GONE)
    context = {"tombstone": found, "date": f"{found.removed_at:%Y-%m-%d}"}
    return render(request, "dashboard/removed.html", context, status=GONE)


def _tombstone_for(request: HttpRequest) -> Tombstone | None:
    """Return the tombstone of the run or request in the address, if the user could see the run."""
    match: Any = request.resolver_match
    run, asked = (_key_in(match, name) for name in ("run_id", "request_id"))
    # The user is read only for such addresses, because that may take a look at the session.
    if not (run or asked):
        return None
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    is_it = Q(pk=run) if run else Q(requests=asked)
    return seen_tombstones(user).select_related("procedure").filter(is_it).first()


def _key_in(match: Any, name: str) -> UUID | None:
    """Return a key in the address, or None if no such key is in it."""
    try:
        return UUID(str(match.kwargs[name])) if match else None
    except (KeyError, ValueError):
        return None
