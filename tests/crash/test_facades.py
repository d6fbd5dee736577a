"""The facades with the names of other engines, at the site's own workers in other processes."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from procedures import registry
from procedures.models import Run
from programs.effects.facade import Runtime
from programs.effects.shapes import RunStatus, WaitReason
from programs.graphs.facade import GraphEngine
from programs.graphs.instances import Instance
from tests import abstract_runtime, litestar
from tests.configured import configured
from tests.conftest import StartWorker
from tests.crash import effects, graphs
from tests.processes import wait_until
from tests.runs import result_of

pytestmark = [pytest.mark.soak, pytest.mark.usefixtures("at_work")]
MODULES = [graphs.MODULE, effects.MODULE]


class Definitions:
    """A registry of definitions, each with its name and version alone."""

    def get_definition(self, name: str) -> Any:
        definition = SimpleNamespace(name=name, version="1.0.0")
        return SimpleNamespace(get_definition=lambda: definition, version=definition.version)


class Engine(GraphEngine):
    async def follow(self, instance_id: UUID) -> None:
        """Look when the test asks, not beside it."""


@pytest.fixture
def at_work(worker: StartWorker, running_clock: object, transactional_db: None) -> Iterator[None]:
    """A site with a worker and a clock, whose processes know the programs."""
    with configured(PROCEDURE_MODULES=MODULES):
        registry.forget()
        registry.register_all()
        worker(PROCEDURE_MODULES=",".join(MODULES))
        yield
    registry.forget()


def carry_out(engine: Engine, name: str, data: dict[str, Any], by: str) -> Instance:
    """Start a graph, and answer each question until the graph has ended."""
    look: Callable[[UUID], Instance] = async_to_sync(engine.get_instance)
    instance = async_to_sync(engine.start_workflow)(engine.registry.get_definition(name), data)
    answered: list[str] = []
    while True:
        found = wait_until(lambda: _stopped(look(instance.id), answered), what=f"{name} to stop")
        assert found
        if not found.waiting_at:
            return found
        answer = graphs.ANSWERS.get(found.waiting_at[0], {"approved": True})
        answered.append(found.waiting_at[0])
        async_to_sync(engine.complete_human_task)(found.id, answered[-1], by, answer)


def _stopped(instance: Instance, answered: list[str]) -> Instance | None:
    """Return the run if it has ended, or waits at a step that wasn't answered yet."""
    is_over = instance.status in ("completed", "failed", "canceled")
    return instance if is_over or {*instance.waiting_at} - {*answered} else None


@pytest.mark.skipif(not litestar.CHECKOUT, reason="LITESTAR_WORKFLOWS names no checkout.")
@pytest.mark.parametrize(("name", "data", "end"), graphs.ENDS)
def test_their_engine_s_names_carry_out_their_example(
    name: str, data: dict[str, Any], end: str, admin_user: User
) -> None:
    instance = carry_out(Engine(Definitions(), by=admin_user), name, data, admin_user.username)

    assert instance.status == "completed", instance.error
    assert end in result_of(Run.objects.get(pk=instance.id))


@pytest.mark.skipif(not abstract_runtime.CHECKOUT, reason="ABSTRACTRUNTIME names no checkout.")
@pytest.mark.parametrize(("name", "end"), effects.ENDS)
def test_their_runtime_s_names_carry_out_their_example(
    name: str, end: str, admin_user: User
) -> None:
    runtime = Runtime(by=admin_user)
    run = runtime.start(workflow=name, vars=effects.values[name])

    while (state := runtime.tick(run_id=run)).status == RunStatus.WAITING:
        assert state.waiting
        if state.waiting.reason == WaitReason.USER:
            runtime.resume(run_id=run, payload={"response": "a"})
        else:
            wait_until(
                lambda: runtime.get_state(run).status != RunStatus.WAITING, what="the time to come"
            )

    assert state.status == RunStatus.COMPLETED, state.error
    assert end in str(state.output)
