"""Sets of waits: decided by the first of them that are closed."""

from collections.abc import Sequence
from typing import Any, TypeVar

from procedures.engine import canonical
from procedures.engine.deciding import NOT_NEEDED, decision, not_needed, told_of
from procedures.engine.errors import QuestionError, Suspend
from procedures.engine.handles import (
    KEEPS_ON,
    Handle,
    check_same,
    misfits_among,
    opened_again,
    reopening,
    skip_misfits,
)
from procedures.engine.history import Entry
from procedures.engine.journal import Draft, EventKind
from procedures.engine.line import Line

T = TypeVar("T")


def first_of(line: Line, name: str, need: int, handles: Sequence[Handle[T]]) -> list[Handle[T]]:
    """The first `need` of them to be closed, in that order; the other open ones are withdrawn.

    Decided in the transaction of who closes the last one needed: the run replays once.
    """
    line.check_usable()
    _check_set(line, need, handles)
    key = line.scope.key_for(name)
    over = [handle.key for handle in handles]
    data = {"wait": "set", "need": need, "over": over}
    data["digest"] = canonical.digest(canonical.text_of((need, over)))[:16]
    entry = line.take("wait", key)
    if entry is None:
        skip_misfits(line, handles)
        won = _decided(line, key, {**data, "due_at": None}, handles)
    else:
        check_same(line, key, entry.events[0].content, data)
        if not entry.is_closed:
            line.check_going_on(key)
            line.interrupt(Suspend(key))
        won = entry.last.content["value"]
        _check_winners(line, key, entry, handles)
        line.pass_by(entry.last)
        left = [handle for handle in handles if handle.key not in won and handle.entry is None]
        if left:  # decided after an operator had them asked again, and before they were
            line.check_wanted(key)
            _withdraw(line, left, "")
    return [handle for chosen in won for handle in handles if handle.key == chosen]


def _decided(
    line: Line, key: str, data: dict[str, Any], handles: Sequence[Handle[Any]]
) -> list[str]:
    """Those that are closed already, if they are enough; else the run waits for the set."""
    line.check_going_on(key)
    line.add(Draft(EventKind.WAIT_OPENED, key, key.rpartition("/")[2].split("#")[0], data))
    closed = {handle.closed_seq: handle for handle in handles if handle.closed_seq}
    if len(closed) < data["need"]:
        line.interrupt(Suspend(key))
    winners = [closed[seq] for seq in sorted(closed)][: data["need"]]
    won, why = [one.key for one in winners], _told_of(winners[-1])
    _withdraw(line, handles, why, Draft(EventKind.WAIT_CLOSED, key, key, decision(won)))
    return won


def _check_winners(line: Line, key: str, entry: Entry, handles: Sequence[Handle[Any]]) -> None:
    """Open the set again, with all that it withdrew, when a signal decided it that does not fit."""
    won = entry.last.content["value"]
    wrong = misfits_among(line, [one for one in handles if one.key in won])
    if not wrong:
        return
    line.check_going_on(key)
    drafts = [draft for one, why in wrong.items() for draft in opened_again(one, why)]
    since = entry.events[0].seq
    withdrawn = [(one.key, one.entry) for one in handles if _is_unneeded(one, since)]
    drafts += [reopening(part, kept, anew=key) for part, kept in withdrawn if kept]
    line.commit(*drafts, reopening(key, entry, anew=key))
    line.interrupt(Suspend(key))


def _is_unneeded(handle: Handle[Any], since: int) -> bool:
    """Whether a set that was opened by that event has withdrawn it."""
    if handle.entry is None or (handle.closed_seq or 0) <= since:
        return False
    return bool(handle.entry.last.content["responder"] == NOT_NEEDED)


def _withdraw(line: Line, handles: Sequence[Handle[Any]], why: str, *drafts: Draft) -> None:
    """Close what of these nobody waits for any more, and keep the drafts in the same commit."""
    left = [one for one in handles if one.closed_seq is None and one.kind not in KEEPS_ON]
    withdrawn = [Draft(EventKind.WAIT_CLOSED, one.key, one.key, not_needed(why)) for one in left]
    events = line.commit(*withdrawn, *drafts)
    for handle, event in zip(left, events, strict=False):
        handle.entry = Entry("wait", handle.key, [event])


def _told_of(handle: Handle[Any]) -> str:
    return told_of(handle.opened, handle.entry.last.content) if handle.entry else ""


def _check_set(line: Line, need: int, handles: Sequence[Handle[Any]]) -> None:
    keys = {handle.key for handle in handles}
    if not all(handle.is_of(line) for handle in handles):
        raise QuestionError("A handle is waited for where it was opened, not in a branch.")
    if len(keys) != len(handles):
        raise QuestionError("Each handle can be waited for once in a set.")
    if not 1 <= need <= len(keys):
        raise QuestionError(f"{need} of {len(keys)} handles can never be closed.")
