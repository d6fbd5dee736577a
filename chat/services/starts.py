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
class StartPlace:
    """A place for a new run: the session, and the text with which a person started the run."""

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
    """Start a run in a session: the run's card appears there, as a message of the person.

    `text` is what the person wrote, such as "/refund 100". The person becomes a member of the
    session. Therefore, `NotMemberError` is raised if the person may not read the whole session. In
    all other respects, this function is like `start_run`.
    """
    place = place_in(session.pk, by, text)
    return start_run(name, inputs, by=by, idempotency_key=idempotency_key, place=place)


def place_in(session: UUID, by: User, text: str = "") -> StartPlace:
    """Return the place to pass to `start_run` in order to start a run in a session.

    Raises `NotMemberError` if `by` may not read the whole session.
    """
    _check_member(session, by)
    return StartPlace(session, checked_text(text) if text else "")


def join_session(run: Run, place: StartPlace) -> None:
    """Post the card of a new run in the session in which a person has started the run."""
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
