"""Retries and overrides, by which a failed or quarantined run continues.

A retry repeats the step, the gather or the child run that made the run fail. An override lets a run
continue although its journal no longer fits the procedure's code.
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
class RepeatedParts:
    """The parts of a run that a retry repeats, as keys of steps, gathers and waits."""

    keys: Sequence[str]
    """The keys of gathers whose branches continue, and of waits to open again.

    Waits for child runs aren't among them: `child` and `withdrawn` have their keys.
    """
    step: str = ""
    """The key of the step to execute again; "" if no step made the run fail."""
    is_doubtful: bool = False
    """True if an operator let the step fail because nobody knew whether it had taken effect."""
    lacks_result: bool = False
    """True if an operator let the step fail because its result couldn't be stored."""
    child: str = ""
    """The key of the wait whose child run failed; "" if no child made the run fail."""
    withdrawn: Sequence[str] = ()
    """The keys of waits for child runs that were withdrawn because the run ended."""

    @property
    def waits_on_children(self) -> list[str]:
        return list(dict.fromkeys([*([self.child] if self.child else []), *self.withdrawn]))


class ChildTreatment(StrEnum):
    """The way in which a retry of the parent treats a child run that hasn't succeeded."""

    KEPT = "kept"  # the child has a result by now
    AWAITED = "awaited"  # somebody has let the child continue already
    RETRIED = "retried"
    ANEW = "begun anew"  # the child never runs again, and another one takes its place
    ENDING = "ending"  # the child is still ending, so the retry must wait


@dataclass(frozen=True)
class RetryResult:
    """The result of a retry that was carried out."""

    run: RunRow
    had_failed: bool
    again: RepeatedParts
    treatments: Sequence[tuple[RunRow, ChildTreatment]]
    """The child runs that made the run fail, each with what the retry does with it."""


def retry(store: Store, run_id: Any, payload: Mapping[str, Any]) -> RetryResult:
    """Let a failed or quarantined run continue where it stopped; the journal keeps all its events.

    Locks the run's ancestors first, then the run, then the failed child runs. Raises
    `OperationRefusedError` if the run can't be retried.
    """
    # Lock from the top down, as everywhere. The ids are read without locks, because a run's parent
    # never changes.
    *above, run = [store.lock_run(pk) for pk in reversed(_ids_to_lock(store, run_id))]
    _check_above(run, above)
    # The parent may not have collected the child's failure yet. If it did so later, it would close
    # the wait that is opened again here.
    if above:
        collect_child_results(store, above[-1].pk)
    had_failed, plan = run.status == RunStatus.FAILED, _Plan.of(store, run)
    plan.apply(store, payload)
    treatments = plan.found.get(plan.again.child, _Children()).treatments
    return RetryResult(run, had_failed, plan.again, treatments)


def _ids_to_lock(store: Store, run_id: Any) -> list[Any]:
    """Return the ids of the run and of its ancestors, from the run up.

    The list ends below a parent whose wait for the child is closed and lets the child continue
    alone (`on_parent_end="abandon"`).
    """
    line, wait = [run_id], store.find_run(run_id).parent_wait
    while wait is not None and not (wait.abandons and not wait.is_open):
        line.append(wait.run_id)
        wait = wait.run.parent_wait
    return line


def _check_above(run: RunRow, above: Sequence[RunRow]) -> None:
    """Raise `OperationRefusedError` if a run in `above` was cancelled or is being cancelled.

    `above` are the run's ancestors.

    A quarantined run that was cancelled itself may be retried, because it then undoes its work.
    """
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
    """A plan for retrying a run and its child runs; nothing changes before `apply`."""

    run: RunRow
    again: RepeatedParts
    found: "Mapping[str, _Children]"
    """The child runs that made the run fail, by the key of the wait for them."""
    below: "Sequence[_Plan]"

    @classmethod
    def of(cls, store: Store, run: RunRow) -> "_Plan":
        """Return the plan for retrying a run that the caller has locked; lock its child runs.

        Raises `OperationRefusedError` if the run, or one of the child runs, can't be retried.
        """
        if run.status not in (RunStatus.FAILED, RunStatus.QUARANTINED):
            words = f"Only a failed or quarantined run can be retried; this one is {run.status}."
            raise OperationRefusedError(words)
        has_failed, events = run.status == RunStatus.FAILED, store.events(run)
        if has_failed and are_undone(events):
            raise OperationRefusedError(
                "The run's work has been undone, so it can't be retried. Restart it instead."
            )
        again = parts_to_repeat(events, known=_keys_still_open(store, run), has_failed=has_failed)
        found = {key: _Children.of(store, run, key) for key in again.waits_on_children}
        children = [
            child for one in found.values() for child in one.treated_as(ChildTreatment.RETRIED)
        ]
        return cls(run, again, found, [cls.of(store, child) for child in children])

    def apply(self, store: Store, payload: Mapping[str, Any]) -> None:
        keys = [*self.again.keys, *(key for one in self.found.values() for key in one.opened_anew)]
        more: dict[str, Any] = {"again": keys} if keys else {}
        reopened = [key for key, one in self.found.items() if one.wait]
        more |= {"reopened": reopened} if reopened else {}
        tell(store, self.run, {**payload, **more}, step=self.again.step)
        reopen(store, self.run)
        for one in self.found.values():
            if one.wait:
                wait_again(store, self.run, one.wait, one.treated_as(ChildTreatment.ANEW))
        for plan in self.below:
            plan.apply(store, payload)


