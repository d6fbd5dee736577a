"""The reader of graphs in YAML, to be named in the setting PROCEDURE_READERS."""

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from procedures.engine import Limits, Procedure, ProcedureFileError, Retry
from procedures.engine.values.spelling import meant, short_repr
from programs.extras import needing
from programs.graphs.expressions import Expression
from programs.graphs.graph import check_options, made_of
from programs.graphs.nodes import Parts
from programs.graphs.shape import Shape, shape_of
from programs.graphs.steps import Ask, Chain, Gateway, Parallel, Signal, Wait, Work
from programs.signing import fault_of_input_name

with needing("graphs"):
    from programs.graphs.marked import Items, NumberedMapping, at_line, plain, read_yaml

TOP = (
    *("name", "title", "doc", "subject", "roles", "limits", "inputs"),
    *("steps", "edges", "start", "ends"),
)
TYPES: Mapping[str, Any] = {
    "text": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "data": dict[str, Any],
    "list": list[Any],
}
OWN_KINDS = (Ask, Chain, Gateway, Parallel, Signal, Wait)
COMMON = ("description",)
ASKING = (
    *("form", "show", "assign", "assignee_key", "due", "remind", "escalate", "expires", "default"),
    *("on_timeout", "irreversible", "four_eyes", "quorum", "veto", "undo", "risk", "ask_back"),
    "comment_required_on",
)
WORKING = ("with", "retry", "timeout", "once", "transaction", "pure")
KINDS: Mapping[str, tuple[str, ...]] = {
    "run": WORKING,
    "ask": ASKING,
    "timer": (),
    "signal": ("expires", "default", "on_timeout"),
    "gateway": (),
    "parallel": ("then",),
    "sequence": (),
}
"""The kinds of steps, each named by its own key, with the other keys that such a step can have."""
EDGE = re.compile(r"(.+?)\s*->\s*(.+?)(?:\s+when\s+(.+)|\s+(otherwise))?", re.DOTALL)
PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def read_graph(file: str, text: str) -> Procedure:
    """Return the procedure for a graph in YAML.

    Raises `ProcedureFileError`, with the line, if the text isn't a valid graph.
    """
    given = _mapping(read_yaml(text), "A graph", TOP, line=1)
    name = _text(given, "name") or file.rpartition("/")[2].partition(".")[0]
    shape = _shape(given)
    with at_line(given.line):
        return made_of(
            shape,
            name,
            inputs=_inputs(given),
            module=__name__,
            doc=_text(given, "doc"),
            options={
                "title": _text(given, "title"),
                "subject": _text(given, "subject"),
                "roles": given.get("roles"),
                "limits": _limits(given),
            },
        )


def _shape(given: NumberedMapping) -> Shape:
    steps = _mapping(given.get("steps"), "steps", line=given.line_of("steps"))
    made, options = dict[str, Any](), dict[str, Mapping[str, Any]]()
    for name, one in steps.items():
        line = steps.line_of(name)
        with at_line(line):
            made[name], options[name] = _step(name, one, line)
            _check_alone(name, made[name], options[name])
    edges = given.get("edges", Items())
    if not isinstance(edges, Items):
        words = f'edges must be a list such as ["one -> other"], not {short_repr(edges)}.'
        raise ProcedureFileError(words, line=given.line_of("edges"))
    links = []
    for line, edge in edges.numbered():
        with at_line(line):
            links.append(_edge(edge, made, line))
    with at_line(given.line_of("edges" if "edges" in given else "steps")):
        ends = given.get("ends", [])
        _check_names(ends, "ends", given.line_of("ends"))
        start = _text(given, "start")
        return shape_of(made, links, start=start, ends=ends, options=options)


def _check_names(names: Any, what: str, line: int) -> None:
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        words = f"{what} must be a list of names, not {short_repr(names)}."
        raise ProcedureFileError(words, line=line)


def _check_alone(name: str, step: Any, options: Mapping[str, Any]) -> None:
    """Check a step by itself, so that an error can be reported with the line of the step."""
    parts = Parts()
    parts.add(name, step, options)
    for node in parts.nodes.values():
        check_options(node)


