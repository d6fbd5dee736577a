"""Retries and overrides: how a failed run, or one that no longer fits its code, continues.

A retry repeats the step, the gather or the child that made the run fail.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from procedures.engine.errors import LimitReached
from procedures.engine.journal.events import Event, EventKind, RunStatus
from procedures.engine.lifecycle.cancel import withdraw_all
from procedures.engine.lifecycle.children import CHILD_ENDED, collect_child_results, wait_again
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.lifecycle.runs import are_undone, is_over, is_undone, reopen, tell
from procedures.engine.replay.fiber import BRANCH_FAILED
from procedures.engine.replay.history import STRICT, UNDO, Entry, History, is_doubtful, is_of_branch
from procedures.engine.replay.recorder import open_in
from procedures.engine.store import RunRow, Store, WaitRow

DECISIVE = {*STRICT, EventKind.WAIT_CLOSED} - {EventKind.SEEN, EventKind.SENT}


@dataclass(frozen=True)
class Again:
    """The keys of the parts of a run that a retry repeats or opens again."""

    keys: Sequence[str]
    """The keys of gathers to repeat and of waits to open again."""
    step: str = ""
    """The key of the step to try again, or ""."""
    is_doubtful: bool = False
    """True if people let the step fail because it may or may not have happened."""
    lacks_result: bool = False
    """True if people let the step fail because its result couldn't be stored."""
    child: str = ""
    """The key of the wait whose children failed, or ""."""
    withdrawn: Sequence[str] = ()
    """The keys of waits for children that were withdrawn when the run ended."""

    @property
    def waits_on_children(self) -> list[str]:
        return list(dict.fromkeys([*([self.child] if self.child else []), *self.withdrawn]))


class Fate(StrEnum):
    """The fate of a child without a result when its parent is retried."""

    KEPT = "kept"  # the child has a result by now
    AWAITED = "awaited"  # somebody has let the child continue already
    RETRIED = "retried"
    ANEW = "begun anew"  # the child never runs again, and another one takes its place
    ENDING = "ending"  # the child is still ending, so the retry must wait


@dataclass(frozen=True)
class Retried:
    """A retry that was carried out."""

    run: RunRow
    had_failed: bool
    again: Again
    fates: Sequence[tuple[RunRow, Fate]]
    """The children that made the run fail and have no result yet, with the fate of each."""


def retry(store: Store, run_id: Any, said: Mapping[str, Any]) -> Retried:
    """Let a failed or quarantined run continue where it stopped; its journal isn't changed.

    Locks the runs above it first, then the run itself, then the children that failed.
    """
    # Lock from the top down, as everywhere. The ids are read without locks, because a run's parent
    # never changes.
    *above, run = [store.lock_run(pk) for pk in reversed(_line_of(store, run_id))]
    _check_above(run, above)
    # The parent may not have collected the child's failure yet. If it did so later, it would close
    # the wait that is opened again here.
    if above:
        collect_child_results(store, above[-1].pk)
    had_failed, plan = run.status == RunStatus.FAILED, _Plan.of(store, run)
    plan.apply(store, said)
    fates = plan.found.get(plan.again.child, _Children()).fates
    return Retried(run, had_failed, plan.again, fates)


def _line_of(store: Store, run_id: Any) -> list[Any]:
    """Return the ids of the run and of those runs above it that depend on their child."""
    line, wait = [run_id], store.find_run(run_id).parent_wait
    while wait is not None and not (wait.abandons and not wait.is_open):
        line.append(wait.run_id)
        wait = wait.run.parent_wait
    return line


def _check_above(run: RunRow, above: Sequence[RunRow]) -> None:
    """Refuse to retry a child whose parent was cancelled, unless the child must undo its steps."""
    if run.status == RunStatus.QUARANTINED and run.cancel_requested_at:
        return
    for one in above:
        if one.status == RunStatus.CANCELLED or (one.cancel_requested_at and not is_over(one)):
            raise OperationRefusedError(
                f"The run's parent {one} was cancelled. Start a new run."
                if is_over(one)
                else f"The run's parent {one} is being cancelled. Start a new run."
            )


@dataclass(frozen=True)
class _Plan:
    """A checked plan for retrying a run and its children; nothing changes until `apply`."""

    run: RunRow
    again: Again
    found: "Mapping[str, _Children]"
    """The children that made the run fail, by the key of the wait for them."""
    below: "Sequence[_Plan]"

    @classmethod
    def of(cls, store: Store, run: RunRow) -> "_Plan":
        """Return the plan for retrying a locked run; its children are locked here.

        Raises `OperationRefusedError` if the run or one of its children can't be retried.
        """
        if run.status not in (RunStatus.FAILED, RunStatus.QUARANTINED):
            words = f"Only a failed or quarantined run can be retried; this one is {run.status}."
            raise OperationRefusedError(words)
        has_failed, events = run.status == RunStatus.FAILED, store.events(run)
        if has_failed and are_undone(events):
            raise OperationRefusedError(
                "The run's work has been undone, so it can't be retried. Restart it instead."
            )
        again = taken_up(events, known=_known(store, run), has_failed=has_failed)
        found = {key: _Children.of(store, run, key) for key in again.waits_on_children}
        children = [child for one in found.values() for child in one.with_fate(Fate.RETRIED)]
        return cls(run, again, found, [cls.of(store, child) for child in children])

    def apply(self, store: Store, said: Mapping[str, Any]) -> None:
        keys = [*self.again.keys, *(key for one in self.found.values() for key in one.opened_anew)]
        more: dict[str, Any] = {"again": keys} if keys else {}
        reopened = [key for key, one in self.found.items() if one.wait]
        more |= {"reopened": reopened} if reopened else {}
        tell(store, self.run, {**said, **more}, step=self.again.step)
        reopen(store, self.run)
        for one in self.found.values():
            if one.wait:
                wait_again(store, self.run, one.wait, one.with_fate(Fate.ANEW))
        for plan in self.below:
            plan.apply(store, said)