def _keys_still_open(store: Store, run: RunRow) -> set[str]:
    """Return the keys of waits that are open, or whose closing isn't in the journal yet.

    A wait that an ended child has closed isn't among them: it was withdrawn when the run ended.
    """
    coming = {one.key for one in store.pending_inputs(run) if one.kind != CHILD_ENDED}
    return coming | {wait.key for wait in store.waits(run, is_open=True)}


@dataclass(frozen=True)
class _Children:
    """The child runs of one wait that made the run fail; they are locked."""

    wait: WaitRow | None = None
    """The wait to open again; None if there is none, or if the code opens a new wait instead."""
    opened_anew: Sequence[str] = ()
    """The key of the wait, if the code is to open a new wait and to start another child."""
    treatments: Sequence[tuple[RunRow, ChildTreatment]] = ()
    """The child runs without a result, each with what the retry does with it."""

    @classmethod
    def of(cls, store: Store, run: RunRow, key: str) -> "_Children":
        wait = store.latest_wait(run, key)
        if not key or wait is None:
            return cls()
        treatments = [
            (child, _treatment(store, child))
            for child in store.newest_without(wait, RunStatus.SUCCEEDED)
        ]
        for child, treatment in treatments:
            if treatment == ChildTreatment.ENDING:
                raise OperationRefusedError(
                    f"The run's child {child} is still ending. Retry the run once "
                    "the child has ended."
                )
        has_anew = any(treatment == ChildTreatment.ANEW for _, treatment in treatments)
        is_anew = not store.has_children(wait) or (wait.kind != "map" and has_anew)
        return cls(None, [key], treatments) if is_anew else cls(wait, (), treatments)

    def treated_as(self, treatment: ChildTreatment) -> list[RunRow]:
        return [child for child, one in self.treatments if one == treatment]


def _treatment(store: Store, child: RunRow) -> ChildTreatment:
    is_to_end = child.cancel_requested_at is not None
    is_over_and_undone = is_undone(store, child)
    return treatment_of(RunStatus(child.status), is_undone=is_over_and_undone, is_to_end=is_to_end)


def override(store: Store, run: RunRow, payload: Mapping[str, Any]) -> None:
    """Let a quarantined run continue, although its journal no longer fits the procedure's code.

    Events that the code doesn't ask for are skipped. If the arguments of a step have changed, the
    stored result of the step still counts. If a question has changed, it is asked again. The caller
    has locked the run.
    """
    error = store.error_of(run)
    if run.status != RunStatus.QUARANTINED or error.get("type") != "Mismatch":
        raise OperationRefusedError(
            "Only a run whose journal no longer fits the code can continue with changed code."
        )
    changed = error["changed"]
    tell(store, run, {**payload, "loose": error["unread"], "changed": changed})
    store.lock_below(run, [changed])
    store.leave_sets(run, changed)  # the old outcome no longer decides a set
    waits = store.waits(run, is_open=True, key=changed)
    withdraw_all(store, run, waits, by="system: asked again", is_end=False)
    reopen(store, run)


def parts_to_repeat(
    events: Sequence[Event], *, known: Container[str], has_failed: bool
) -> RepeatedParts:
    """Return what a retry of a run with these events repeats.

    `known` are the keys of waits that are still open, or whose closing isn't in the journal yet.
    All other waits that look open in the journal were withdrawn when the run ended, so they are
    opened again.
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
        return RepeatedParts(keys, withdrawn=withdrawn)
    if _is_failed_step(entry.last):
        is_let_fail, lacks_result = is_doubtful(entry.last), entry.lacks_result
        return RepeatedParts(
            keys,
            step=key,
            is_doubtful=is_let_fail,
            lacks_result=lacks_result,
            withdrawn=withdrawn,
        )
    is_told = end is not None and end.content.get("of") == key
    child = key if _is_failed_child(entry, is_told=is_told) else ""
    return RepeatedParts(keys, child=child, withdrawn=withdrawn)


def treatment_of(status: RunStatus, *, is_undone: bool, is_to_end: bool) -> ChildTreatment:
    if status == RunStatus.SUCCEEDED:
        return ChildTreatment.KEPT
    if not status.is_end:
        return ChildTreatment.ENDING if is_to_end else ChildTreatment.AWAITED
    return (
        ChildTreatment.ANEW
        if status == RunStatus.CANCELLED or is_undone
        else ChildTreatment.RETRIED
    )


def _cause(events: Sequence[Event], path: str, end: Event) -> str:
    """Return the key of the step, gather or wait for children that made a run or a branch fail.

    `path` is the path of the branch, such as "each/1/", or "" for the run. `end` is the event of
    the failure. It may name the key; otherwise, this is the key of the last event of a step, a wait
    or a child in `path`. Returns "" if a limit made the run fail, because the run then continues
    where it stopped.
    """
    if cause := end.content.get("of"):
        return str(cause)
    if end.content["type"] == LimitReached.__name__:
        return ""
    done = (e for e in reversed(events) if e.kind in DECISIVE and e.key.startswith(path))
    return next((e.key for e in done if not e.key.startswith(UNDO) and not _is_left(e)), "")


def _withdrawn_in(history: History, gather: str) -> list[str]:
    """Return the keys of the waits in a gather that the failure of one branch has withdrawn."""
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
    """Return True if the entry is a wait for a child that failed, or for a map that failed.

    A map has failed if `is_told` is True: the event of the run's failure names the map as its
    cause.
    """
    if entry.family != "child" or not entry.is_closed:
        return False
    is_one = entry.events[0].content["wait"] == "child"
    return is_told or (is_one and entry.last.content["outcome"] != "succeeded")
