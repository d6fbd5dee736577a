"""All runs of one test in memory, with a clock that is turned by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.limits import USUAL, Limits
from procedures.engine.errors import AnswerError
from procedures.engine.execute import advance
from procedures.engine.journal.events import (
    BEGUN_ANEW,
    Batch,
    Event,
    EventKind,
    Handoff,
    NewEvent,
    RunFacts,
    RunStatus,
    chain,
    closing,
    silence,
)
from procedures.engine.journal.large import packed, part_of, put_aside, unpacked
from procedures.engine.journal.seals import proven
from procedures.engine.lifecycle.deciding import decision, not_needed, told_of
from procedures.engine.memory.code import child_of
from procedures.engine.memory.deliveries import deliver
from procedures.engine.memory.journal import LEASE, MemoryJournal
from procedures.engine.memory.rows import (
    KEY,
    SUSPENDED,
    MemoryFiles,
    MemoryRun,
    Parent,
    child_end,
)
from procedures.engine.replay.history import UNDO
from procedures.engine.replay.recorder import Linger
from procedures.engine.values.choices import use_choices
from procedures.engine.values.files import use_file_store
from procedures.engine.values.sizes import USUAL_SIZES, Sizes
from procedures.engine.waits.children import is_abandoned
from procedures.engine.waits.handles import DETACHED_KINDS
from procedures.engine.waits.sets import KEEP_OPEN
from procedures.engine.waits.signals import check_signal, misfit_of, received, skipped

LEAVING = (RunStatus.FAILED, RunStatus.SUCCEEDED)
"""The ends that leave children to themselves."""


class MemoryStore:
    """All runs of one test, with a clock that is turned by hand."""

    def __init__(
        self,
        choices: Mapping[str, Mapping[str, str]] | None = None,
        limits: Limits = USUAL,
        sizes: Sizes = USUAL_SIZES,
    ) -> None:
        self.choices = choices or {}
        """What a site's settings allow, by setting and name."""
        self.limits, self.sizes = limits, sizes
        self.clock = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self.runs: dict[str, MemoryRun] = {}
        self.files = MemoryFiles()
        self.is_stopping = False
        """Whether the worker that carries runs on is to end."""
        self.spent_by = ""
        """What code has changed in the worker's process that could not be set back."""
        self.faults: tuple[type[BaseException], ...] = ()
        """The exceptions that mean, from code, that this storage is lost."""

    def start(
        self, procedure: Procedure, inputs: Mapping[str, Any] | None = None, *, by: str = "system"
    ) -> str:
        with use_file_store(self.files), use_choices(self.choices):
            text = put_aside(procedure.dump(procedure.parse(inputs or {})))
        return self.begin(procedure, RunFacts(self.new_id(), text, seed=self.new_id()), by=by)

    def new_id(self) -> str:
        return str(uuid4())

    def begin(
        self, procedure: Procedure, facts: RunFacts, *, by: str, parent: Parent | None = None
    ) -> str:
        run = self.runs[facts.run_id] = MemoryRun(procedure, facts, parent=parent)
        self.append(run, NewEvent(EventKind.RUN_STARTED, data=run.beginning(by)))
        self.queue(run)
        return facts.run_id

    def claim(self, run_id: str) -> MemoryJournal | None:
        """The run's journal for one worker; None when there is nothing to do or it is held."""
        run = self.runs.get(run_id)
        if run is None or not self.is_free(run):
            return None
        run.status, run.leased_until = RunStatus.RUNNING, self.clock + LEASE
        run.epoch, run.claims = run.epoch + 1, run.claims + 1
        if run.inputs:
            self.take_inputs(run)
            run.claims = 1
        if run.cancellation and not run.compensates:
            self.end_cancelled(run)
            return None
        if run.is_to_pause:
            self.park(run, RunStatus.QUEUED)
            return None
        return self.hold(run)

    def hold(self, run: MemoryRun) -> MemoryJournal:
        return MemoryJournal(self, run)

    def queue(self, run: MemoryRun) -> None:
        """Let a worker take it up."""
        run.status, run.wake_at, run.leased_until = RunStatus.QUEUED, None, None

    def park(self, run: MemoryRun, paused_as: RunStatus) -> None:
        """Let no worker take it up until it is unpaused."""
        run.status, run.paused_as = RunStatus.PAUSED, paused_as
        run.leased_until, run.claims = None, 0

    def is_free(self, run: MemoryRun) -> bool:
        """Whether a worker may claim it: queued, or held by one whose lease has passed."""
        if run.status == RunStatus.RUNNING:
            return run.leased_until is None or run.leased_until <= self.clock
        return run.status == RunStatus.QUEUED

    def take_inputs(self, run: MemoryRun) -> None:
        """Write what came from outside into the journal, once."""
        is_to_stop = run.cancellation or run.is_to_pause
        resumed = () if is_to_stop else (NewEvent(EventKind.RUN_RESUMED),)
        self.append(run, *run.inputs, *resumed)
        run.inputs.clear()

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        """What a worker does on a message."""
        if journal := self.claim(run_id):
            linger = self.linger_of(journal)
            with use_choices(self.choices):
                advance(code or journal.row.procedure, journal, self.files, linger=linger)
        return self.runs[run_id].status

    def linger_of(self, _journal: MemoryJournal) -> Linger | None:
        """Return what lets code stand at its waits; None: it is left there, as by workers."""
        return None

    def advance_all(self) -> None:
        """Carry on whatever is queued, until nothing is."""
        while queued := [key for key, run in self.runs.items() if run.status == RunStatus.QUEUED]:
            for run_id in queued:
                self.advance(run_id)

    # What comes from outside

    def resolve(self, run_id: str, key: str, content: dict[str, Any]) -> bool:
        """Close an open wait and queue the run; False when it is closed already."""
        run = self.runs[run_id]
        if key not in run.waits:
            return False
        self._close(run, key, content)
        return True

    def signal(self, run_id: str, name: str, value: Any, *, id: str, by: str) -> bool:  # noqa: A002
        """Send a named message to a run, once for its id; kept until somebody waits for it.

        `AnswerError`, and nothing is kept, when no wait for it that is open can take the value.
        """
        run = self.runs[run_id]
        if (name, id) in run.signal_ids:
            return False
        self.sizes.check_signal(value)
        key = self._taker_of(run, name, value)
        run.signal_ids.add((name, id))
        run.signals.append({"name": name, "value": value, "by": by})
        if key:
            self.match_signal(run, key)
        return True

    def _taker_of(self, run: MemoryRun, name: str, value: Any) -> str:
        """The first of the waits for that signal that can take the value; "" when none is open."""
        waiting = [key for key, wait in run.waits.items() if wait.get("signal") == name]
        refusals: list[AnswerError] = []
        for key in waiting:
            try:
                check_signal(value, run.waits[key], code=run.procedure.version)
            except AnswerError as refusal:
                refusals.append(refusal)
            else:
                return key
        if refusals:
            raise refusals[0]
        return ""

    def cancel(self, run_id: str, *, by: str, reason: str) -> None:
        """End a run: at once, or by a worker when it is worked on or has something to undo."""
        run = self.runs[run_id]
        run.cancellation = {"action": "cancel", "by": by, "reason": reason}
        run.is_to_pause = False
        run.inputs.append(NewEvent(EventKind.OPERATOR, "", "cancel", run.cancellation))
        self.withdraw_all(run, [key for key in run.waits if not key.startswith(UNDO)])
        self._end_all_below(run_id)
        if run.status != RunStatus.RUNNING:
            self.queue(run)
            if not run.compensates:
                self.claim(run_id)

    def travel(self, length: timedelta) -> None:
        """Let time pass, and do what became due."""
        self.clock += length
        for run_id, key, wait in self.due():
            self.expire(run_id, key, wait)
        for run in self.runs.values():
            self.wake(run)

    def due(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The waits whose time is up: run, key and opening."""
        return [
            (run_id, key, wait)
            for run_id, run in self.runs.items()
            for key, wait in run.waits.items()
            if wait["due_at"] and datetime.fromisoformat(wait["due_at"]) <= self.clock
        ]

    def expire(self, run_id: str, key: str, wait: dict[str, Any]) -> bool:
        """Close a wait whose time is up; False when somebody was faster."""
        run = self.runs[run_id]
        if run.waits.get(key) is not wait:
            return False
        self._close(run, key, silence(wait))
        return True

    def wake(self, run: MemoryRun) -> None:
        """Queue a suspended run when its time has come: for another attempt, or to end."""
        is_due = any(at and at <= self.clock for at in (run.wake_at, run.ends_at))
        if run.status in SUSPENDED and is_due:
            self.queue(run)

    # What changes with the journal

    def append(self, run: MemoryRun, *drafts: NewEvent) -> list[Event]:
        for draft in drafts:
            seq = len(run.events) + 1
            head = run.events[-1].hash if run.events else ""
            run.events.append(
                chain(draft, run_id=run.facts.run_id, seq=seq, at=self.clock, head=head, key=KEY)
            )
        return run.events[len(run.events) - len(drafts) :]

    def take_effect(self, run: MemoryRun, event: Event, *, is_decided: bool) -> None:
        """What an event of the run's worker means to the rest.

        `is_decided`: the code knows already how it closes, and says so in the same commit.
        """
        content = event.content
        if event.kind == EventKind.WAIT_CLOSED and event.key in run.waits:
            wait = self.drop(run, event.key, content)
            if not (content["responder"] == BEGUN_ANEW and is_abandoned(wait)):
                self.cancel_children(wait)
        elif event.kind == EventKind.RUN_CONTINUED:
            run.base = event.seq - 1
            run.closed.clear()
        elif event.kind == EventKind.SENT and not content["refused"]:
            deliver(self, run, content)
        elif event.kind in {EventKind.WAIT_OPENED, EventKind.CHILD_STARTED}:
            run.waits[event.key] = content
            run.closed.pop(event.key, None)
            if not is_decided or content["wait"] in DETACHED_KINDS:
                self._begin_wait(run, event.key)

    def end(self, run: MemoryRun) -> None:
        """Close what an ended run waits for, and tell its parent."""
        is_failed = run.status == RunStatus.FAILED  # a retry goes on waiting for what goes on
        left = [key for key, wait in run.waits.items() if not (is_failed and is_abandoned(wait))]
        self.withdraw_all(run, left)
        parent = run.parent
        if parent is None:
            return
        above, wait = self.runs[parent.run_id], parent.wait
        if above.waits.get(parent.key) is not wait:
            return
        if wait["wait"] == "child":
            self._close(above, parent.key, child_end(run))
        else:
            self._end_one_of(above, parent, wait, run)

    def _begin_wait(self, run: MemoryRun, key: str) -> None:
        wait = run.waits[key]
        if wait["wait"] == "set":
            self._decide(run, key)
        elif wait["wait"] == "signal":
            self.match_signal(run, key)
        elif wait["wait"] == "child":
            with use_file_store(self.files):
                self._start_child(run, key, unpacked(wait, "inputs"), run_id=wait["run"])
        elif wait["wait"] == "map":
            run.maps[key] = {}
            for number in range(min(wait["at_most"], wait["count"])):
                self.start_child_of_map(run, key, number)
            if not wait["count"]:
                self.close_map(run, key, wait)

    def _start_child(
        self, run: MemoryRun, key: str, text: str, *, run_id: str, number: int = 0
    ) -> None:
        wait = run.waits[key]
        procedure = child_of(run.procedure, wait["procedure"])
        with use_file_store(self.files):
            text = put_aside(text)
        facts = RunFacts(run_id, text, seed=self.new_id(), depth=run.facts.depth + 1)
        by = run.events[0].content["by"]
        self.begin(procedure, facts, by=by, parent=Parent(run.facts.run_id, key, wait, number))

    def start_child_of_map(self, run: MemoryRun, key: str, number: int) -> None:
        with use_file_store(self.files):
            [text] = part_of(run.waits[key], "inputs", number, number + 1)
        self._start_child(run, key, text, run_id=self.new_id(), number=number)

    def _end_one_of(
        self, run: MemoryRun, parent: Parent, wait: dict[str, Any], child: MemoryRun
    ) -> None:
        end, ends = child_end(child), run.maps[parent.key]
        with use_file_store(self.files):
            ends[parent.number] = [end["outcome"], unpacked(end, "value"), end["comment"]]
        is_lost = end["outcome"] != "succeeded" and wait["on_failure"] == "fail_fast"
        if is_lost or len(ends) == wait["count"]:
            self.close_map(run, parent.key, wait)
        elif (following := self.begun(wait)) < wait["count"]:
            self.start_child_of_map(run, parent.key, following)

    def children_of(self, wait: dict[str, Any]) -> list[str]:
        runs = self.runs.items()
        return [key for key, run in runs if run.parent and run.parent.wait is wait]

    def begun(self, wait: dict[str, Any]) -> int:
        """How many of a map: one that took another one's place is not counted."""
        parents = (run.parent for run in self.runs.values())
        return len({one.number for one in parents if one and one.wait is wait})

    def close_map(self, run: MemoryRun, key: str, wait: dict[str, Any]) -> None:
        ends = run.maps[key]
        nothing = ["cancelled", None, "It was not needed any more."]
        results = [ends.get(number, nothing) for number in range(wait["count"])]
        with use_file_store(self.files):
            content = closing("finished", responder="system: children") | packed("value", results)
        self._close(run, key, content)
        self.cancel_children(wait)

    def cancel_children(self, wait: dict[str, Any]) -> None:
        for child_id in self.children_of(wait):
            self._end_unneeded(self.runs[child_id])

    def _end_all_below(self, run_id: str) -> None:
        """Also children that were retried when their failure was known, and those of ended ones.

        These go on for a retry of their parent, or by themselves; nobody needs them any more.
        """
        below = [
            one
            for one in self.runs.values()
            if one.parent and one.parent.run_id == run_id and not is_abandoned(one.parent.wait)
        ]
        for child in (one for one in below if one.status in LEAVING):
            for key in list(child.waits):
                self._withdraw(child, key)
            self._end_all_below(child.facts.run_id)
        for child in below:
            self._end_unneeded(child)

    def _end_unneeded(self, child: MemoryRun) -> None:
        if not child.status.is_end and not child.cancellation:
            self.cancel(child.facts.run_id, by="system", reason="Its parent needs it no more.")

    def match_signal(self, run: MemoryRun, key: str) -> None:
        wait = run.waits[key]
        early = [one for one in run.signals if one["name"] == wait.get("signal")]
        for signal in early:
            run.signals.remove(signal)
            error = signal.get("error", "")
            if why := "" if error else misfit_of(signal["value"], wait):
                self._skip(run, key, signal, skipped(signal["name"], signal["by"], why))
                continue
            with use_file_store(self.files):
                value = packed("value", signal["value"])
            self._close(run, key, received(value, sender=signal["by"], error=error))
            return

    def _skip(self, run: MemoryRun, key: str, signal: dict[str, Any], why: str) -> None:
        """Note a signal that did not fit, for the journal, too."""
        run.skipped.append({**signal, "why": why})
        data = {"text": why, "level": "warning"}
        run.inputs.append(NewEvent(EventKind.LOG, key, why[:100], data))

    def _close(self, run: MemoryRun, key: str, content: dict[str, Any]) -> None:
        """Close a wait from outside: the run goes on, unless a set of waits is not decided yet."""
        self.drop(run, key, content)
        data = {**content, "at": self.clock.isoformat()}
        run.inputs.append(NewEvent(EventKind.WAIT_CLOSED, key, key, data))
        sets = [other for other, wait in run.waits.items() if key in wait.get("over", ())]
        for other in sets:
            self._decide(run, other)
        if any(other in run.waits for other in sets):
            return
        if run.status in SUSPENDED:
            self.queue(run)
        elif run.status == RunStatus.PAUSED:
            run.paused_as = RunStatus.QUEUED

    def _decide(self, run: MemoryRun, key: str) -> None:
        wait = run.waits[key]
        won = [one for one in run.closed if one in wait["over"]][: wait["need"]]
        if len(won) < wait["need"]:
            return
        self._close(run, key, decision(won))
        self.withdraw_losers(run, wait, why=run.closed[won[-1]])

    def withdraw_losers(self, run: MemoryRun, wait: dict[str, Any], *, why: str) -> None:
        """Close what a decided set no longer needs and nobody else goes on with."""
        if KEEP_OPEN in wait:
            return
        for other in wait["over"]:
            if other in run.waits and run.waits[other]["wait"] not in DETACHED_KINDS:
                self._close(run, other, not_needed(why))

    def drop(self, run: MemoryRun, key: str, content: Mapping[str, Any]) -> dict[str, Any]:
        wait = run.waits.pop(key)
        run.closed[key] = told_of(wait, content) if content else ""
        return wait

    def withdraw_all(self, run: MemoryRun, keys: list[str]) -> None:
        """Close what a run waits for at its end; its children end, too, unless it abandons them."""
        for key in keys:
            self._withdraw(run, key)

    def _withdraw(self, run: MemoryRun, key: str) -> None:
        wait = self.drop(run, key, {})
        if not is_abandoned(wait):
            self.cancel_children(wait)

    def end_cancelled(self, run: MemoryRun) -> None:
        draft = NewEvent(EventKind.RUN_CANCELLED, data=run.cancellation or {})
        end = Batch((draft,), handoff=Handoff(RunStatus.CANCELLED))
        self.append(run, *proven(end, run_id=run.facts.run_id, key=KEY))
        run.status, run.leased_until, run.wake_at = RunStatus.CANCELLED, None, None
        self.end(run)
