"""A checkout of AbstractRuntime, named by ABSTRACTRUNTIME, with our runtime in its place.

Its shapes, handlers, examples and tests are loaded as they are. Only the module with its runtime
is ours. For the packages that its examples 06 and 07 need besides, there are stand-ins.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from django.contrib.auth.models import User

from procedures import registry
from procedures.engine import Procedure
from procedures.models import Run
from procedures.services import sweep
from programs.effects import EffectOutcome, as_procedure
from programs.effects.facade import Runtime
from tests.checkouts import Test, load, modules, tests_of
from tests.configured import procedures_of
from tests.working import let_pass, work_off

CHECKOUT = os.environ.get("ABSTRACTRUNTIME", "")
PACKAGE = "abstractruntime"
FLOWS = "abstract_flows"
"""The module that holds the procedures of the programs that a test starts."""
EXAMPLES = ("01_hello_world", "02_ask_user", "03_wait_until", "04_multi_step", "05_persistence")
WITH_MODEL = ("06_llm_integration", "07_react_agent")
FILES: dict[str, tuple[str, ...]] = {
    "pause_resume": (),
    "subworkflow": (),
    "retry_idempotency": (),
    "integrations_abstractcore": (),
    "durable_toolsets": (),
    "scheduler": ("TestScheduler", "TestScheduledRuntime"),
    "artifacts": ("TestArtifactRuntimeIntegration", "TestArtifactWorkflowIntegration"),
}
"""The files of their tests that use the runtime, with the classes of those that do so in part."""


class Captured(Exception):  # noqa: N818 (no error: it carries a program out of an example)
    """A program that an example was about to start."""


@dataclass
class Started:
    """The runs that the examples and tests have started."""

    programs: list[Procedure] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=list)


class Theirs(Runtime):
    """Our runtime with the arguments of theirs; the worker works while somebody waits."""

    acting: User | None = None
    started = Started()
    captures = False
    module = FLOWS
    """The module that the procedures are declared in."""

    def __init__(
        self,
        *,
        workflow_registry: Any = None,
        effect_handlers: Mapping[Any, Callable[..., Any]] | None = None,
        effect_policy: Any = None,
        config: Any = None,
        **stores: Any,
    ) -> None:
        super().__init__(by=self.acting, config=config)
        self.workflow_registry, self.effect_policy = workflow_registry, effect_policy
        self.handlers, self.run_store = effect_handlers or {}, stores.get("run_store")
        self.ledger_store = stores.get("ledger_store")
        self.artifact_store = stores.get("artifact_store")

    def start(self, *, workflow: Any, vars: Any = None, **who: Any) -> str:  # noqa: A002
        made = self.declare(workflow)
        self.started.programs.append(made)
        self.started.values.append(dict(vars or {}))
        if self.captures:
            raise Captured
        return super().start(workflow=made, vars=vars, **who)

    def declare(self, workflow: Any) -> Procedure:
        """Make procedures of a program and of all that it can start."""
        known: dict[str, Procedure] = {}
        ids = self.workflow_registry.list_ids() if self.workflow_registry else []
        others = [self.workflow_registry.get(one) for one in ids]
        for spec in [*others, workflow]:
            known[spec.workflow_id] = as_procedure(
                spec,
                self.handlers,
                workflows=known,
                policy=self.effect_policy,
                module=self.module,
            )
        module = sys.modules[self.module]
        vars(module).update({one.name: one for one in known.values()})
        if not self.captures:
            registry.forget()
            for one in known.values():
                registry.register(one)
        return known[workflow.workflow_id]

    def wait(self, run_id: str) -> None:
        sweep()
        work_off()
        if Run.objects.filter(status="retrying").exists():
            let_pass(timedelta(minutes=5))


class Model:
    """A stand-in for a client of models: it answers each request with the next of its replies."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.model = "offline"

    def get_model_capabilities(self) -> dict[str, Any]:
        return {"max_tokens": 1000}

    def generate(self, *, prompt: str = "", messages: Any = None, **_: Any) -> dict[str, Any]:
        if messages and messages[-1]["role"] == "user":
            call = {"name": "list_files", "arguments": {"path": "."}, "call_id": "c1"}
            return {"content": "", "tool_calls": [call], "model": "offline"}
        return {"content": f"Offline: {prompt or messages[-1]['content']}", "model": "offline"}


def list_files(path: str) -> str:
    """List the files of a folder."""
    return f"two files in {path}"


class ReactAgent:
    """A stand-in for an agent: it asks a model and does the calls, until none is left."""

    def __init__(self, *, runtime: Any, tools: Any, on_step: Callable[..., None]) -> None:
        self.runtime, self.run_id, self.spec = runtime, "", react()
        self.tell = on_step

    def start(self, task: str) -> None:
        said = [{"role": "user", "content": task}]
        self.run_id = self.runtime.start(workflow=self.spec, vars={"messages": said, "turns": 0})

    def step(self) -> Any:
        state = self.runtime.tick(workflow=self.spec, run_id=self.run_id)
        if state.output:
            self.tell("done", state.output)
        return state


