"""What a retry takes up again: the step, the gather or the child that a run has failed by."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import StrEnum

from procedures.engine.errors import LimitReached
from procedures.engine.journal.events import Event, EventKind, RunStatus
from procedures.engine.replay.fiber import BRANCH_FAILED
from procedures.engine.replay.history import STRICT, UNDO, Entry, History, is_doubtful, is_of_branch
from procedures.engine.replay.recorder import open_in

DECISIVE = {*STRICT, EventKind.WAIT_CLOSED} - {EventKind.SEEN, EventKind.SENT}


@dataclass(frozen=True)
class Again:
    """What a retry takes up again, by keys."""

    keys: Sequence[str]
    """Gathers that are done anew, waits that are opened anew."""
    step: str = ""
    """What is tried again."""
    is_doubtful: bool = False
    """Whether people let that step fail, because it may have happened or not."""
    lacks_result: bool = False
    """Whether they let it fail although it is done: its result could not be kept."""
    child: str = ""
    """The wait for the children that had failed."""
    withdrawn: Sequence[str] = ()
    """The waits for children that the run's end has withdrawn."""

    @property
    def waits_on_children(self) -> list[str]:
        return list(dict.fromkeys([*([self.child] if self.child else []), *self.withdrawn]))


class Fate(StrEnum):
    """What becomes of a child that its parent had failed by, when that one is retried."""

    KEPT = "kept"  # it has a result by now
    AWAITED = "awaited"  # somebody has let it go on already
    RETRIED = "retried"
    ANEW = "begun anew"  # it never runs again: another one takes its place
    ENDING = "ending"  # it is to end, and has not yet: wait for that


def taken_up(events: Sequence[Event], *, known: Container[str], has_failed: bool) -> Again:
    """`known`: the keys of waits that are open, or whose outcome is on its way.

    What else its journal waits for was withdrawn by an end, and is asked again.
    """
    history = History(events)
    left = [key for key in open_in(history) if key not in known]
    withdrawn = [key for key in left if history.entries[key].family == "child"]
    keys = [key for key in left if key not in withdrawn]
    end = next((e for e in reversed(events) if e.kind == EventKind.RUN_FAILED), None)
    key = _cause(events, "", end) if has_failed and end else ""
    while (entry := history.entries.get(key)) and _is_of_gather(entry):
        keys += [key, *_withdrawn_in(history, key)]
        end = entry.last
        key = _cause(events, f"{end.content['branch']}/", end)
    if entry is None:
        return Again(keys, withdrawn=withdrawn)
    if _is_failed_step(entry.last):
        is_let_fail, lacks_result = is_doubtful(entry.last), entry.lacks_result
        return Again(
            keys,
            step=key,
            is_doubtful=is_let_fail,
            lacks_result=lacks_result,
            withdrawn=withdrawn,
        )
    is_told = end is not None and end.content.get("of") == key
    child = key if _is_failed_child(entry, is_told=is_told) else ""
    return Again(keys, child=child, withdrawn=withdrawn)


def fate_of(status: RunStatus, *, is_undone: bool, is_to_end: bool) -> Fate:
    if status == RunStatus.SUCCEEDED:
        return Fate.KEPT
    if not status.is_end:
        return Fate.ENDING if is_to_end else Fate.AWAITED
    return Fate.ANEW if status == RunStatus.CANCELLED or is_undone else Fate.RETRIED


def _cause(events: Sequence[Event], path: str, end: Event) -> str:
    """The key of what failed in a scope: as its end tells it, else what it did there last.

    By a limit nothing has failed: the run goes on from where it stood.
    """
    if told := end.content.get("of"):
        return str(told)
    if end.content["type"] == LimitReached.__name__:
        return ""
    done = (e for e in reversed(events) if e.kind in DECISIVE and e.key.startswith(path))
    return next((e.key for e in done if not e.key.startswith(UNDO) and not _is_left(e)), "")


def _withdrawn_in(history: History, gather: str) -> list[str]:
    """What the other branches of a gather were waiting for when it failed."""
    entries = (one for one in history.entries.values() if one.key.startswith(f"{gather}/"))
    return [one.key for one in entries if _is_left(one.last)]


def _is_left(event: Event) -> bool:
    is_closing = event.kind == EventKind.WAIT_CLOSED
    return is_closing and event.content["responder"] == BRANCH_FAILED


def _is_of_gather(entry: Entry) -> bool:
    return entry.family == "step" and is_of_branch(entry.last)


def _is_failed_step(event: Event) -> bool:
    return event.kind == EventKind.STEP_FAILED and bool(event.content["final"])


def _is_failed_child(entry: Entry, *, is_told: bool) -> bool:
    """A map that ended last may have ended well."""
    if entry.family != "child" or not entry.is_closed:
        return False
    is_one = entry.events[0].content["wait"] == "child"
    return is_told or (is_one and entry.last.content["outcome"] != "succeeded")
