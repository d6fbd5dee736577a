"""The facade with litestar-workflows' names: runs of graphs are started, answered, cancelled."""

import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Group, User

from procedures import registry
from procedures.engine import DefinitionError
from programs.graphs import Ask, GraphContext, definition_graph
from programs.graphs.facade import GraphEngine
from programs.graphs.instances import Instance
from tests.configured import procedures_of
from tests.conftest import create_person, group
from tests.litestar import work

pytestmark = pytest.mark.django_db
MODULE = "graph_engine_flows"
FORM = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
broken: list[str] = []


def check(context: GraphContext) -> str:
    if broken:
        raise OSError(broken.pop())
    context.set("checked", value=True)
    context.set("copied", context.get("much"))
    return str(context.get("much", "fine"))


def left(context: GraphContext) -> None:
    context.set("left", 1)


def right(context: GraphContext) -> None:
    context.set("right", 2)


def join(context: GraphContext) -> Any:
    return context.get("left") + context.get("right")


@dataclass
class Definition:
    """A definition as litestar-workflows has them."""

    name: str = "bought_by_graph"
    version: str = "1.2"
    description: str = ""
    initial_step: str = "check"
    terminal_steps: set[str] = field(default_factory=lambda: {"join"})
    steps: dict[str, Any] = field(
        default_factory=lambda: {
            "check": check,
            "review": Ask("Buy it?", form_schema=FORM),
            "left": left,
            "right": right,
            "join": join,
        }
    )
    edges: list[tuple[str, ...]] = field(
        default_factory=lambda: [
            *(
                ("check", "review"),
                ("review", "left", "review.ok"),
                ("review", "right", "review.ok"),
            ),
            *(("left", "join"), ("right", "join")),
        ]
    )

    def get_definition(self) -> "Definition":
        return self

    def get_definition_of(self, name: str) -> "Definition":
        return self


class Registry:
    def get_definition(self, name: str) -> Definition:
        return Definition()


class Bus:
    def __init__(self) -> None:
        self.events: list[str] = []

    async def emit(self, event: str, **about: Any) -> None:
        about.pop("instance_id")
        self.events.append(" ".join([event, *map(str, about.values())]))


class Shelf:
    def __init__(self) -> None:
        self.kept: dict[UUID, Instance] = {}

    async def save_instance(self, instance: Instance) -> None:
        self.kept[instance.id] = instance

    async def load_instance(self, instance_id: UUID) -> Instance | None:
        return self.kept.get(instance_id)


class Still(GraphEngine):
    """One that looks only when it is told to, so that a test decides when."""

    async def follow(self, instance_id: UUID) -> None: ...


@pytest.fixture
def flow(finance: Group, operators: Group) -> Iterator[Definition]:
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    options = {"review": {"assign": "finance"}}
    roles = {"start": "operators", "operate": "operators"}
    made = definition_graph(Definition(), module=MODULE, options=options, roles=roles)
    vars(module)["bought"] = made
    with procedures_of(MODULE):
        registry.register(made)
        yield Definition()
    del sys.modules[MODULE]
    broken.clear()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async_to_sync(test)()


