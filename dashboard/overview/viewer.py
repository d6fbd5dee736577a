"""Data about the viewer of a page, which is read only once for each page."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chat.access import most_urgent
from chat.left import rule_facts
from chat.services import waiting_of
from chat.services.waiting import MOST, Waiting
from procedures import access
from procedures.holdings import holdings_of
from procedures.models.clock import clock
from procedures.users import User


def waiting_for_viewer(request: Any) -> Waiting:
    """Return the requests that wait for the page's viewer, most urgent first, at most 100.

    If the page has a mark, they were read before its lists, and aren't read again.
    """
    if getattr(request, "waiting", None) is None:
        request.waiting = waiting_of(request.user) if isinstance(request.user, User) else {}
    waiting: Waiting = request.waiting
    return waiting


def urgent_for_viewer(request: Any, most: int) -> list[UUID]:
    """Return at most `most` requests that wait for the viewer of a page or of a part of one."""
    known: Waiting | None = getattr(request, "waiting", None)
    if known is None or len(known) == MOST < most:
        return most_urgent(request.user, most)
    return list(known)[:most]


def answerable_for_viewer(request: Any) -> Waiting | None:
    """Return all open requests that the page's viewer may answer, if they are known by now.

    They are known if they were read before the page's lists, are few, and none is snoozed.
    """
    known: Waiting | None = getattr(request, "waiting", None)
    if known is None or len(known) == MOST or rule_facts(request.user).are_any_snoozed:
        return None
    return known


def time_for_viewer(request: Any) -> datetime:
    """Return the current time for the page: that of its marks, or else the time of the first call.

    It is the same for everything on the page, because reading it costs a query.
    """
    if getattr(request, "drawn_at", None) is None:
        request.drawn_at = clock.now()
    now: datetime = request.drawn_at
    return now


def is_operator_for_viewer(request: Any) -> bool:
    """Return True if the page's viewer operates any procedure, from the page's marks if it has any.

    The result decides what a page shows; it doesn't decide whether somebody may do something.
    """
    known: bool | None = getattr(request, "is_operator", None)
    if known is None:
        roles = holdings_of(request.user).procedures("operate")
        return bool(roles) or access.sees_all(request.user)
    return known
