"""Sets of waits: a set is decided as soon as enough of its waits are closed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from procedures.engine.errors import QuestionError, Suspend
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.payloads import Closing, Opening
from procedures.engine.lifecycle.sets import (
    DETACHED_KINDS,
    KEEP_OPEN,
    NOT_NEEDED,
    closing_of_set,
    closing_of_unneeded,
    closing_sentence,
)
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.history import Entry
from procedures.engine.replay.observing import seen
from procedures.engine.values import canonical
from procedures.engine.values.options import check_flag
from procedures.engine.values.spelling import short_repr
from procedures.engine.waits.handles import (
    Handle,
    check_same,
    misfits_among,
    opened_again,
    opening_event,
    reopening,
    skip_misfits,
)

T = TypeVar("T")


def first_of(
    fiber: Fiber, name: str, need: int, handles: Sequence[Handle[T]], *, keep_open: bool = False
) -> list[Handle[T]]:
    """Wait until `need` of the handles are closed; return these in the order in which they closed.

    The other handles are withdrawn, or with `keep_open` stay open. The event that closes the set
    records which handles closed first, so a replay returns the same handles. The set is decided in
    the transaction that closes the last of the waits it needs, so the run is replayed only once.
    """
    fiber.check_usable()
    check_flag(f"{KEEP_OPEN}= of ctx.{name}", keep_open)
    _check_set(fiber, f"ctx.{name}", need, handles)
    key = fiber.scope.key_for(name)
    over = tuple(handle.key for handle in handles)
    terms = (need, over, KEEP_OPEN) if keep_open else (need, over)
    digest = canonical.digest(canonical.text_of(terms))[:16]
    asked = Opening(wait="set", need=need, over=over, keep_open=keep_open, digest=digest)
    entry = fiber.take("wait", key)
    if entry:
        check_same(fiber, key, Opening.read(entry.events[0].content), asked)
        won = _won(fiber, key, entry, handles, keep_open=keep_open)
    else:
        skip_misfits(fiber, handles)
        won = _decided(fiber, key, asked, handles)
        if not won:  # the code stayed here until the set was decided
            entry = fiber.recorder.history.entries[key]
            won = _won(fiber, key, entry, handles, keep_open=keep_open)
    return [handle for chosen in won for handle in handles if handle.key == chosen]


def as_finished(fiber: Fiber, handles: Iterable[Handle[T]]) -> Iterator[Handle[T]]:
    """Yield each handle as soon as it is closed; no handle is withdrawn.

    Each handle adds one short event to the journal, however many handles there are.
    """
    fiber.check_usable()
    given: Any = handles
    wanted: list[Handle[T]] = list(given) if isinstance(given, Iterable) else [given]
    if wanted:
        _check_set(fiber, "ctx.as_finished", 1, wanted)
    return _one_by_one(fiber, {handle.key: handle for handle in wanted})


def _one_by_one(fiber: Fiber, left: dict[str, Handle[T]]) -> Iterator[Handle[T]]:
    while left:
        key = seen(fiber, "finished", "", lambda: _first_closed(fiber, left))
        if key not in left:
            words = (
                f"The run continued here because {key} closed, but the code no longer waits for"
                f" {key}."
            )
            fiber.interrupt(fiber.scope.mismatch(words))
        handle = left.pop(key)
        if handle.entry and handle.closed_seq is not None:
            fiber.pass_by(handle.entry.last)
        yield handle


def _first_closed(fiber: Fiber, left: Mapping[str, Handle[Any]]) -> str:
    """Return the key of the handle that closed first; while none is closed, the run waits."""
    while True:
        skip_misfits(fiber, left.values())
        closed = {handle.closed_seq: key for key, handle in left.items() if handle.closed_seq}
        if closed:
            return closed[min(closed)]
        fiber.suspend(Suspend(f"ctx.as_finished ({len(left)} handles left)"))


def _won(
    fiber: Fiber, key: str, entry: Entry, handles: Sequence[Handle[Any]], *, keep_open: bool
) -> list[str]:
    """Return the keys of the waits that decided the set, in the order in which they closed.

    The set is already open. Until it is decided, the run waits.
    """
    while not entry.is_closed:
        fiber.check_going_on(key)
        fiber.suspend(Suspend(key))
    won: list[str] = Closing.read(entry.last.content).value
    _check_winners(fiber, key, entry, handles)
    fiber.pass_by(entry.last)
    left = [handle for handle in handles if handle.key not in won and handle.entry is None]
    # The set was decided after its waits were asked again, but before they were opened.
    if left and not keep_open:
        fiber.check_wanted(key)
        _withdraw(fiber, left, "")
    return won


def _decided(fiber: Fiber, key: str, asked: Opening, handles: Sequence[Handle[Any]]) -> list[str]:
    """Open the set, and decide it immediately if enough handles are closed already.

    Return the keys of the waits that decided the set. If too few handles are closed, the run waits
    until another transaction decides the set, and the result is empty.
    """
    fiber.check_going_on(key)
    fiber.add(opening_event(key, asked))
    closed = {handle.closed_seq: handle for handle in handles if handle.closed_seq}
    if len(closed) < (asked.need or 0):
        fiber.suspend(Suspend(key))
        return []
    winners = [closed[seq] for seq in sorted(closed)][: asked.need]
    won, why = [one.key for one in winners], _told_of(winners[-1])
    losers = () if asked.keep_open else handles
    _withdraw(fiber, losers, why, NewEvent(EventKind.WAIT_CLOSED, key, key, closing_of_set(won)))
    return won


def _check_winners(fiber: Fiber, key: str, entry: Entry, handles: Sequence[Handle[Any]]) -> None:
    """Open the set again if the code can't use the value of a signal that decided the set.

    The wait for that signal and the waits that the set withdrew are opened again as well.
    """
    won = Closing.read(entry.last.content).value
    wrong = misfits_among(fiber, [one for one in handles if one.key in won])
    if not wrong:
        return
    fiber.check_going_on(key)
    drafts = [draft for one, why in wrong.items() for draft in opened_again(one, why)]
    since = entry.events[0].seq
    withdrawn = [(one.key, one.entry) for one in handles if _is_unneeded(one, since)]
    drafts += [reopening(part, kept, anew=key) for part, kept in withdrawn if kept]
    # Reopen the set and its parts in one commit: an open set whose parts are still closed would be
    # decided at once, by the signal that didn't fit.
    fiber.commit(*drafts, reopening(key, entry, anew=key))
    fiber.interrupt(Suspend(key))


def _is_unneeded(handle: Handle[Any], since: int) -> bool:
    """Return True if the wait was withdrawn because a set no longer needed it.

    `since` is the number of the event that opened the set.
    """
    if handle.entry is None or (handle.closed_seq or 0) <= since:
        return False
    return Closing.read(handle.entry.last.content).responder == NOT_NEEDED


def _withdraw(fiber: Fiber, handles: Sequence[Handle[Any]], why: str, *drafts: NewEvent) -> None:
    """Withdraw those of the handles that are still open, except child runs.

    `drafts` are other events to store in the same commit.
    """
    left = [one for one in handles if one.closed_seq is None and one.kind not in DETACHED_KINDS]
    withdrawn = [
        NewEvent(EventKind.WAIT_CLOSED, one.key, one.key, closing_of_unneeded(why)) for one in left
    ]
    events = fiber.commit(*withdrawn, *drafts)
    for handle, event in zip(left, events, strict=False):
        handle.entry = Entry("wait", handle.key, [event])


def _told_of(handle: Handle[Any]) -> str:
    closed = handle.entry.last.content if handle.entry else None
    return closing_sentence(handle.opened.as_json(), closed) if closed else ""


def _check_set(fiber: Fiber, of: str, need: Any, handles: Sequence[Any]) -> None:
    for handle in handles:
        if not isinstance(handle, Handle):
            words = f"{of} needs handles such as those of ctx.later.approve and ctx.timer"
            raise QuestionError(f"{words}, not {short_repr(handle)}.")
    if isinstance(need, bool) or not isinstance(need, int):
        raise QuestionError(f"{of} needs a whole number of handles, not {short_repr(need)}.")
    keys = {handle.key for handle in handles}
    if not all(handle.is_of(fiber) for handle in handles):
        raise QuestionError(
            "A handle can be waited for only in the branch that created it, or outside all "
            "branches if it was created there."
        )
    if len(keys) != len(handles):
        raise QuestionError("Each handle can be in a set only once.")
    if not 1 <= need <= len(keys):
        raise QuestionError(f"A set of {len(keys)} handles can't wait for {need} of them.")
