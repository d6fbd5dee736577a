"""A runtime with the methods of AbstractRuntime's `Runtime`, for runs of this site."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from procedures import hooks
from procedures.engine import EngineError, Procedure
from procedures.engine.values import canonical
from procedures.files import use_contents, whole_text
from procedures.registry import code_of
from procedures.services import (
    ForkPoint,
    OperationDeniedError,
    OperationRefusedError,
    Sent,
    cancel_run,
    find_cancellable,
    find_operable,
    fork_run,
    pause_run,
    send_signal,
    start_run,
)
from programs.effects import limits
from programs.effects.names import engine_name, procedure_name
from programs.effects.program import PROGRAMS
from programs.effects.reading import STATUSES, RunReading, error_in
from programs.effects.shapes import RunState, RunStatus, WaitReason
from programs.effects.waits import ANSWER

if TYPE_CHECKING:
    from procedures.models import Run
    from procedures.users import User

ENDS = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
MOST_REQUESTS = 100
SNAPSHOT = "snapshot: "
NOT_FOUND = "The run {} was not found, or you don't have access to it."


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a run: a paused fork of the run, with a name."""

    snapshot_id: str
    run_id: str
    """The id of the run from which the snapshot was made."""
    name: str


class Runtime:
    """An interface to start, answer and cancel runs of programs; the site's workers run the steps.

    `by` is the user for whom the runtime starts, answers and cancels runs. The programs are
    procedures of the site, made with `as_procedure`. `config.to_limits_dict()` returns the limits
    of the runs that the runtime starts.
    """

    look_every = 0.2
    """The seconds between two readings of a run for which `tick` waits."""
    patience = timedelta(minutes=1)
    """The maximum duration of one call of `tick`."""

    def __init__(self, *, by: "User | None" = None, config: Any = None) -> None:
        self.by, self.config = by, config

    def start(
        self,
        *,
        workflow: Any,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 (the name of AbstractRuntime)
        actor_id: str | None = None,
        session_id: str | None = None,
        idempotency_key: str = "",
    ) -> str:
        """Start a run and return the id of the run.

        `workflow` is a program, the procedure of a program, or the name of a procedure. Raises the
        errors of `start_run`, for example if there is no procedure with this name.
        """
        values = {limits.KEY: self._limits(), **(vars or {})}
        inputs: dict[str, Any] = {"vars": values}
        inputs |= {"actor_id": actor_id or "", "session_id": session_id or ""}
        if isinstance(workflow, Procedure) and "vars" not in workflow.schema.get("properties", {}):
            inputs = dict(vars or {})
        name = name_of(workflow)
        run, _ = start_run(name, inputs, by=self._user(), idempotency_key=idempotency_key)
        return str(run.pk)

    def tick(self, *, run_id: str, workflow: Any = None, max_steps: int = 100) -> RunState:
        """Wait for a run, and return the state of the run.

        This method returns when the run waits, has ended or has visited `max_steps` nodes, and at
        the latest after `patience`. It executes nothing: the site's workers execute the run, even
        if nobody calls `tick`. Raises `KeyError` for an unknown run.
        """
        ends = time.monotonic() + self.patience.total_seconds()
        state, steps = self._look(run_id)
        most = steps + max_steps
        while state.status == RunStatus.RUNNING and steps < most and time.monotonic() < ends:
            self.wait(run_id)
            state, steps = self._look(run_id)
        return state

    def wait(self, run_id: str) -> None:
        """Sleep for `look_every` seconds. In the meantime, workers execute the run."""
        time.sleep(self.look_every)

    def resume(
        self,
        *,
        run_id: str,
        payload: Mapping[str, Any],
        wait_key: str | None = None,
        workflow: Any = None,
    ) -> RunState:
        """Answer the question or send the event for which a run waits, and return the run's state.

        The answer to a question is `payload["response"]`, or the only value in the payload. Only
        the first answer to each wait counts. After sending it, this method waits for the run as
        `tick` does. Raises `ValueError` if the run doesn't wait, or waits for a time or a child
        run, or if the answer is refused.
        """
        self.tick(run_id=run_id)
        run, reading = self._read(run_id)
        state = state_of(run, reading)
        waiting = state.waiting
        if state.status != RunStatus.WAITING or waiting is None:
            raise ValueError("The run is not waiting for an answer, an event or a time.")
        if wait_key is not None and waiting.wait_key is not None and wait_key != waiting.wait_key:
            # "wait_key mismatch" is what AbstractRuntime's own test asks for.
            words = f"The run waits for {waiting.wait_key!r}, not for {wait_key!r}."
            raise ValueError(f"wait_key mismatch: {words}")
        try:
            self._resume(run, reading, payload)
        except EngineError as error:
            raise ValueError(str(error)) from error
        return self.tick(run_id=run_id)

    def cancel_run(self, run_id: str, *, reason: str | None = None) -> RunState:
        """Cancel a run and its children, and return the state of the run.

        A running step is finished first. A run that has ended stays unchanged. Raises `KeyError`
        for an unknown run.
        """
        state = self.get_state(run_id)
        if state.status not in ENDS:
            try:
                run = find_cancellable(UUID(run_id), by=self._user())
                cancel_run(run.pk, by=self._user(), reason=reason or "Cancelled")
            except OperationRefusedError:  # it has ended meanwhile, or is being cancelled
                pass
        return self.get_state(run_id)

    def get_state(self, run_id: str) -> RunState:
        """Return the state of a run.

        Raises `KeyError` if `by` may not operate a run with this id.
        """
        return self._look(run_id)[0]

    def get_ledger(self, run_id: str) -> list[dict[str, Any]]:
        """Return the run's ledger: one record for each attempt, wait and answer, oldest first."""
        return self._read(run_id)[1].ledger

    # Limits

    def get_limit_status(self, run_id: str) -> dict[str, Any]:
        """Return the status of the limits of a run, by kind: "iterations", "tokens" and "history".

        The status has the amount used, the maximum and the percentage, and True if a warning is
        due.
        """
        return limits.status_of(self._limits_of(run_id))

    def check_limits(self, run: RunState) -> list[limits.LimitWarning]:
        """Return a warning for each limit that is nearly or completely used up.

        The run's values say from which percentage a warning is due, for example in
        `warn_tokens_pct`.
        """
        return limits.warnings_of(run.vars.get(limits.KEY) or {})

    def update_limits(self, run_id: str, updates: Mapping[str, Any]) -> None:
        """Change the limits of one run.

        The run applies the change before the first node that it visits after its next wait. Unknown
        names are ignored. Raises `ValueError` if the run has ended, and `KeyError` for an unknown
        run.
        """
        run, _ = self._read(run_id)
        known = limits.changed({}, updates)
        number = run.signals.filter(name=limits.SIGNAL).count() + 1
        try:
            send_signal(run.pk, Sent(limits.SIGNAL, f"limits {number}", known), by=self._user())
        except EngineError as error:
            raise ValueError(str(error)) from error

    # Snapshots

    def save_snapshot(self, run_id: str, name: str) -> Snapshot:
        """Fork a waiting run, pause the fork, and return the fork as a snapshot.

        A second call with the same name returns the snapshot of the first call. Raises `ValueError`
        if the run isn't waiting.
        """
        run, reading = self._read(run_id)
        if not reading.waiting or run.status != "waiting":
            raise ValueError("Only a waiting run can be stored as a snapshot.")
        reason = f"{SNAPSHOT}{name}"
        point = ForkPoint(reading.waits_at)
        # In one transaction, so that no worker asks anybody on behalf of the snapshot.
        with transaction.atomic():
            made, is_new = fork_run(
                run.pk, point, by=self._user(), reason=reason, idempotency_key=reason
            )
            if is_new:
                pause_run(made.pk, by=self._user(), reason=reason)
        return Snapshot(str(made.pk), run_id, name)

    def list_snapshots(self, run_id: str) -> list[Snapshot]:
        """Return the snapshots of a run, oldest first."""
        run, _ = self._read(run_id)
        found = run.copies.filter(idempotency_key__startswith=SNAPSHOT).order_by("pk")
        return [
            Snapshot(str(one.pk), run_id, one.idempotency_key.removeprefix(SNAPSHOT))
            for one in found
        ]

    def restore_snapshot(self, snapshot_id: str) -> str:
        """Start a new run that continues from the wait in the snapshot, and return the run's id."""
        kept = self._find(snapshot_id)
        assert kept.origin_id
        point, words = ForkPoint(kept.forked_at), f"From {kept.idempotency_key}"
        made, _ = fork_run(kept.origin_id, point, by=self._user(), reason=words)
        return str(made.pk)

    # Inside

    def _limits(self) -> dict[str, Any]:
        return dict(self.config.to_limits_dict() if self.config else limits.USUAL)

    def _limits_of(self, run_id: str) -> dict[str, Any]:
        """Return the limits of a run, with the changes that the run hasn't received yet."""
        run, reading = self._read(run_id)
        found = dict(reading.values.get(limits.KEY) or {})
        sent = run.signals.filter(name=limits.SIGNAL).order_by("pk")
        for one in sent[reading.changes_read :]:
            found = limits.changed(found, canonical.plain(one.value))
        return found

    def _resume(self, run: "Run", reading: RunReading, payload: Mapping[str, Any]) -> None:
        assert reading.waiting
        match reading.waiting.reason:
            case WaitReason.USER:
                self._answer(run, reading.waits_at, answer_in(payload))
            case WaitReason.EVENT | WaitReason.JOB:
                name = engine_name(str(reading.waiting.wait_key))
                sent = Sent(name, f"resume {reading.wait_seq}", dict(payload))
                send_signal(run.pk, sent, by=self._user())
            case WaitReason.UNTIL:
                raise ValueError("The run is waiting until a set time, and then continues.")
            case _:
                words = "The run is waiting for its child, and continues when the child has ended."
                raise ValueError(words)

    def _answer(self, run: "Run", key: str, value: Any) -> None:
        found = (find(run, self._user(), MOST_REQUESTS) for find in hooks.open_requests)
        asked = [one for many in found for one in many if one["key"] == key]
        if not asked:
            raise ValueError(f"The run's question isn't assigned to {self._user()}.")
        for answer in hooks.answers:
            answer(asked[-1]["id"], self._user(), value, "")

    def _look(self, run_id: str) -> tuple[RunState, int]:
        run, reading = self._read(run_id)
        state = state_of(run, reading)
        if state.waiting and state.waiting.reason == WaitReason.SUBWORKFLOW:
            self._tell_below(state, state.waiting.details or {})
        return state, reading.steps

    def _tell_below(self, state: RunState, details: dict[str, Any]) -> None:
        """Add to the state what the child run is waiting for.

        If the child run isn't waiting, set the status of the state to "running".
        """
        below = self._look(details["sub_run_id"])[0]
        if below.status != RunStatus.WAITING:
            state.status, state.waiting = RunStatus.RUNNING, None
        waits = below.waiting
        content = {"reason": waits.reason, "wait_key": waits.wait_key} if waits else {}
        details["sub_waiting"] = {"reason": None, "wait_key": None, **content}

    def _read(self, run_id: str) -> tuple["Run", RunReading]:
        run = self._find(run_id)
        code = code_of(run)
        if code is None or code.fn not in PROGRAMS:
            raise KeyError(
                f"The run {run_id} isn't a run of a program that this process has loaded."
            )
        program = PROGRAMS[code.fn]
        inputs = code.load(whole_text(run.inputs))
        nodes = {engine_name(one): one for one in program.spec.nodes}
        values = dict(inputs.get("vars", inputs))
        reading = RunReading(run_id, nodes, values, program.spec.entry_node)
        events: Iterable[Any] = run.events.order_by("seq")
        with use_contents():
            return run, reading.read(one.as_journal_event() for one in events)

    def _find(self, run_id: str) -> "Run":
        by = self._user()
        try:
            return find_operable(UUID(run_id), by=by)
        except (ObjectDoesNotExist, OperationDeniedError, ValueError):
            raise KeyError(NOT_FOUND.format(run_id)) from None

    def _user(self) -> "User":
        if self.by is None:
            raise ValueError("Create the runtime with by=, the user for whom it acts.")
        return self.by