def test_a_graph_is_answered_by_who_is_asked_and_goes_on_to_its_join(
    flow: Definition, dave: User, bob: User, alice: User
) -> None:
    bus, shelf = Bus(), Shelf()
    engine = Still(Registry(), shelf, bus, by=dave)

    async def story() -> None:
        begun = await engine.start_workflow(flow, {"item": "cup"})
        assert (begun.status, begun.context.data) == ("running", {"item": "cup"})
        await sync_to_async(work)(begun.id)

        waiting = await engine.get_instance(begun.id)
        assert (waiting.status, waiting.current_step) == ("waiting", "review")
        assert waiting.context.get("checked") is True
        refused = {
            "nobody": ("review", {"ok": True}, "There is no user"),
            "alice": ("review", {"ok": True}, "isn't assigned to alice"),
            "bob": ("join", {"ok": True}, "waiting at step 'review', not at 'join'"),
        }
        for user, (step, data, words) in refused.items():
            with pytest.raises(ValueError, match=words):
                await engine.complete_human_task(begun.id, step, user, data)
        with pytest.raises(ValueError, match="ok"):
            await engine.complete_human_task(begun.id, "review", "bob", {"ok": "perhaps"})

        await engine.complete_human_task(begun.id, "review", "bob", {"ok": True})
        with pytest.raises(ValueError, match="is not waiting"):
            await engine.complete_human_task(begun.id, "review", "bob", {"ok": True})
        await sync_to_async(work)(begun.id)

        # Another process knows nothing but the id, and finds all of it.
        [found] = await Still(Registry(), by=dave).find_instances([begun.id])
        assert (found.status, found.context.data.get("join")) == ("completed", 3), found
        assert found.context.user_id == "bob"
        done = [one.step_name for one in found.context.step_history]
        assert done == ["check", "review", "left", "right", "join"]
        await engine.get_instance(begun.id)
        assert engine.get_running_instances() == []
        assert [one.id for one in engine.get_all_instances()] == [begun.id]
        assert shelf.kept[begun.id].status == "completed"

    run(story)
    assert bus.events == [
        "workflow.started",
        "workflow.waiting review",
        "workflow.completed completed",
    ]


def test_values_that_are_stored_outside_the_journal_are_read_too(
    flow: Definition, dave: User
) -> None:
    engine, much = Still(Registry(), by=dave), "x" * 100_000

    async def story() -> None:
        begun = await engine.start_workflow(flow, {"much": much})
        assert begun.context.data == {"much": much}
        await sync_to_async(work)(begun.id)
        found = await engine.get_instance(begun.id)
        assert found.context.data["copied"] == much
        assert found.context.step_history[0].result == much

    run(story)


def test_a_run_is_cancelled_with_its_reason_and_its_question_is_withdrawn(
    flow: Definition, dave: User, bob: User
) -> None:
    bus = Bus()
    engine = Still(Registry(), event_bus=bus, by=dave)

    async def story() -> None:
        begun = await engine.start_workflow(flow)
        await sync_to_async(work)(begun.id)
        await engine.cancel_workflow(begun.id, "Too dear")
        assert (await engine.get_instance(begun.id)).status == "canceled"
        with pytest.raises(ValueError, match="is not waiting"):
            await engine.complete_human_task(begun.id, "review", "bob", {"ok": True})
        with pytest.raises(KeyError, match="not found"):
            await engine.get_instance(uuid4())

    run(story)
    assert bus.events[-1] == "workflow.canceled Too dear"


def test_a_failed_step_is_scheduled_again(flow: Definition, dave: User) -> None:
    broken.append("The shop is closed.")
    engine = Still(Registry(), by=dave)

    async def story() -> None:
        begun = await engine.start_workflow(flow)
        await sync_to_async(work)(begun.id)
        failed = await engine.get_instance(begun.id)
        assert (failed.status, failed.error) == ("failed", "check: OSError: The shop is closed.")
        await engine.schedule_step(begun.id, "left")  # which is not the one that failed
        assert (await engine.get_instance(begun.id)).status == "failed"
        await engine.schedule_step(begun.id, "check")
        await sync_to_async(work)(begun.id)
        assert (await engine.get_instance(begun.id)).status == "waiting"

    run(story)


def test_others_see_nothing_of_the_runs(flow: Definition, dave: User) -> None:
    eve = create_person("eve", group("strangers"))

    async def story() -> None:
        begun = await Still(Registry(), by=dave).start_workflow(flow)
        with pytest.raises(KeyError, match="not found"):
            await Still(Registry(), by=eve).get_instance(begun.id)
        with pytest.raises(ValueError, match="by="):
            await Still(Registry()).get_instance(begun.id)

    run(story)


def test_a_definition_that_names_missing_steps_is_refused() -> None:
    broken_one = Definition(edges=[("check", "nowhere")])

    with pytest.raises(DefinitionError, match="'nowhere'"):
        definition_graph(broken_one)
    with pytest.raises(DefinitionError, match=r"needs the attributes 'steps', 'edges'"):
        definition_graph(object())
