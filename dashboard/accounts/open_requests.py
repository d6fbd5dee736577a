"""The open requests that ask a person, for the person's page and for the offboarding page."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from chat.access import visible_requests
from chat.models import Assignment, HumanRequest
from chat.services import waiting_of
from procedures.users import User

MOST = 100
"""The maximum number of requests that are listed; the others are only counted."""


class AskedRequest(NamedTuple):
    """An open request that asks a person, and the reasons why, such as "as a member of finance"."""

    request: HumanRequest
    reasons: tuple[str, ...]


class ShownRequests(NamedTuple):
    """The requests that the viewer may see, and the number of the other requests as `hidden`."""

    asked: list[AskedRequest]
    hidden: int


def open_requests(person: User, *, viewer: User, sees_all: bool) -> ShownRequests:
    """Return the requests that wait for a person, the most urgent first, at most `MOST`.

    If the person isn't active, these are the requests that name the person. `sees_all` is True if
    the viewer may see every request in the admin.
    """
    is_active = person.is_active
    keys = list(waiting_of(person))[:MOST] if is_active else requests_naming(person, MOST)
    shown = keys if sees_all else visible_among(viewer, keys)
    found = HumanRequest.objects.filter(pk__in=shown).by_urgency()
    reasons = _reasons(person, shown)
    rows = found.select_related("wait__run__procedure").defer("question")
    return ShownRequests(
        [AskedRequest(one, tuple(reasons[one.pk])) for one in rows], len(keys) - len(shown)
    )


def requests_naming(person: User, most: int) -> list[UUID]:
    """Return the ids of at most `most` open requests that name a person, the most urgent first."""
    named = Assignment.objects.filter(user=person, is_open=True).by_urgency()
    return list(named.values_list("request", flat=True)[:most])


def visible_among(viewer: User, keys: Collection[UUID]) -> list[UUID]:
    """Return those of the ids whose requests the viewer may see."""
    seen = visible_requests(viewer).filter(pk__in=list(keys))
    return list(seen.order_by().values_list("pk", flat=True))


def _reasons(person: User, keys: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return, for each request, why it asks the person, such as "as a member of finance"."""
    found: dict[UUID, list[str]] = defaultdict(list)
    theirs = Assignment.objects.directly_to(person).filter(request__in=list(keys))
    for one in theirs.order_by("request", "pk").select_related("group"):
        words = _("by name") if one.user_id else ""
        if one.group:
            words = _("as a member of {group}").format(group=one.group)
        found[one.request_id].append(words or _("by a permission"))
    return found
