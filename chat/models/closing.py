"""The closing of requests, which is provisional as long as an answer can be undone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection

from chat.models.assignment import names_in
from chat.models.history import HISTORY, RequestEvent, new_event
from chat.models.request import HumanRequest
from chat.store import sql
from procedures.engine.kinds.kind import Outcome
from procedures.models import Wait
from procedures.store.rows import insert_row

UNUSED = "The run continued without this answer, which hadn't taken effect yet."
Kind = RequestEvent.Kind


class ChangedRequest(NamedTuple):
    """A request that was closed or opened again, with its session and its assignees."""

    request: UUID
    session: UUID
    whom: list[str]


def close_request(
    wait: Wait, content: Mapping[str, Any], *, at: datetime, was_held: bool
) -> ChangedRequest:
    """Close the request of a closed wait, and return the change.

    `content` is the content with which the wait was closed; the content has the outcome. If
    `was_held` is true, the content is the held answer, with which the request was already closed
    provisionally. Raises `AssertionError` if the request already has a final outcome, which is a
    bug in the caller.
    """
    request = wait.request
    if request.effective_at is None:
        return _close(request, content, at=at)
    request.effective_at = None
    if was_held:
        request.save(update_fields=["effective_at"])
    elif request.status == HumanRequest.Status.ANSWERED:
        _note_unused(request, content, at=at)
    else:
        _replace(request, content, at=at)
    return _changed(request)


def hold_request(wait: Wait, content: Mapping[str, Any], *, at: datetime) -> ChangedRequest:
    """Close the request of a wait provisionally, and return the change.

    The request is closed until the held answer takes effect or is undone. If another held answer
    had already closed this request provisionally, because it made the request unneeded, the new
    answer's time and reason replace the earlier ones.
    """
    request = wait.request
    until = wait.effective_at or (wait.held_for.effective_at if wait.held_for else None)
    if request.effective_at is None:
        return _close(request, content, at=at, until=until)
    request.effective_at, request.closed_why = until, why_after(content)
    request.save(update_fields=["effective_at", "closed_why"])
    return _changed(request)


def release_request(wait: Wait) -> ChangedRequest:
    """Open the request of a wait again after its answer was undone, and return the change."""
    request = wait.request
    request.status, request.outcome = HumanRequest.Status.OPEN, ""
    request.closed_by = request.closed_why = ""
    request.closed_at = request.effective_at = None
    request.version += 1
    request.save(
        update_fields=[
            *("status", "outcome", "closed_by", "closed_why", "closed_at", "effective_at"),
            *("version", *HISTORY),
        ]
    )
    request.assignments.update(is_open=True)
    return _changed(request)


def _close(
    request: HumanRequest,
    content: Mapping[str, Any],
    *,
    at: datetime,
    until: datetime | None = None,
) -> ChangedRequest:
    status, by = status_after(content), content["responder"]
    # An answer already has its entry in the history. A request that is unneeded only for now gets
    # its entry once that is final.
    if status != HumanRequest.Status.ANSWERED and until is None:
        insert_row(_entry(request, content, status, at=at))
    closed = sql.close_request.fetch(
        status,
        Outcome(content["outcome"]),
        by,
        at,
        why_after(content),
        until,
        *(getattr(request, name) for name in HISTORY),
        request.wait_id,
    )
    for pk, session, assigned in closed:
        if connection.vendor == "sqlite":
            sql.mark_assignments.execute(pk)
        return ChangedRequest(UUID(str(pk)), UUID(str(session)), names_in(assigned))
    raise AssertionError(f"The request {request.pk} already has an outcome.")


def _note_unused(request: HumanRequest, content: Mapping[str, Any], *, at: datetime) -> None:
    """Record that the request's held answer was never used, because the run continued without it.

    The response, and the history's entry of who gave it, are kept.
    """
    response = request.responses.filter(undone_at=None).last()
    if response:
        response.is_used = False
        response.save(update_fields=["is_used"])
    insert_row(_entry(request, content, Kind.UNUSED, at=at))
    request.closed_why = UNUSED
    request.save(update_fields=["effective_at", "closed_why", *HISTORY])


def _replace(request: HumanRequest, content: Mapping[str, Any], *, at: datetime) -> None:
    """Replace the provisional outcome of a request by the final one.

    The request was closed provisionally because a held answer to another request had made it
    unneeded.
    """
    status = status_after(content)
    insert_row(_entry(request, content, status, at=at))
    request.status, request.outcome = status, Outcome(content["outcome"])
    request.closed_by, request.closed_why = content["responder"], why_after(content)
    request.closed_at = at
    request.save(
        update_fields=[
            *("status", "outcome", "closed_by", "closed_why", "closed_at", "effective_at"),
            *HISTORY,
        ]
    )


def _entry(
    request: HumanRequest, content: Mapping[str, Any], kind: str, *, at: datetime
) -> RequestEvent:
    by, key = None, content.get("responder_id")
    if key is not None:
        by = get_user_model()._default_manager.filter(pk=key).first()  # noqa: SLF001 (documented)
    name, why = content["responder"], content["comment"]
    facts = {"reason": why, "outcome": content["outcome"]}
    return new_event(request, kind, at=at, by=by, name=name, facts=facts)


def _changed(request: HumanRequest) -> ChangedRequest:
    return ChangedRequest(request.pk, request.session_id, request.assignees)


def status_after(content: Mapping[str, Any]) -> HumanRequest.Status:
    """Return the status of a request whose wait was closed with the content `content`."""
    if content["timed_out"]:
        return HumanRequest.Status.EXPIRED
    if content["outcome"] == Outcome.WITHDRAWN:
        return HumanRequest.Status.WITHDRAWN
    return HumanRequest.Status.ANSWERED


def why_after(content: Mapping[str, Any]) -> str:
    """Return a text about why a request was withdrawn, and by whom; "" if no reason was given.

    The text is "" for all other outcomes.
    """
    by, comment = content["responder"], content["comment"]
    if content["outcome"] != Outcome.WITHDRAWN or not comment:
        return ""
    return str(comment) if by.startswith("system:") else f"{by}: {comment}"
