"""Messages from people to runs."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from procedures import registry
from procedures.access import HeldRoles
from procedures.conf import conf
from procedures.engine.errors import EngineError
from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.lifecycle.signals import accept_signal
from procedures.engine.store import SentSignal
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.journal import DatabaseStore
from procedures.models import Run, Signal
from procedures.models.clock import clock
from procedures.services.waits import lock_run
from procedures.users import User


class UnheardError(EngineError):
    """A message that a run doesn't read; the error's text is for the author of the message."""


@dataclass(frozen=True)
class MessageToRun:
    """A message from a person to a run. A second message with the same id is ignored."""

    id: str
    text: str
    steers: bool = False
    """True if the message is written to the step that is running."""
    files: Sequence[File] = ()
    """The files sent with the message; their contents are stored permanently already."""


def write_locked(run_id: UUID, written: MessageToRun, *, by: User) -> Signal:
    """Store a message for a run, and queue the run if it waits for a message.

    If a message with the same id was stored before, returns that message. Raises `UnheardError` if
    the run doesn't read messages of this person. Locks the run; the caller opens the transaction.
    """
    run, now = lock_run(run_id), clock.now()
    check_heard(run, by)
    if earlier := Signal.objects.filter(run=run, name=MESSAGE, signal_id=written.id).first():
        return earlier
    check_room(run)
    value: dict[str, Any] = {"id": written.id, "text": written.text}
    if written.steers:
        value["steers"] = True
    store = DatabaseStore(now)
    if written.files:
        value["files"] = list(map(asdict, written.files))
        store.keep_files(run, written.files)
    sent = SentSignal(MESSAGE, written.id, canonical.text_of(value), by.get_username(), by)
    kept = accept_signal(store, run, sent, code=None)
    assert isinstance(kept, Signal)
    return kept


def check_heard(run: Run, user: User) -> None:
    """Raise `UnheardError` if the run doesn't read messages, or none of this user."""
    code = registry.code_of(run)
    if code is None or not code.listens:
        raise UnheardError("This procedure doesn't read messages.")
    if RunStatus(run.status).is_end:
        raise UnheardError(
            f"This run has already ended ({run.status}), so it no longer reads messages."
        )
    if not hears(run, user, HeldRoles(user, [run.procedure_id])):
        raise UnheardError(
            "This run reads only messages from people who may start, answer or operate it."
        )


def check_room(run: Run) -> None:
    """Raise `UnheardError` if the run has reached the limit of unread messages."""
    unread = Signal.objects.filter(run=run, name=MESSAGE, wait=None, skipped="", read_seq=None)
    if unread.order_by()[: conf.MOST_UNREAD_MESSAGES].count() >= conf.MOST_UNREAD_MESSAGES:
        raise UnheardError(
            f"This run has {conf.MOST_UNREAD_MESSAGES:,} messages that it hasn't read yet, which is"
            " the limit. Write to it again once it has read some."
        )


def listening_among(runs: Collection[Run], user: User) -> list[Run]:
    """Return those of the given runs that read messages of the user.

    The runs must be loaded with their procedures and versions.
    """
    found = [run for run in runs if not RunStatus(run.status).is_end and listens(run)]
    roles = HeldRoles(user, [run.procedure_id for run in found])
    return [run for run in found if hears(run, user, roles)]


def listens(run: Run) -> bool:
    """Return True if the run's code reads messages; False if this process doesn't have the code."""
    code = registry.code_of(run)
    return code is not None and code.listens


def steers(run: Run) -> bool:
    """Return True if people can write messages to a step of the run while the step is running."""
    code = registry.code_of(run)
    return code is not None and code.steer


def hears(run: Run, user: User, roles: HeldRoles) -> bool:
    """Return True if the user is one of the people whose messages the run reads."""
    if run.started_by_id == user.pk or roles.may_operate(run):
        return True
    return roles.has("start", run.procedure_id) or roles.has("answer", run.procedure_id)