def name_of(workflow: Any) -> str:
    """Return the name of the procedure that was made from a program."""
    if isinstance(workflow, str):
        return workflow
    return str(getattr(workflow, "name", "") or procedure_name(workflow.workflow_id))


def answer_in(payload: Mapping[str, Any]) -> Any:
    """Return the answer in a payload: the value named "response", or the only value.

    Raises `ValueError` for any other payload.
    """
    if ANSWER in payload or len(payload) == 1:
        return payload[ANSWER] if ANSWER in payload else next(iter(payload.values()))
    raise ValueError(f"The payload of an answer must have the key {ANSWER!r}, or exactly one key.")


def state_of(run: "Run", reading: RunReading) -> RunState:
    """Return the state of a program's run, from the run's row and the reading of its journal."""
    code = code_of(run)
    assert code
    status = STATUSES.get(run.status, RunStatus.RUNNING)
    inputs = code.load(whole_text(run.inputs))
    cancelled = reading.cancelled_for or "Cancelled"
    starter = run.started_by.get_username() if run.started_by else None
    above = run.parent_wait.run_id if run.parent_wait else None
    return RunState(
        run_id=str(run.pk),
        workflow_id=PROGRAMS[code.fn].spec.workflow_id,
        status=status,
        current_node=reading.current,
        vars=reading.values,
        waiting=reading.waiting if status == RunStatus.WAITING else None,
        output=reading.output if status == RunStatus.COMPLETED else None,
        error=cancelled if status == RunStatus.CANCELLED else error_in(run.error),
        created_at=run.created_at.isoformat(),
        updated_at=(run.ended_at or run.created_at).isoformat(),
        actor_id=inputs.get("actor_id") or starter,
        session_id=inputs.get("session_id") or None,
        parent_run_id=str(above) if above else None,
    )
