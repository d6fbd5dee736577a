"""An engine with the methods of litestar-workflows' own engine, for runs of this site."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist

from procedures import hooks
from procedures.engine import EngineError, Procedure
from procedures.files import use_contents, whole_text
from procedures.registry import code_of
from procedures.services import (
    OperationDeniedError,
    cancel_run,
    find_operable,
    retry_run,
    start_run,
)
from programs.graphs.contexts import GraphContext
from programs.graphs.graph import SHAPES
from programs.graphs.instances import ASKING, ENDS, Instance, RunReading, status_of
from programs.graphs.performing import SKIPPED, SUCCEEDED
from programs.graphs.waiting import form_of

if TYPE_CHECKING:
    from procedures.models import Run
    from procedures.users import User

T = TypeVar("T")
MOST_REQUESTS = 100
NOT_FOUND = "The run {} was not found, or you don't have access to it."
DECISION_KEYS = {"approved", "comment"}
"""The keys that the data of an answer can have if the step has no form."""


class GraphEngine:
    """An interface to start, answer and cancel runs of graphs; the site's workers run the steps.

    `by` is the user for whom the engine starts, reads and cancels runs.
    `registry.get_definition(name)` returns the definition with this name. A module of the site
    declares a procedure of the same name with `definition_graph`. The engine follows each run that
    it has started or that `find_instances` has found, and reports changes of the run to
    `persistence` and `event_bus`.
    """

    follow_every = 0.5
    """The seconds between two readings of a run that the engine follows."""

    def __init__(
        self,
        registry: Any,
        persistence: Any = None,
        event_bus: Any = None,
        *,
        by: "User | None" = None,
    ) -> None:
        self.registry, self.persistence, self.event_bus = registry, persistence, event_bus
        self.by = by
        self._seen: dict[UUID, Instance] = {}
        self._told: set[tuple[UUID, str]] = set()
        self._following: dict[UUID, asyncio.Task[None]] = {}

    # What litestar-workflows' engine offers

    async def start_workflow(
        self, workflow: Any, initial_data: dict[str, Any] | None = None
    ) -> Instance:
        """Start a run of the graph that has the workflow's name, and return the new run.

        Raises the errors of `start_run`, for example if there is no procedure of that name.
        """
        name = workflow.get_definition().name
        inputs = {"data": initial_data or {}}
        run, _ = await self._in_thread(start_run, name, inputs, by=self.by)
        instance = await self._look(run.pk)
        await self._emit("workflow.started", instance, once="started")
        self._following[run.pk] = asyncio.create_task(self.follow(run.pk))
        return instance

    async def execute_step(self, step: Any, context: Any, previous_result: Any = None) -> Any:
        """Execute a step in this process, outside any run, and return the step's result.

        The result isn't stored. Raises `EngineError` if the step fails.
        """
        if previous_result is not None:
            context.set("_previous_result", previous_result)
        done = await self._execute_single_step(step, context)
        if error := done.get("error"):
            raise EngineError(error)
        return done.get("result")

    async def schedule_step(
        self, instance_id: UUID, step_name: str, delay: timedelta | None = None
    ) -> None:
        """Retry the failed step of a failed run after a delay.

        If the run hasn't failed at this step, nothing happens, because runs go from step to step by
        themselves. This process sleeps during the delay. If the delay has to survive the end of
        this process, use a timer step instead. Raises `KeyError` for an unknown instance.
        """
        if delay:
            await asyncio.sleep(delay.total_seconds())
        instance = await self.get_instance(instance_id)
        failed = [one.step_name for one in instance.context.step_history if one.status == "failed"]
        if instance.status == "failed" and failed[-1:] == [step_name]:
            words = f"Scheduled again: {step_name}."
            await self._in_thread(retry_run, instance_id, by=self.by, reason=words)

    async def complete_human_task(
        self, instance_id: UUID, step_name: str, user_id: str, data: dict[str, Any]
    ) -> None:
        """Give the answer of the user `user_id` to the question of a step.

        Raises `ValueError` if the run doesn't wait at this step, if the site has no such user, if
        the step doesn't ask this user, and if `data` doesn't fit the step's form.
        """
        instance = await self.get_instance(instance_id)
        if instance.status != "waiting":
            words = f"The run {instance_id} is not waiting for people: it is {instance.status}."
            raise ValueError(words)
        if step_name not in instance.waiting_at:
            at = ", ".join(map(repr, instance.waiting_at))
            raise ValueError(f"The run is waiting at step {at}, not at {step_name!r}.")
        await self._in_thread(self._answer, instance_id, step_name, user_id, data)
        await self._look(instance_id)

    async def cancel_workflow(self, instance_id: UUID, reason: str) -> None:
        """Cancel a run. A running step is finished first.

        Raises `KeyError` for an unknown instance.
        """
        await self.get_instance(instance_id)
        await self._in_thread(cancel_run, instance_id, by=self.by, reason=reason)
        instance = await self._look(instance_id)
        if instance.status == "canceled":
            instance.error = f"Canceled: {reason}"
        await self._emit("workflow.canceled", instance, once="end", reason=reason)

    async def get_instance(self, instance_id: UUID) -> Instance:
        """Return the run with this id. Raises `KeyError` if `by` may not operate such a run."""
        try:
            return await self._look(instance_id)
        except KeyError:
            if self.persistence and (kept := await self.persistence.load_instance(instance_id)):
                found: Instance = kept
                return found
            raise

    def get_running_instances(self) -> list[Instance]:
        """Return those runs of `get_all_instances` that have not ended."""
        return [one for one in self.get_all_instances() if one.status not in ENDS]

    def get_all_instances(self) -> list[Instance]:
        """Return the runs that this engine has started, read or found; see `find_instances`."""
        return list(self._seen.values())

    # Besides

    async def find_instances(self, run_ids: Iterable[UUID]) -> list[Instance]:
        """Return the runs with these ids, and follow the runs from now on.

        The runs may have been started by another process.
        """
        found = [await self.get_instance(one) for one in run_ids]
        for one in found:
            if one.id not in self._following and one.status not in ENDS:
                self._following[one.id] = asyncio.create_task(self.follow(one.id))
        return found

    async def follow(self, instance_id: UUID) -> None:
        """Report changes of a run to the event bus and the persistence, until the run has ended."""
        while (await self._look(instance_id)).status not in ENDS:  # noqa: ASYNC110 (rows)
            await asyncio.sleep(self.follow_every)
        self._following.pop(instance_id, None)

    async def _look(self, instance_id: UUID) -> Instance:
        before = self._seen.get(instance_id)
        instance = await self._in_thread(self._read, instance_id)
        self._seen[instance_id] = instance
        if self.persistence and _has_changed(before, instance):
            await self.persistence.save_instance(instance)
        for step in instance.waiting_at:
            visit = sum(one.step_name == step for one in instance.context.step_history)
            once = f"waiting {step} {visit}"
            await self._emit("workflow.waiting", instance, once=once, step_name=step)
        if instance.status in ("completed", "failed"):
            event = f"workflow.{instance.status}"
            await self._emit(event, instance, once="end", status=instance.status)
        return instance

    async def _emit(self, event: str, instance: Instance, *, once: str, **about: Any) -> None:
        if self.event_bus and (instance.id, once) not in self._told:
            self._told.add((instance.id, once))
            await self.event_bus.emit(event, instance_id=instance.id, **about)

    async def _in_thread(self, function: Callable[..., T], *given: Any, **named: Any) -> T:
        return await sync_to_async(partial(function, *given, **named))()

    def _read(self, run_id: UUID) -> Instance:
        try:
            run = find_operable(run_id, by=self._acting_user())
        except (ObjectDoesNotExist, OperationDeniedError):
            raise KeyError(NOT_FOUND.format(run_id)) from None
        code = graph_of(run)
        return instance_of(run, code, self.registry.get_definition(code.name).version)

    def _answer(self, run_id: UUID, step: str, user_id: str, data: dict[str, Any]) -> None:
        user = _user(user_id)
        run = find_operable(run_id, by=self._acting_user())
        open_now = [one for find in hooks.open_requests for one in find(run, user, MOST_REQUESTS)]
        request = [one for one in open_now if str(one["key"]).partition("#")[0] == step]
        if not request:
            raise ValueError(f"The step {step!r} isn't assigned to {user_id}.")
        value, comment = _answer_of(graph_of(run), step, data)
        for answer in hooks.answers:
            try:
                answer(request[-1]["id"], user, value, comment)
            except EngineError as error:
                raise ValueError(str(error)) from error

    def _acting_user(self) -> "User":
        if self.by is None:
            raise ValueError("Create the engine with by=, the user for whom it acts.")
        return self.by

    async def _execute_single_step(self, step: Any, context: Any) -> dict[str, Any]:
        try:
            if not await _awaited(step.can_execute(context)):
                return {"status": SKIPPED}
            result = await _awaited(step.execute(context))
            await _awaited(step.on_success(context, result))
        except Exception as error:  # noqa: BLE001 (a step may fail in any way)
            await _awaited(step.on_failure(context, error))
            return {"status": "failed", "error": str(error) or type(error).__name__}
        return {"status": SUCCEEDED, "result": result}


def graph_of(run: "Run") -> Procedure:
    """Return the procedure of a run.

    Raises `KeyError` if it isn't a graph that this process has loaded.
    """
    code = code_of(run)
    if code is None or code.fn not in SHAPES:
        raise KeyError(f"The run {run.pk} isn't a run of a graph that this process has loaded.")
    return code


def instance_of(run: "Run", code: Procedure, version: str) -> Instance:
    """Return the state of a run with its data and history, read from the run's journal."""
    shape = SHAPES[code.fn]
    inputs = code.load(whole_text(run.inputs))
    reading = RunReading(shape, dict(inputs.get("data", inputs)))
    with use_contents():
        reading.read(event.as_journal_event() for event in run.events.order_by("seq"))
    waiting_at = [one for one in reading.open if shape.nodes[one].kind in ASKING]
    status = status_of(run.status, waiting_at)
    context = GraphContext(
        workflow_id=code.name,
        instance_id=str(run.pk),
        data=reading.data,
        metadata={"workflow_name": code.name, "workflow_version": version},
        current_step=(waiting_at or [reading.last or shape.start])[0],
        step_history=reading.history,
        started_at=run.created_at,
        user_id=next((one.user_id for one in reversed(reading.history) if one.user_id), None),
    )
    current = None if status in ENDS else context.current_step
    error = json.loads(run.error or "{}").get("message") if status == "failed" else None
    ended = run.ended_at if status in ENDS else None
    return Instance(
        *(run.pk, code.name, version, status, context, current, run.created_at, ended, error),
        waiting_at=waiting_at,
    )


def _answer_of(code: Procedure, step: str, data: dict[str, Any]) -> tuple[Any, str]:
    """Return the value and the comment of an answer, from the data of a completed human task."""
    if form_of(SHAPES[code.fn].nodes[step]):
        return data, ""
    if unknown := sorted(data.keys() - DECISION_KEYS):
        words = f"The step {step!r} has no form, so the data for it can't have the key"
        raise ValueError(f"{words} {unknown[0]!r}.")
    if data.get("approved") not in (True, False):
        raise ValueError(f"The data for the step {step!r} must have 'approved': True or False.")
    return bool(data["approved"]), str(data.get("comment", ""))


def _user(user_id: str) -> "User":
    with suppress(ObjectDoesNotExist):
        user: User = get_user_model().objects.get_by_natural_key(user_id)
        return user
    raise ValueError(f"There is no user {user_id!r}.")


def _has_changed(before: Instance | None, now: Instance) -> bool:
    return before is None or (before.status, len(before.context.step_history)) != (
        now.status,
        len(now.context.step_history),
    )


async def _awaited(value: Any) -> Any:
    return await value if asyncio.iscoroutine(value) else value
