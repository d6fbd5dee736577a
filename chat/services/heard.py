"""Messages that people write to runs, and whether the runs have read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chat.models import Message
from chat.models.session import record
from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.models import Run, Signal
from procedures.services.inbox import (
    MessageToRun,
    UnheardError,
    check_heard,
    check_room,
    listens,
    write_locked,
)
from procedures.services.inbox import steers as takes_steering
from procedures.users import User

Delivery = Message.Delivery


def run_addressed(to: Message | None) -> Run | None:
    """Return the run to which a reply to the message `to` is written, or None.

    A reply is written to a run if `to` is the run's card or a text that the run posted.
    """
    if to is not None and to.kind in (Message.Kind.RUN, Message.Kind.NOTICE):
        return to.run
    return None


def hand_to_run(message: Message, *, by: User, steers: bool = False) -> None:
    """Hand a new message to the run to which it is written, if that run reads messages.

    The message must be unsaved; this function sets its `delivery`. If `steers` is true, the step
    that is running may read the message, too. Locks the run, so call this function before the
    session is locked.
    """
    run = run_addressed(message.reply_to)
    if run is None or not listens(run):
        return
    is_steered = steers and takes_steering(run)
    try:
        kept = write_locked(
            run.pk,
            MessageToRun(str(message.pk), message.text, is_steered, message.files),
            by=by,
        )
    except UnheardError:
        return
    message.delivery = Delivery.STEERING if is_steered else Delivery.QUEUED
    if kept.wait_id:
        message.delivery, message.read_at = Delivery.READ, message.at


def why_unheard(run: Run, user: User) -> str:
    """Return a sentence that says why the run won't read a message of the user; "" if it will."""
    try:
        check_heard(run, user)
        check_room(run)
    except UnheardError as error:
        return str(error)
    return ""


def mark_read(run: Run, ids: Sequence[str], at: datetime) -> None:
    """Record that the run has read the messages with these ids. Locks the messages' sessions."""
    _deliver(ids, Delivery.READ, read_at=at)


def mark_unread(run: Run) -> None:
    """If the run has ended, mark the messages that it hasn't read as unread.

    Locks the sessions of these messages.
    """
    if run.heard and RunStatus(run.status).is_end:
        left = Signal.objects.filter(run=run, name=MESSAGE, wait=None, skipped="", read_seq=None)
        _deliver(list(left.values_list("signal_id", flat=True)), Delivery.UNREAD)


def _deliver(ids: Sequence[str], delivery: str, *, read_at: datetime | None = None) -> None:
    if not ids:
        return
    messages = Message.objects.filter(pk__in=[UUID(one) for one in ids]).exclude(delivery=delivery)
    for message in messages.order_by("seq"):
        message.deliver(delivery, read_at=read_at)
        record(message.session_id, "message", message.pk)