def _known(store: Store, run: RunRow) -> set[str]:
    """Return the keys of waits that are open or about to close.

    The end of a child doesn't count, because the run's own end has already closed the wait for it.
    """
    coming = {one.key for one in store.pending_inputs(run) if one.kind != CHILD_ENDED}
    return coming | {wait.key for wait in store.waits(run, is_open=True)}


@dataclass(frozen=True)
class _Children:
    """The locked children of one wait that made a run fail."""

    wait: WaitRow | None = None
    """The wait to open again, or None."""
    opened_anew: Sequence[str] = ()
    """The key of the wait, if another child is started in place of the old one."""
    fates: Sequence[tuple[RunRow, Fate]] = ()
    """The children without a result, with the fate of each."""

    @classmethod
    def of(cls, store: Store, run: RunRow, key: str) -> "_Children":
        wait = store.latest_wait(run, key)
        if not key or wait is None:
            return cls()
        fates = [
            (child, _fate(store, child))
            for child in store.newest_without(wait, RunStatus.SUCCEEDED)
        ]
        for child, fate in fates:
            if fate == Fate.ENDING:
                raise OperationRefusedError(
                    f"The run's child {child} is still ending. Retry the run once "
                    "the child has ended."
                )
        has_anew = any(fate == Fate.ANEW for _, fate in fates)
        is_anew = not store.has_children(wait) or (wait.kind != "map" and has_anew)
        return cls(None, [key], fates) if is_anew else cls(wait, (), fates)

    def with_fate(self, fate: Fate) -> list[RunRow]:
        return [child for child, one in self.fates if one == fate]


def _fate(store: Store, child: RunRow) -> Fate:
    is_to_end = child.cancel_requested_at is not None
    is_over_and_undone = is_undone(store, child)
    return fate_of(RunStatus(child.status), is_undone=is_over_and_undone, is_to_end=is_to_end)


def override(store: Store, run: RunRow, said: Mapping[str, Any]) -> None:
    """Let a locked, quarantined run continue with code that differs from its journal.

    Events that the code doesn't ask for are skipped. A step's stored result counts although its
    arguments have changed, and a question that has changed is asked again.
    """
    error = store.error_of(run)
    if run.status != RunStatus.QUARANTINED or error.get("type") != "Mismatch":
        raise OperationRefusedError(
            "Only a run whose journal no longer fits the code can continue with changed code."
        )
    changed = error["changed"]
    tell(store, run, {**said, "loose": error["unread"], "changed": changed})
    store.lock_below(run, [changed])
    store.leave_sets(run, changed)  # the old outcome no longer decides a set
    waits = store.waits(run, is_open=True, key=changed)
    withdraw_all(store, run, waits, by="system: asked again", is_end=False)
    reopen(store, run)


def taken_up(events: Sequence[Event], *, known: Container[str], has_failed: bool) -> Again:
    """Return what a retry repeats; `known` are the keys of waits that are open or about to close.

    All other waits that are open in the journal were withdrawn when the run ended, and are opened
    again.
    """
    history = History(events)
    left = [key for key in open_in(history) if key not in known]
    withdrawn = [key for key in left if history.entries[key].family == "child"]
    keys = [key for key in left if key not in withdrawn]
    end = next((e for e in reversed(events) if e.kind == EventKind.RUN_FAILED), None)
    key = _cause(events, "", end) if has_failed and end else ""
    # Descend through nested gathers to the step or the child that failed inside.
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
    """Return the key of the step, gather or child that failed in a scope; "" after a limit.

    The event `end` may name the key; otherwise, the key of the scope's last decisive event counts.
    After a limit, the run continues from where it stood.
    """
    if told := end.content.get("of"):
        return str(told)
    if end.content["type"] == LimitReached.__name__:
        return ""
    done = (e for e in reversed(events) if e.kind in DECISIVE and e.key.startswith(path))
    return next((e.key for e in done if not e.key.startswith(UNDO) and not _is_left(e)), "")


def _withdrawn_in(history: History, gather: str) -> list[str]:
    """Return the keys of the waits that a gather's failure has withdrawn in other branches."""
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
    """Return True if the entry is a failed child, or a map that is known to have failed."""
    if entry.family != "child" or not entry.is_closed:
        return False
    is_one = entry.events[0].content["wait"] == "child"
    return is_told or (is_one and entry.last.content["outcome"] != "succeeded")
