"""Procedures made of graphs: steps, and edges with conditions that lead from step to step."""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from procedures.engine import (
    Context,
    DefinitionError,
    EngineError,
    Limits,
    Procedure,
    SignalOptions,
    StepOptions,
    procedure,
)
from procedures.engine.declaration.steps import options_of
from procedures.engine.kinds.questions import new_question
from procedures.engine.values.durations import parse_duration
from procedures.engine.waits.signals import silence_of
from programs.graphs.drawing import picture_of
from programs.graphs.nodes import Node
from programs.graphs.shape import Shape, shape_of
from programs.graphs.waiting import form_of
from programs.graphs.walk import Walk
from programs.signing import sign, source_of

OF_STEP = tuple(one for one in StepOptions.__annotations__ if one != "name")
OF_SIGNAL = tuple(SignalOptions.__annotations__)

SHAPES: "WeakKeyDictionary[Callable[..., Any], Shape]" = WeakKeyDictionary()
"""The shapes of graphs, keyed by the functions of the procedures that were made from the graphs."""


def graph(  # noqa: PLR0913 (the options of authors)
    name: str,
    *,
    steps: Mapping[str, Any],
    edges: Iterable[Any] = (),
    start: str = "",
    ends: Iterable[str] = (),
    options: Mapping[str, Mapping[str, Any]] | None = None,
    inputs: Mapping[str, Any] | None = None,
    title: str = "",
    doc: str = "",
    version: str = "",
    subject: str = "",
    roles: Mapping[Any, str | Iterable[str]] | None = None,
    limits: Limits | None = None,
) -> Procedure:
    """Return a procedure that walks through a graph of steps.

    `steps` maps names to steps. A step is a function, or an object with a method
    `execute(context)`. The object can also have the methods `can_execute`, `on_success` and
    `on_failure`, and the attributes `step_type`, `form_schema` and `assignee_key`. Each of the
    methods may be `async`. A group of steps can be used as a step. `edges` are tuples of two names,
    such as ("check", "pay"). A third item is the condition of the edge: a text such as "amount >
    100" or "otherwise", or a function that gets the context. The graph begins at the step `start`;
    by default, that is the only step to which no edge leads. A path ends after a step in `ends`,
    and after a step from which no edge can be taken.

    `options` maps the names of steps to their `StepOptions`, `RequestOptions` or `SignalOptions`.
    `inputs` maps the names of a run's inputs to their types, or to pairs of a type and a default;
    without `inputs`, a run can be started with any `data`. The result of the run is its data at the
    end. `title`, `subject`, `roles` and `limits` are those of `@procedure`. `doc` is the
    description of the procedure. Steps can read `version` as
    `context.metadata["workflow_version"]`.

    Raises `DefinitionError` for an invalid graph.
    """
    shape = shape_of(steps, edges, start=start, ends=ends, options=options)
    module = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 (as Enum finds its own)
    return made_of(
        shape,
        name,
        inputs=inputs,
        module=module,
        version=version,
        doc=doc,
        options={"title": title, "subject": subject, "roles": roles, "limits": limits},
    )


def made_of(  # noqa: PLR0913 (all that a procedure is made of)
    shape: Shape,
    name: str,
    *,
    inputs: Mapping[str, Any] | None = None,
    module: str = "",
    version: str = "",
    doc: str = "",
    options: Mapping[str, Any] | None = None,
) -> Procedure:
    """Return the procedure for a checked graph.

    `module` is the name of the module that defines the graph.
    """
    for node in shape.nodes.values():
        check_options(node)
    content = {"workflow_name": name, "workflow_version": version}

    def walk(ctx: Context, **values: Any) -> dict[str, Any]:
        given: Mapping[str, Any] = values["data"] if inputs is None else values
        return Walk(ctx, shape, content).run(given)

    taken = {"data": (dict[str, Any], {})} if inputs is None else inputs
    sign(walk, name, taken, module=module, doc=doc)
    SHAPES[walk] = shape
    source = source_of(module)
    rest = {key: one for key, one in (options or {}).items() if one}
    rest["picture"] = picture_of(shape)
    return procedure(name=name, source=source, **rest)(walk)


def check_options(node: Node) -> None:
    """Raise `DefinitionError` if a step has options that would cause an error in a run."""
    try:
        _try_options(node)
    except DefinitionError:
        raise
    except EngineError as error:
        raise DefinitionError(
            f"The step {node.name!r} has options that can't be used: {error}"
        ) from None


def _try_options(node: Node) -> None:
    if node.kind == "human":
        schema = form_of(node)
        own: dict[str, Any] = {"schema": schema} if schema else {}
        new_question("form" if schema else "approval", node.title, **own, **node.options)
        return
    known = {"machine": OF_STEP, "webhook": OF_SIGNAL}.get(node.kind, ())
    if unknown := [one for one in node.options if one not in known]:
        raise DefinitionError(
            f"The step {node.name!r} can't have the option {unknown[0]!r}. "
            + (f"It can have {', '.join(known)}." if known else "It has no options.")
        )
    if node.kind == "machine":
        options_of(node.options)
    if node.kind == "webhook":
        silence_of(f"The signal {node.name!r}", Any, node.options)
        if "expires" in node.options:
            parse_duration(node.options["expires"], of=f"expires= of {node.name}")
    if node.kind == "timer" and not hasattr(node.step, "get_duration"):
        words = f"duration of {node.name}"
        parse_duration(node.step.duration, shortest=timedelta(0), of=words)
