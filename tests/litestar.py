"""A checkout of litestar-workflows, named by LITESTAR_WORKFLOWS, with our engine in its place.

Its steps, definitions, examples and tests are loaded as they are. Only its engine is ours, and of
the packages that its web parts need there are stand-ins, for nothing of them is run.
"""

import asyncio
import importlib
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User

from procedures import registry
from procedures.engine import Procedure
from procedures.models import Run
from procedures.runner import advance_run
from programs.graphs import definition_graph
from programs.graphs.facade import GraphEngine
from programs.graphs.instances import Instance
from tests.checkouts import Test, load, modules, tests_of
from tests.configured import procedures_of

CHECKOUT = os.environ.get("LITESTAR_WORKFLOWS", "")
PACKAGE = "litestar_workflows"
THEIRS = (PACKAGE, "litestar_")
FLOWS = "litestar_flows"
"""The module that holds the procedures of the graphs that a test starts."""
NEEDED = (
    *("litestar", "litestar.di", "litestar.openapi", "litestar.plugins", "uvicorn"),
    *("litestar.plugins.sqlalchemy", f"{PACKAGE}.db", f"{PACKAGE}.web"),
    *(f"{PACKAGE}.web.controllers", f"{PACKAGE}.web.views"),
)
FILES = ("engine", "integration", "gateway", "timer", "groups")
EXAMPLES = ("minimal.app", "full.app", "web_api_example")


class Kind(type):
    """The type of stand-ins: they have whatever is asked of them, too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class Anything(metaclass=Kind):
    """A stand-in for what the examples import and nothing here uses."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __call__(self, of: Any = None, *_: Any, **__: Any) -> Any:
        return of

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class StandIn(ModuleType):
    """A module that has whatever is imported from it."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything


class WithoutWeb(StandIn):
    """The package itself, without the parts of it that need its web framework."""

    def __getattr__(self, name: str) -> Any:
        for part in ("core", "steps", "engine"):
            if not name.startswith("__") and hasattr(found := _part(part), name):
                return getattr(found, name)
        return super().__getattr__(name)


def _part(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


class Settling(GraphEngine):
    """Our engine as a test of theirs uses it: a worker has its turn whenever the test sleeps."""

    every: "list[Settling]" = []
    """The engines of the current test."""
    by_default: User

    def __init__(self, registry: Any, persistence: Any = None, event_bus: Any = None) -> None:
        super().__init__(registry, persistence, event_bus, by=self.by_default)
        self.every.append(self)

    async def start_workflow(
        self, workflow: Any, initial_data: dict[str, Any] | None = None
    ) -> Instance:
        await sync_to_async(declare)(definition_graph(workflow, module=FLOWS, lenient=True))
        return await super().start_workflow(workflow, initial_data)

    async def follow(self, instance_id: UUID) -> None:
        """Look when the test sleeps, not beside it."""

    async def settle(self) -> None:
        for one in self.get_running_instances():
            await sync_to_async(work)(one.id)
            await self._look(one.id)


def work(run_id: UUID) -> None:
    """Do a worker's work on a run until it stands still."""
    before = ""
    while (status := Run.objects.values_list("status", flat=True).get(pk=run_id)) != before:
        before = status
        advance_run(run_id)


def declare(made: Procedure) -> None:
    setattr(sys.modules[FLOWS], made.name, made)
    registry.forget()
    registry.register(made)


@contextmanager
def loaded(by: User | None = None) -> Iterator[None]:
    """Have their package, with our engine in it, until the end."""
    if by:
        Settling.by_default = by
    Settling.every = []
    with modules_of_theirs(), procedures_of(FLOWS):
        yield


@contextmanager
def modules_of_theirs() -> Iterator[None]:
    """Have the modules of their package until the end."""
    source = Path(CHECKOUT) / "src" / PACKAGE
    package, engine = WithoutWeb(PACKAGE), ModuleType(f"{PACKAGE}.engine.local")
    package.__path__ = [str(source)]
    vars(engine)["LocalExecutionEngine"] = Settling
    ours: dict[str, ModuleType] = {name: StandIn(name) for name in NEEDED}
    ours |= {PACKAGE: package, engine.__name__: engine, FLOWS: ModuleType(FLOWS)}
    with modules(ours, *THEIRS):
        yield


def definitions() -> list[Any]:
    """The classes of all definitions in the examples."""
    found: dict[str, Any] = {}
    for name in EXAMPLES:
        module = load(
            f"litestar_{name.replace('.', '_')}",
            Path(CHECKOUT) / f"examples/{name.replace('.', '/')}.py",
        )
        for one in vars(module).values():
            is_theirs = inspect.isclass(one) and one.__module__ == module.__name__
            if is_theirs and "get_definition" in vars(one):
                found[one.get_definition().name] = one
    return [found[name] for name in sorted(found)]


def carry_out(flow: Any, data: dict[str, Any], answer: dict[str, Any]) -> Instance:
    """Run a definition with one human step, which the person user1 answers, to its end."""

    async def run() -> Instance:
        engine = Settling(_part("engine").WorkflowRegistry())
        engine.registry.register(flow)
        begun = await engine.start_workflow(flow, data)
        await engine.settle()
        [step] = (await engine.get_instance(begun.id)).waiting_at
        await engine.complete_human_task(begun.id, step, "user1", answer)
        await engine.settle()
        return await engine.get_instance(begun.id)

    return async_to_sync(run)()


def tests() -> list[Test]:
    """All tests of the files, by their names alone."""
    return tests_of(CHECKOUT, FILES)


def run_test(test: Test) -> None:
    """Run one of their tests, with the fixtures of their conftest."""
    file, of, name = test
    with mock.patch.object(pytest, "fixture", lambda fn: fn):
        fixtures = load("litestar_conftest", Path(CHECKOUT) / "tests/conftest.py")
    with (
        modules({"tests.conftest": fixtures}, *THEIRS),
        mock.patch.object(pytest, "mark", Anything()),
    ):
        module = load(f"litestar_test_{file}", Path(CHECKOUT) / f"tests/test_{file}.py")
        method = getattr(getattr(module, of)(), name)

        async def run() -> None:
            made: dict[str, Any] = {}
            with sleeping(threading.current_thread()):
                await method(**_given(method, fixtures, made))

        async_to_sync(run)()


def _given(of: Callable[..., Any], fixtures: ModuleType, made: dict[str, Any]) -> dict[str, Any]:
    names = inspect.signature(of).parameters
    for name in names:
        if name not in made:
            fixture = getattr(fixtures, name)
            made[name] = fixture(**_given(fixture, fixtures, made))
    return {name: made[name] for name in names}


@contextmanager
def sleeping(of_test: threading.Thread) -> Iterator[None]:
    """Settle all engines before the test goes on after a sleep; a step sleeps a moment only."""
    slept = asyncio.sleep

    async def sleep(delay: float, result: Any = None) -> Any:
        if threading.current_thread() is not of_test:
            return await slept(min(delay, 0.01), result)
        for one in Settling.every:
            await one.settle()
        return await slept(delay, result)

    with mock.patch.object(asyncio, "sleep", sleep):
        yield


__all__ = ["carry_out", "definitions", "loaded", "run_test", "tests", "work"]
