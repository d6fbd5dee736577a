"""Data about the viewer of a page, read at most once while the page is made."""

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
    """Return the requests that wait for the page's viewer, the most urgent first, at most 100.

    They are stored in the attribute `waiting` of the HTTP request. A page with marks has read them
    before its lists.
    """
    if getattr(request, "waiting", None) is None:
        request.waiting = waiting_of(request.user) if isinstance(request.user, User) else {}
    waiting: Waiting = request.waiting
    return waiting


def urgent_for_viewer(request: Any, most: int) -> list[UUID]:
    """Return the ids of at most `most` requests that wait for the viewer, most urgent first."""
    known: Waiting | None = getattr(request, "waiting", None)
    if known is None or len(known) == MOST < most:
        return most_urgent(request.user, most)
    return list(known)[:most]


def answerable_for_viewer(request: Any) -> Waiting | None:
    """Return all open requests that the page's viewer may answer; None if not all have been read.

    All have been read if `waiting_for_viewer` found fewer than `MOST` and none are snoozed.
    """
    known: Waiting | None = getattr(request, "waiting", None)
    if known is None or len(known) == MOST or rule_facts(request.user).are_any_snoozed:
        return None
    return known


def time_for_viewer(request: Any) -> datetime:
    """Return the database's time for the response, which is read once per request.

    If the page is live, the time was read together with its marks, the positions from which the
    page follows changes; otherwise, the first call of this function reads it.
    """
    if getattr(request, "drawn_at", None) is None:
        request.drawn_at = clock.now()
    now: datetime = request.drawn_at
    return now


def is_operator_for_viewer(request: Any) -> bool:
    """Return True if the page's viewer may operate the runs of at least one procedure.

    The result decides what a page shows, and not what the viewer may do.
    """
    known: bool | None = getattr(request, "is_operator", None)
    if known is None:
        roles = holdings_of(request.user).procedures("operate")
        return bool(roles) or access.sees_all(request.user)
    return known
