"""Signals: a signal closes the first wait that can take it, or is stored until such a wait opens.

A signal that doesn't fit the wait for it is skipped, and the wait stays open.
"""

from collections.abc import Mapping
from typing import Any

from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import EventKind, NewEvent, closing
from procedures.engine.journal.large import packed
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.lifecycle.waits import answer_wait, is_undecided
from procedures.engine.store import RunRow, SentSignal, SignalRow, Store, WaitRow
from procedures.engine.values import canonical
from procedures.engine.values.shapes import check_shape

RECEIVED = "received"
"""The outcome of a wait that a signal has closed."""
LONGEST_REASON = 500


def received(value: Mapping[str, Any], *, sender: str, error: str = "") -> dict[str, Any]:
    """Return the content of the event with which a signal closes a wait.

    `value` has the key "value", or the key for a large value that is stored elsewhere. If `error`
    isn't "", the code that waits raises an exception with this message.
    """
    content = {**closing(RECEIVED, responder=sender), **value}
    return {**content, "error": error} if error else content


def skipped(name: str, sender: str, why: str) -> str:
    """Return the sentence in the journal about a skipped signal; `why` is the reason."""
    words = canonical.legible(why)[:LONGEST_REASON]
    return f"The signal {name} from {sender} was skipped; the run still waits for one. {words}"


def check_signal(value: Any, opened: Mapping[str, Any], *, code: str) -> None:
    """Raise `AnswerError` if the wait that `opened` describes can't take this value of a signal.

    `code` is the version of the procedure's code. If another version has opened the wait, nothing
    is checked: the newer code may expect another type, and checks the value when it takes the
    signal.
    """
    if opened.get("code") == code and "shape" in opened:
        check_shape(value, opened["shape"])


def accept_signal(store: Store, run: RunRow, sent: SentSignal, *, code: str | None) -> SignalRow:
    """Store a signal that was sent to the run, and close the first wait that can take it.

    If waits for this signal are open but none can take it, `AnswerError` is raised, and nothing is
    stored. `code` is the version of the run's code, or None if this process doesn't have the code.
    The caller has locked the run.
    """
    # Check before storing: a refused signal must leave no trace, so that its sender can send
    # another one with the same id.
    wait = _taker_of(store, run, sent, code=code)
    signal = store.keep_signal(run, sent)
    if wait:
        _receive(store, run, wait, signal)
    return signal


def _taker_of(store: Store, run: RunRow, sent: SentSignal, *, code: str | None) -> WaitRow | None:
    value = canonical.value_of(sent.value)
    refusals: list[AnswerError] = []
    for wait in _takers(store, run, sent.name):
        try:
            if code is not None:
                check_signal(value, wait.opening(), code=code)
        except AnswerError as refusal:
            refusals.append(refusal)
        else:
            return wait
    if refusals:
        raise refusals[0]
    return None


def _takers(store: Store, run: RunRow, name: str) -> list[WaitRow]:
    """Return the open waits for a signal of this name, except waits that count as decided.

    A wait counts as decided while a held answer makes it unneeded.
    """
    waits = store.waits(run, is_open=True, kind="signal", signal=name)
    return [wait for wait in waits if is_undecided(wait)]


def take_signal(store: Store, run: RunRow, sent: SentSignal) -> None:
    """Store a signal that another run has sent, and close the first wait that can take it.

    If waits for this signal are open but none can take it, the signal is skipped. If a signal with
    the same id is stored already, nothing happens. The caller has locked the run.
    """
    # Authors choose the id, and may send a signal twice under it; only the first one counts.
    if store.signals(run, name=sent.name, signal_id=sent.signal_id):
        return
    signal = store.keep_signal(run, sent)
    waits = _takers(store, run, sent.name)
    misfits = [(wait, _misfit(signal, wait)) for wait in waits]
    if taker := next((wait for wait, why in misfits if not why), None):
        _receive(store, run, taker, signal)
    elif misfits:
        wait, why = misfits[0]
        _skip(store, run, wait, signal, why)


def match_signal(store: Store, run: RunRow, wait: WaitRow) -> None:
    """Close `wait` with the oldest signal that `wait` can take and that nothing has taken.

    Older signals of the same name, which the wait can't take, are skipped. The journal says why.
    """
    for signal in store.signals(run, name=wait.signal, wait=None, skipped="", read_seq=None):
        why = _misfit(signal, wait)
        if not why:
            _receive(store, run, wait, signal)
            return
        _skip(store, run, wait, signal, why)


def skip_last_read(store: Store, run: RunRow, key: str, why: str) -> None:
    """Skip the signal that closed the newest wait with this key; the code can't use the signal."""
    if wait := store.latest_wait(run, key):
        for signal in store.signals(run, wait=wait):
            _note_skipped(store, signal, why)


def _note_skipped(store: Store, signal: SignalRow, why: str) -> None:
    """Store the reason for which a signal was skipped; no wait can take the signal any more."""
    signal.wait, signal.skipped = None, why
    store.save(signal, "wait", "skipped")


def _misfit(signal: SignalRow, wait: WaitRow) -> str:
    """Return the reason for which a wait can't take a signal; "" if there is none."""
    opened = wait.opening()
    try:
        if not signal.error:
            check_signal(canonical.value_of(signal.value), opened, code=opened.get("code", ""))
    except AnswerError as error:
        return str(error)
    return ""


def _receive(store: Store, run: RunRow, wait: WaitRow, signal: SignalRow) -> None:
    """Close a wait with a signal that the wait can take."""
    signal.wait = wait
    store.save(signal, "wait")
    with store.use_files():
        value = packed("value", canonical.value_of(signal.value))
    ids = {"responder_id": signal.responder_id, "signal_id": signal.signal_id}
    content = received(value, sender=signal.sender, error=signal.error)
    if signal.name == MESSAGE:
        ids["is_message"] = True
        store.tell_read(run, [signal.signal_id])
    answer_wait(store, run, wait, content | ids)


def _skip(store: Store, run: RunRow, wait: WaitRow, signal: SignalRow, why: str) -> None:
    """Skip a signal that the wait can't take, and write the reason to the journal.

    The caller has locked the run.
    """
    sentence = skipped(signal.name, signal.sender, why)
    _note_skipped(store, signal, sentence)
    data = {"text": sentence, "level": "warning", "at": signal.at.isoformat()}
    store.put_input(
        run.pk, NewEvent(EventKind.LOG, wait.key, sentence[:100], data), is_counted=True
    )