def react() -> Any:
    theirs = importlib.import_module(PACKAGE)
    plan, effect, kinds = theirs.StepPlan, theirs.Effect, theirs.EffectType

    def reason(run: Any, ctx: Any) -> Any:
        run.vars["turns"] += 1
        asked = {"messages": list(run.vars["messages"])}
        return plan("reason", effect(kinds.LLM_CALL, asked, "_temp.reply"), "act")

    def act(run: Any, ctx: Any) -> Any:
        reply = run.vars["_temp"]["reply"]
        if calls := reply.get("tool_calls"):
            return plan("act", effect(kinds.TOOL_CALLS, {"tool_calls": calls}, "found"), "observe")
        done = {"answer": reply["content"], "iterations": run.vars["turns"]}
        return plan("act", complete_output=done)

    def observe(run: Any, ctx: Any) -> Any:
        for one in run.vars["found"]["results"]:
            run.vars["messages"].append({"role": "tool", "content": one["output"]})
        return plan("observe", next_node="reason")

    return theirs.WorkflowSpec(
        "react", "reason", {"reason": reason, "act": act, "observe": observe}
    )


@contextmanager
def loaded(by: User | None = None) -> Iterator[None]:
    """Have their package, with our runtime in it, until the end."""
    Theirs.acting, Theirs.started = by, Started()
    with modules_of_theirs(), procedures_of(FLOWS):
        yield


@contextmanager
def modules_of_theirs() -> Iterator[None]:
    """Have the modules of their package until the end."""
    runtime = ModuleType(f"{PACKAGE}.core.runtime")
    handler = Callable[..., Any]
    vars(runtime).update(Runtime=Theirs, EffectOutcome=EffectOutcome, EffectHandler=handler)
    kinds = {"name": "list_files", "description": "Lists the files of a folder."}
    definition = mock.Mock(from_function=lambda _: mock.Mock(**kinds))
    given = {
        runtime.__name__: runtime,
        FLOWS: ModuleType(FLOWS),
        "abstractcore": ModuleType("abstractcore"),
        "abstractcore.tools": ModuleType("abstractcore.tools"),
        "abstractagent": ModuleType("abstractagent"),
        "abstractagent.agents": ModuleType("abstractagent.agents"),
        "abstractagent.agents.react": ModuleType("abstractagent.agents.react"),
        "abstractagent.tools": ModuleType("abstractagent.tools"),
    }
    vars(given["abstractcore.tools"])["ToolDefinition"] = definition
    vars(given["abstractagent.agents.react"])["ReactAgent"] = ReactAgent
    vars(given["abstractagent.tools"])["ALL_TOOLS"] = [list_files]
    with modules(given, PACKAGE, "abstract_"), ExitStack() as left:
        source = str(Path(CHECKOUT) / "src")
        left.enter_context(mock.patch.object(sys, "path", [source, *sys.path]))
        scheduler = importlib.import_module(f"{PACKAGE}.scheduler.scheduler").Scheduler
        factory = importlib.import_module(f"{PACKAGE}.integrations.abstractcore.factory")
        for name in ("start", "stop"):
            left.enter_context(mock.patch.object(scheduler, name, return_value=None))
        left.enter_context(mock.patch.object(factory, "LocalAbstractCoreLLMClient", Model))
        yield


def run_example(name: str, folder: Path, *answers: str) -> list[str]:
    """Run an example with these answers at its prompts, and return the lines that it prints."""
    lines: list[str] = []
    left = iter(answers)
    module = example(name, folder)
    # Their own names only, since the worker sleeps and prints in the same process.
    vars(module).update(
        print=lambda *told, **_: lines.append(" ".join(map(str, told))),
        input=lambda _="": next(left),
        time=SimpleNamespace(sleep=lambda seconds: let_pass(timedelta(seconds=seconds))),
    )
    module.main()
    return lines


def example(name: str, folder: Path) -> ModuleType:
    """Load an example; what it writes comes into the folder."""
    module = load(f"abstract_{name}", Path(CHECKOUT) / f"examples/{name}.py")
    if hasattr(module, "DATA_DIR"):
        kept = {"DATA_DIR": folder, "STATE_FILE": folder / "current_run.txt"}
        vars(module).update(kept, RUN_STORE_FILE=folder / "runs", LEDGER_DIR=folder / "ledger")
    return module


def program_of(name: str, folder: Path, *, flows: str = FLOWS) -> tuple[Procedure, dict[str, Any]]:
    """Return the procedure and the values that an example is about to start with."""
    started = Theirs.started
    module = example(name, folder)
    vars(module)["print"] = lambda *_, **__: None
    with mock.patch.multiple(Theirs, captures=True, module=flows):
        try:
            module.main()
        except Captured:
            return started.programs.pop(), started.values.pop()
    raise AssertionError(f"{name} starts nothing.")


def tests() -> list[Test]:
    """Their tests that use the runtime, by their names alone."""
    found = tests_of(CHECKOUT, tuple(FILES))
    return [one for one in found if not FILES[one[0]] or one[1] in FILES[one[0]]]


def tests_beside() -> list[Test]:
    """Their other tests."""
    there = Path(CHECKOUT).glob("tests/test_*.py") if CHECKOUT else ()
    every = tests_of(CHECKOUT, tuple(sorted(one.stem.removeprefix("test_") for one in there)))
    return [one for one in every if one not in tests()]


def run_test(test: Test) -> None:
    file, of, name = test
    module = load(f"abstract_test_{file}", Path(CHECKOUT) / f"tests/test_{file}.py")
    getattr(getattr(module, of)() if of else module, name)()
