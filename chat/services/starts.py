"""Runs that people start in a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.access import reads_all_of
from chat.models import Member, Message, Session
from chat.models.session import share
from chat.services.messages import NotMemberError, checked_text
from procedures.models import Run
from procedures.services import start_run
from procedures.users import User


@dataclass(frozen=True)
class Place:
    """The session in which somebody starts a run, and what they wrote for it."""

    session: UUID
    text: str = ""


def start_in_session(
    session: Session,
    name: str,
    inputs: Mapping[str, Any],
    *,
    by: User,
    text: str = "",
    idempotency_key: str = "",
) -> tuple[Run, bool]:
    """Start a run whose card appears in a session, as a message of the person who starts it.

    `text` is what that person wrote, such as "/refund 100". Otherwise this function does the same
    as `start_run`, and raises the same errors. Raises `NotMemberError` for people who may not read
    the whole session, because a person who starts a run in a session becomes a member.
    """
    place = place_in(session.pk, by, text)
    return start_run(name, inputs, by=by, idempotency_key=idempotency_key, place=place)


def place_in(session: UUID, by: User, text: str = "") -> Place:
    """Return the place at which somebody starts a run in a session, for `start_run`.

    Raises `NotMemberError` as `start_in_session` does.
    """
    _check_member(session, by)
    return Place(session, checked_text(text) if text else "")


def join_session(run: Run, place: Place) -> None:
    """Post the card of a new run in the session where it was started."""
    assert run.started_by
    card = Message(kind=Message.Kind.RUN, run=run, author=run.started_by, at=run.created_at)
    card.text = place.text
    card.add_to(place.session)
    # This is checked under the session's lock, so that somebody who was just removed doesn't become
    # a member again by a start.
    _check_member(place.session, run.started_by)
    Member.join(card.session, run.started_by, at=run.created_at)
    # If the session had no run before, the members wouldn't see this one otherwise.
    share(run, place.session)


def _check_member(session: UUID, by: User) -> None:
    if not reads_all_of(by, [session]):
        raise NotMemberError