def _edge(edge: Any, steps: Mapping[str, Any], line: int) -> tuple[Any, ...]:
    """Return an edge as a tuple of two names and perhaps a condition.

    In the file, an edge is a text "one -> other when condition" or a mapping with the keys from, to
    and when.
    """
    if isinstance(edge, str) and (found := EDGE.fullmatch(edge.strip())):
        source, target, condition = found[1], found[2], found[3] or found[4]
    elif isinstance(edge, NumberedMapping):
        _mapping(edge, "An edge", ("from", "to", "when"))
        source, target, condition = edge.get("from"), edge.get("to"), edge.get("when")
    else:
        words = f'An edge must be written as "one -> other when condition", not {short_repr(edge)}.'
        raise ProcedureFileError(words, line=line)
    for name in (source, target):
        if not isinstance(name, str) or name not in steps:
            known = meant(str(name), steps)
            raise ProcedureFileError(f"There is no step {name!r}.{known}", line=line)
    if condition is None:
        return source, target
    Expression(condition)
    return source, target, condition


def _step(name: str, given: Any, line: int) -> tuple[Any, dict[str, Any]]:
    """Return a step, and the options of the step."""
    of = _mapping(given, f"The step {name!r}", line=line)
    kinds = [kind for kind in KINDS if kind in of]
    if len(kinds) != 1:
        words = f"The step {name!r} must have exactly one of the keys {', '.join(KINDS)}"
        raise ProcedureFileError(f"{words}, not {' and '.join(kinds) or 'none'}.", line=line)
    [kind] = kinds
    _mapping(of, f"The step {name!r}", (kind, *COMMON, *KINDS[kind]))
    return _MAKERS[kind](name, of)


