"""Sending of signals, which are named messages to runs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from procedures import access, registry
from procedures.conf import conf
from procedures.engine.errors import AnswerError, EngineError, QuestionError
from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.signals import accept_signal
from procedures.engine.replay.fiber import checked_name
from procedures.engine.store import SentSignal
from procedures.engine.values import canonical
from procedures.engine.values.sizes import Sizes
from procedures.journal import DatabaseStore
from procedures.models import Act, Run, Signal
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.models.procedure import code_of_run
from procedures.services.operations import checked_reason, find_operable
from procedures.services.waits import lock_run
from procedures.transactions import service_atomic
from procedures.users import User


class SignalRefusedError(EngineError):
    """A signal can't be stored; the text of the error says why."""


class SignalDeniedError(EngineError):
    """The user may see the run but not send signals to it."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"You don't have permission to send signals to {run}. The person who started it and "
            "its operators can."
        )


@dataclass(frozen=True)
class Sent:
    """A signal to be sent. A second signal with the same name and id is ignored."""

    name: str
    signal_id: str
    value: Any = None


def send_signal(run_id: UUID, sent: Sent, *, by: User) -> tuple[Signal, bool]:
    """Store a signal for a run, and queue the run if it waits for this signal.

    Returns the signal and True. If the run already has a signal with this name, id and value,
    returns that signal and False. Raises `SignalRefusedError` if the signal can't be stored, if the
    run has a signal with this name and id and another value, or if the run is waiting for the
    signal and the run's code can't accept the value. If the run isn't waiting for the signal yet,
    the value is checked when the run begins to wait for it, and an unsuitable signal is skipped.
    Locks the run.
    """
    _make_code_ready(run_id)
    return _send_locked(run_id, sent, by=by)


def signal_run(run_id: UUID, sent: Sent, *, by: User, reason: str) -> str:
    """Send a signal as an operator of the run, and log who did it and why.

    The signal is sent as `send_signal` sends it, with the same errors. Raises `Run.DoesNotExist` if
    the user can't see the run, `OperationDeniedError` if the user can't operate it, and
    `ReasonError` if the reason is empty or too long. A signal that is sent
    again isn't logged again. Locks the run.
    """
    checked = checked_reason(reason)
    run = find_operable(run_id, by=by)
    _make_code_ready(run_id)
    with service_atomic:
        signal, is_new = _send_locked(run_id, sent, by=by)
        if is_new:
            words = f"Sent the signal {sent.name}."
            log_act(Act.Kind.VERB, words, by=by, about=run, reason=checked)
    if signal.wait_id:
        return "The signal was sent, and the run continues."
    return "The signal was sent. It is kept until the run waits for it."


def _make_code_ready(run_id: UUID) -> None:
    """Import the code and read the text of the run's file while the run isn't locked yet.

    Both may take long, and the lock should be held only briefly.
    """
    registry.definitions()
    if conf.PROCEDURE_READERS and (rows := code_of_run(run_id)):
        name, file, version, _ = rows[0]
        if file and not registry.is_ready((name, file, version)):
            registry.make_ready((name, file, version))


@service_atomic
def _send_locked(run_id: UUID, sent: Sent, *, by: User) -> tuple[Signal, bool]:
    run, now = lock_run(run_id), clock.now()
    if not _may_send(run, by):
        raise SignalDeniedError(run)
    text = _checked_text(sent)
    # This is under the run's lock: if the same id is sent twice at once, the second call finds the
    # signal of the first.
    if earlier := Signal.objects.filter(run=run, name=sent.name, signal_id=sent.signal_id).first():
        if earlier.value != text:
            raise SignalRefusedError(
                f"The id {sent.signal_id!r} was already used with another value. Use a new id."
            )
        return earlier, False
    # This comes after the search for the same id: a repeated signal returns the first one, even if
    # that has let the run end.
    if RunStatus(run.status).is_end:
        raise SignalRefusedError(f"This run has already ended ({run.status}).")
    signal = SentSignal(sent.name, sent.signal_id, text, by.get_username(), by)
    definition = registry.code_of(run)
    try:
        code = definition.version if definition else None
        kept = accept_signal(DatabaseStore(now), run, signal, code=code)
    except AnswerError as refusal:
        words = f"The run doesn't accept this value of the signal {sent.name!r}. {refusal}"
        raise SignalRefusedError(words) from None
    assert isinstance(kept, Signal)
    return kept, True


def _may_send(run: Run, user: User) -> bool:
    return run.started_by_id == user.pk or access.may_operate(user, run)


def _checked_text(sent: Sent) -> str:
    """Return the signal's value as canonical JSON; raise `SignalRefusedError` if it is invalid."""
    if not sent.signal_id:
        raise SignalRefusedError(
            "Send an id with the signal. If you send the signal again with the same id and value, "
            "it counts only once."
        )
    try:
        checked_name(sent.name, kind="signal name")  # a run can't wait for any other name
    except QuestionError as error:
        raise SignalRefusedError(f"No run can wait for this signal. {error}") from None
    try:
        Sizes(**conf.SIZES).check_signal(sent.value)
        return canonical.text_of(sent.value)
    except AnswerError as error:
        raise SignalRefusedError(str(error)) from None
    except ValueError as error:
        raise SignalRefusedError(f"The value can't be stored. {error}") from None
