"""Procedures made from programs of effects."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from procedures.engine import (
    Context,
    DefinitionError,
    Limits,
    Procedure,
    StepOptions,
    procedure,
)
from procedures.engine.values.spelling import short_repr
from programs.effects import waits
from programs.effects.names import procedure_name
from programs.effects.shapes import EffectType
from programs.effects.visits import type_name
from programs.effects.walk import Program, Walk
from programs.signing import sign, source_of

PROGRAMS: "WeakKeyDictionary[Callable[..., Any], Program]" = WeakKeyDictionary()
"""The programs, keyed by the functions of the procedures that were made from them."""
WAITING = {
    EffectType.ASK_USER: waits.OF_REQUEST,
    EffectType.WAIT_EVENT: waits.OF_SIGNAL,
    EffectType.WAIT_UNTIL: (),
    EffectType.START_SUBWORKFLOW: (),
    EffectType.EMIT_EVENT: (),
}
"""The effects that need no handler, each with the names of the options that it can have."""
OF_STEP = tuple(one for one in StepOptions.__annotations__ if one != "name")
BY_DEFAULT: Mapping[str, Any] = {
    "vars": (dict[str, Any], {}),
    "actor_id": (str, ""),
    "session_id": (str, ""),
}


def as_procedure(  # noqa: PLR0913 (the options of authors)
    workflow: Any,
    effects: Mapping[Any, Callable[..., Any]] | None = None,
    *,
    workflows: Mapping[str, Procedure] | None = None,
    policy: Any = None,
    options: Mapping[Any, Mapping[str, Any]] | None = None,
    inputs: Mapping[str, Any] | None = None,
    name: str = "",
    title: str = "",
    doc: str = "",
    subject: str = "",
    module: str = "",
    roles: Mapping[Any, str | Iterable[str]] | None = None,
    limits: Limits | None = None,
) -> Procedure:
    """Return a procedure that executes a program: its nodes ask for effects, one after another.

    `workflow` has the attributes `workflow_id`, `entry_node` and `nodes`. `nodes` maps names to
    functions `node(run, ctx)` that return a plan. `effects` maps types of effects to handlers. A
    handler `handler(run, effect)` or `handler(run, effect, next_node)` is a step of the run. A
    handler whose first parameter is annotated `Context` runs between steps, as `handler(ctx, run,
    payload)`. The effects ask_user, wait_event, wait_until, start_subworkflow and emit_event need
    no handler.

    `workflows` maps the ids of other programs to the procedures that start_subworkflow starts; a
    program that isn't in `workflows` is looked up by name. `policy` says how often a handler is
    tried (`max_attempts`, `backoff_seconds`). `options` maps types of effects, or names of nodes,
    to the `StepOptions` of a handler, the `RequestOptions` of a question, or the `SignalOptions` of
    an event. `inputs` maps the names of a run's values to their types, or to pairs of a type and a
    default; without `inputs`, a run can be started with any `vars`. `title`, `subject`, `roles` and
    `limits` are those of `@procedure`. `doc` is the description of the procedure. `module` is the
    name of the module that defines the program; by default, the module that calls this function.

    Raises `DefinitionError` for an invalid program.
    """
    handlers, between = _handlers(effects or {})
    chosen = {type_name(one): dict(given) for one, given in (options or {}).items()}
    module = module or sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 (as Enum does)
    program = Program(
        workflow,
        name or procedure_name(_checked(workflow)),
        handlers,
        between,
        chosen,
        policy,
    )
    _check_options(program)

    others = {} if workflows is None else workflows

    def walk(ctx: Context, **values: Any) -> dict[str, Any]:
        given = values.pop("vars") if inputs is None else values
        who = {} if inputs is not None else values
        return Walk(ctx, program, dict(given), others, who).run()  # type: ignore[no-any-return]

    sign(walk, program.name, BY_DEFAULT if inputs is None else inputs, module=module, doc=doc)
    PROGRAMS[walk] = program
    about = {"title": title, "subject": subject, "roles": roles, "limits": limits}
    rest: dict[str, Any] = {key: one for key, one in about.items() if one}
    return procedure(name=program.name, source=source_of(module), **rest)(walk)


def _checked(workflow: Any) -> str:
    """Return the id of a program. Raises `DefinitionError` for an invalid program."""
    try:
        workflow_id, entry, nodes = workflow.workflow_id, workflow.entry_node, dict(workflow.nodes)
    except (AttributeError, TypeError, ValueError):
        words = "A program needs the attributes 'workflow_id', 'entry_node' and 'nodes'"
        raise DefinitionError(f"{words}, unlike {short_repr(workflow)}.") from None
    if entry not in nodes:
        known = f"The nodes are {', '.join(map(str, nodes))}." if nodes else "It has no nodes."
        words = f"entry_node names {short_repr(entry)}, which isn't one of its nodes. {known}"
        raise DefinitionError(f"{workflow_id}: {words}")
    for node, fn in nodes.items():
        if not callable(fn):
            raise DefinitionError(f"{workflow_id}: the node {node!r} isn't a function.")
    return str(workflow_id)


def _handlers(
    effects: Mapping[Any, Callable[..., Any]],
) -> tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]:
    """Return two dicts, keyed by type of effect: handlers that are steps, and all others."""
    steps, between = dict[str, Callable[..., Any]](), dict[str, Callable[..., Any]]()
    for kind, handler in effects.items():
        if not callable(handler):
            raise DefinitionError(f"The handler of {type_name(kind)} isn't a function.")
        if _takes_context(handler) and inspect.iscoroutinefunction(handler):
            words = "gets the context, so it can't be async. Call async functions in steps"
            raise DefinitionError(f"The handler of {type_name(kind)} {words}.")
        (between if _takes_context(handler) else steps)[type_name(kind)] = handler
    return steps, between


def _takes_context(handler: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(handler, eval_str=True).parameters.values()
    except (TypeError, ValueError, NameError):
        return False
    return next((one.annotation is Context for one in parameters), False)


def _check_options(program: Program) -> None:
    for of, given in program.options.items():
        if of in program.spec.nodes:
            known: tuple[str, ...] = (*OF_STEP, *waits.OF_REQUEST, *waits.OF_SIGNAL)
        elif of in program.handlers:
            known = OF_STEP
        elif of in WAITING:
            known = WAITING[EffectType(of)]
        else:
            words = f"{of!r} is neither a node nor an effect that the program can perform"
            raise DefinitionError(f"{program.name}: {words}.")
        if unknown := [one for one in given if one not in known]:
            raise DefinitionError(
                f"{program.name}: {of} can't have the option {unknown[0]!r}. "
                + (f"It can have {', '.join(known)}." if known else "It has no options.")
            )
