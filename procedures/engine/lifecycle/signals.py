"""Signals: taken by the first wait that can, kept for later ones, skipped where they don't fit."""

from collections.abc import Mapping
from typing import Any

from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import EventKind, NewEvent, closing
from procedures.engine.journal.large import packed
from procedures.engine.lifecycle.waits import answer_wait
from procedures.engine.store import RunRow, SentSignal, SignalRow, Store, WaitRow
from procedures.engine.values import canonical
from procedures.engine.values.shapes import check_shape

RECEIVED = "received"
"""The outcome of a wait for a signal that came."""
LONGEST_REASON = 500


def received(value: Mapping[str, Any], *, sender: str, error: str = "") -> dict[str, Any]:
    """How a wait closes with a signal; `value`: packed. With `error` the waiting code raises."""
    content = {**closing(RECEIVED, responder=sender), **value}
    return {**content, "error": error} if error else content


def skipped(name: str, sender: str, why: str) -> str:
    """What the journal says of a signal that did not fit."""
    words = canonical.legible(why)[:LONGEST_REASON]
    return f"The signal {name} from {sender} was skipped, and is still waited for. {words}"


def check_signal(value: Any, opened: Mapping[str, Any], *, code: str) -> None:
    """`AnswerError` when an open wait cannot take the value.

    Code that has changed since it was opened may take something else: it finds out by itself.
    """
    if opened.get("code") == code and "shape" in opened:
        check_shape(value, opened["shape"])


def accept_signal(store: Store, run: RunRow, sent: SentSignal, *, code: str | None) -> SignalRow:
    """Keep a new signal for a locked run, and close the first wait that can take it.

    `AnswerError`, and nothing is kept, when no wait for it that is open can. `code`: the version
    of the run's code, None where it is not here.
    """
    wait = _taker_of(store, run, sent, code=code)
    signal = store.keep_signal(run, sent)
    if wait:
        _receive(store, run, wait, signal)
    return signal


def _taker_of(store: Store, run: RunRow, sent: SentSignal, *, code: str | None) -> WaitRow | None:
    value = canonical.value_of(sent.value)
    refusals: list[AnswerError] = []
    for wait in store.open_waits(run, kind="signal", signal=sent.name):
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


def take_signal(store: Store, run: RunRow, sent: SentSignal) -> None:
    """Keep what another run has sent, once; one that no open wait for it can take is skipped."""
    if store.find_signal(run, sent.name, sent.signal_id):
        return
    signal = store.keep_signal(run, sent)
    waits = store.open_waits(run, kind="signal", signal=sent.name)
    misfits = [(wait, _misfit(signal, wait)) for wait in waits]
    if taker := next((wait for wait, why in misfits if not why), None):
        _receive(store, run, taker, signal)
    elif misfits:
        wait, why = misfits[0]
        _skip(store, run, wait, signal, why)


def match_signal(store: Store, run: RunRow, wait: WaitRow) -> None:
    """Close a wait for a signal with the first of its name that nobody has waited for.

    Those that the waiting code cannot take are skipped, and the journal says why.
    """
    for signal in store.unread(run, wait.signal):
        why = _misfit(signal, wait)
        if not why:
            _receive(store, run, wait, signal)
            return
        _skip(store, run, wait, signal, why)


def _misfit(signal: SignalRow, wait: WaitRow) -> str:
    """Why a wait, in code of its own version, cannot take a signal; "" if it can."""
    opened = wait.opening()
    try:
        if not signal.error:
            check_signal(canonical.value_of(signal.value), opened, code=opened.get("code", ""))
    except AnswerError as error:
        return str(error)
    return ""


def _receive(store: Store, run: RunRow, wait: WaitRow, signal: SignalRow) -> None:
    """Close a wait with that signal."""
    store.read_by(signal, wait)
    with store.use_files():
        value = packed("value", canonical.value_of(signal.value))
    ids = {"responder_id": signal.responder_id, "signal_id": signal.signal_id}
    content = received(value, sender=signal.sender, error=signal.error)
    answer_wait(store, run, wait, content | ids)


def _skip(store: Store, run: RunRow, wait: WaitRow, signal: SignalRow, why: str) -> None:
    """Let a signal be that did not fit, and say so in the journal of a locked run."""
    told = skipped(signal.name, signal.sender, why)
    store.skip(run, signal, told)
    data = {"text": told, "level": "warning", "at": signal.at.isoformat()}
    store.put_input(run.pk, NewEvent(EventKind.LOG, wait.key, told[:100], data), is_counted=True)