def _run(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    found = _import_from(of, "run")
    options = {key: of[key] for key in WORKING[1:] if key in of}
    if "retry" in options:
        options["retry"] = _retry(of)
    if isinstance(found, type):
        if "with" in of:
            words = "with: is for functions; a class gets the context."
            raise ProcedureFileError(words, line=of.line_of("with"))
        return found(name=name, description=_text(of, "description")), options
    values = None
    if "with" in of:
        given = _mapping(of["with"], "with", line=of.line_of("with"))
        values = {}
        for key, value in given.items():
            with at_line(given.line_of(key)):
                values[key] = Expression(value if isinstance(value, str) else repr(value))
        _check_call(found, values, of.line_of("with"))
    return Work(name, found, values, _text(of, "description")), options


def _check_call(fn: Callable[..., Any], arguments: Mapping[str, Any], line: int) -> None:
    try:
        inspect.signature(fn).bind(**arguments)
    except TypeError as error:
        raise ProcedureFileError(f"with: {error}.", line=line) from None
    except ValueError:  # a function of C that doesn't tell its parameters
        return


def _retry(of: NumberedMapping) -> Retry:
    with at_line(of.line_of("retry")):
        given = of["retry"]
        return Retry(**given) if isinstance(given, NumberedMapping) else Retry(given)


def _ask(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    own = ("form", "show", "assignee_key")
    form, show = of.get("form"), of.get("show", [])
    if form is not None:
        _mapping(form, "form", line=of.line_of("form"))
        if "properties" not in form:
            words = f"The form of the step {name!r} needs the key 'properties'."
            raise ProcedureFileError(words, line=of.line_of("form"))
    _check_names(show, "show", of.line_of("show"))
    options = {key: plain(of[key]) for key in ASKING if key in of and key not in own}
    if isinstance(options.get("escalate"), list):
        options["escalate"] = [
            tuple(one) if isinstance(one, list) else one for one in options["escalate"]
        ]
    step = Ask(
        _text(of, "ask"),
        _text(of, "description"),
        form and {"type": "object", **plain(form)},
        _text(of, "assignee_key") or None,
        tuple(show),
    )
    return step, options


def _timer(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    return Wait(of["timer"], description=_text(of, "description")), {}


def _signal(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    options = {key: plain(of[key]) for key in KINDS["signal"] if key in of}
    reason = _text(of, "signal") if of["signal"] is not None else ""
    return Signal(description=_text(of, "description"), reason=reason), options


def _gateway(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    if of["gateway"] not in ("first", "every"):
        words = 'A gateway must be "first" (one edge) or "every" (all whose conditions hold)'
        raise ProcedureFileError(f"{words}, not {of['gateway']!r}.", line=of.line_of("gateway"))
    return Gateway(first=of["gateway"] == "first", description=_text(of, "description")), {}


def _parallel(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    then = None
    if "then" in of:
        then = _named(NumberedMapping(of.line), "then", of["then"], of.line_of("then"))
    return Parallel(_inner(of, "parallel"), then), {}


def _sequence(name: str, of: NumberedMapping) -> tuple[Any, dict[str, Any]]:
    return Chain(_inner(of, "sequence")), {}


def _inner(of: NumberedMapping, key: str) -> list[Any]:
    steps = _mapping(of[key], key, line=of.line_of(key))
    if not steps:
        raise ProcedureFileError(f"{key} needs at least one step.", line=of.line_of(key))
    return [_named(steps, name, one, steps.line_of(name)) for name, one in steps.items()]


def _named(steps: NumberedMapping, name: str, given: Any, line: int) -> Any:
    """Return a step in a group, with the name of the step.

    Raises `ProcedureFileError` if it has options.
    """
    step, options = _step(name, given, line)
    if options:
        words = f"The step {name!r} is in a group, so it can't have {', '.join(options)}"
        raise ProcedureFileError(f"{words}. Use edges instead of a group.", line=line)
    return replace(step, name=name) if isinstance(step, OWN_KINDS) else step


_MAKERS: Mapping[str, Callable[[str, NumberedMapping], tuple[Any, dict[str, Any]]]] = {
    "run": _run,
    "ask": _ask,
    "timer": _timer,
    "signal": _signal,
    "gateway": _gateway,
    "parallel": _parallel,
    "sequence": _sequence,
}


def _import_from(of: NumberedMapping, key: str) -> Any:
    """Return the function or class whose dotted path is the value of the key.

    Such a path is "shop.orders.check".
    """
    path, line = of[key], of.line_of(key)
    if not isinstance(path, str) or not PATH.fullmatch(path):
        words = f'{key} must name a function or a class, such as "shop.orders.check"'
        raise ProcedureFileError(f"{words}, not {path!r:.50}.", line=line)
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # noqa: BLE001 (the module may raise anything)
        raise ProcedureFileError(f"{path} can't be imported: {error}.", line=line) from None
    if not callable(found):
        raise ProcedureFileError(f"{path} is neither a function nor a class.", line=line)
    return found


def _inputs(given: NumberedMapping) -> dict[str, Any] | None:
    if "inputs" not in given:
        return None
    of = _mapping(given["inputs"], "inputs", line=given.line_of("inputs"))
    return {name: _input(name, one, of.line_of(name)) for name, one in of.items()}


def _input(name: str, given: Any, line: int) -> Any:
    """Return the type of an input, or a pair of its type and its default if it has a default."""
    if why := fault_of_input_name(name):
        raise ProcedureFileError(f"Invalid name {name!r:.50} of an input: {why}.", line=line)
    of = given if isinstance(given, NumberedMapping) else None
    if of is not None:
        _mapping(of, f"The input {name!r}", ("type", "default", "choices"))
    kind = of.get("type", "text") if of is not None else given
    if not isinstance(kind, str) or kind not in TYPES:
        words = f"The input {name!r} has the type {kind!r:.50}; it can be {', '.join(TYPES)}."
        raise ProcedureFileError(words, line=line)
    if of is None:
        return TYPES[kind]
    choices = of.get("choices", [])
    is_plain = isinstance(choices, list) and not any(
        one is None or isinstance(one, dict | list) for one in choices
    )
    if not is_plain or ("choices" in of and not choices):
        words = f"must be a list of strings or numbers, not {short_repr(choices)}"
        words = f"The choices of the input {name!r} {words}."
        raise ProcedureFileError(words, line=line)
    hint = Literal[tuple(choices)] if choices else TYPES[kind]
    return (hint, of["default"]) if "default" in of else hint


def _limits(given: NumberedMapping) -> Limits | None:
    if "limits" not in given:
        return None
    with at_line(given.line_of("limits")):
        line = given.line_of("limits")
        of = _mapping(given["limits"], "limits", ("steps", "max_duration"), line=line)
        return Limits(**of)


def _text(of: Mapping[str, Any], key: str) -> str:
    value = of.get(key, "")
    if not isinstance(value, str):
        line = of.line_of(key) if isinstance(of, NumberedMapping) else None
        raise ProcedureFileError(f"{key} must be a string, not {value!r:.50}.", line=line)
    return value


def _mapping(
    given: Any, what: str, known: tuple[str, ...] = (), *, line: int | None = None
) -> NumberedMapping:
    """Return `given`. Raises `ProcedureFileError` if it isn't a mapping.

    Unless `known` is empty, the error is also raised for a key that isn't in `known`.
    """
    if not isinstance(given, NumberedMapping):
        words = f"{what} must be a mapping of names to values, not {short_repr(given)}."
        raise ProcedureFileError(words, line=line)
    for key in given if known else ():
        if key not in known:
            words = f"{what} can't have {key!r:.50}.{meant(key, known)}"
            raise ProcedureFileError(words, line=given.line_of(key))
    return given
