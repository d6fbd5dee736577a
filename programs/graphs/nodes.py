"""The nodes of a graph, made of the steps and groups that its author gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from procedures.engine import DefinitionError
from procedures.engine.values import canonical
from programs.graphs.contexts import GraphContext
from programs.graphs.steps import as_step

Kind = Literal["machine", "human", "timer", "webhook", "gateway", "group"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST_NAME = 60
"""The maximum number of characters in the name of a step.

The name of a step in a group begins with the name of the group, and is shortened if it is longer.
"""
NOT_IN_NAMES = frozenset("#/:")
Condition = Callable[[GraphContext], object]


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a graph: a step, or the beginning or the end of a group of steps."""

    name: str
    step: Any
    kind: Kind
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options of the step, of its question or of its wait for a signal."""
    after: tuple[str, ...] = ()
    """The names of the nodes whose results the step can read as `_previous_result`."""
    gathers: bool = False
    """True if `_previous_result` is a list of all these results, False if it is the last one."""

    @property
    def title(self) -> str:
        given = getattr(self.step, "title", "")
        return given if isinstance(given, str) and given else title_from_name(self.name)

    @property
    def description(self) -> str:
        given = getattr(self.step, "description", "")
        return given if isinstance(given, str) else ""


@dataclass(frozen=True, eq=False)
class Link:
    """An unchecked edge between two nodes. Its condition is a function, a text or None."""

    source: str
    target: str
    condition: Any = None


@dataclass
class Parts:
    """The nodes and links of a graph while its steps are added one by one."""

    nodes: dict[str, Node] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    """The name of each step's last node: that of the step itself, or of the end of a group."""

    def add(self, name: object, step: Any, options: Mapping[str, Any]) -> str:
        """Add a step, or a group with all its steps. Return the name of the step's last node."""
        given = checked_name(name)
        step = as_step(given, step)
        if given in self.nodes:
            raise DefinitionError(f"Two steps of the graph are called {given!r}.")
        if is_group(step):
            self.ends[given] = _GROUPS[group_of(step)](self, given, step)
        else:
            kind = kind_of(given, step)
            self.nodes[given] = Node(given, checked_step(given, step, kind), kind, options)
            self.ends[given] = given
        return self.ends[given]

    def add_plain(self, name: str, after: Sequence[str] = (), *, gathers: bool = False) -> str:
        """Add a node that executes nothing, such as the beginning of a group.

        Return the node's name.
        """
        if name in self.nodes:
            raise DefinitionError(f"Two steps of the graph are called {name!r}.")
        self.nodes[name] = Node(name, None, "group", after=tuple(after), gathers=gathers)
        return name

    def add_after(self, name: str, step: Any, after: Sequence[str], *, gathers: bool) -> str:
        """Add a step in a group; the step gets the results of the nodes `after`.

        Return the name of the step's last node.
        """
        end = self.add(name, step, {})
        found = self.nodes[name]
        self.nodes[name] = Node(
            name, found.step, found.kind, found.options, tuple(after), gathers=gathers
        )
        return end


def kind_of(name: str, step: Any) -> Kind:
    given = getattr(step, "step_type", "machine")
    text = str(getattr(given, "value", given)).lower()
    for kind in KINDS[:-1]:
        if text == kind:
            return kind
    raise DefinitionError(
        f"The step {name!r} has the step_type {given!r:.50}; the types are {', '.join(KINDS[:-1])}."
    )


def checked_step(name: str, step: Any, kind: Kind) -> Any:
    if isinstance(step, type):
        raise DefinitionError(f"The step {name!r} is a class. Write {step.__name__}(...).")
    if kind in ("machine", "gateway") and not callable(getattr(step, "execute", None)):
        raise DefinitionError(
            f"The step {name!r} must be a function, or an object with a method execute, not "
            f"{step!r:.100}."
        )
    return step


def checked_name(name: object) -> str:
    is_plain = isinstance(name, str) and name.strip() and name.isprintable()
    if not is_plain or len(str(name)) > LONGEST_NAME or NOT_IN_NAMES & {*str(name)}:
        raise DefinitionError(
            f"Invalid step name {name!r:.100}: use at most {LONGEST_NAME} printable characters, "
            "without #, / or :."
        )
    return str(name)


def fitting(name: str) -> str:
    """Return the name of a step in a group; a name that is too long ends with a digest of it."""
    return name if len(name) <= LONGEST_NAME else f"{name[:51]}~{canonical.digest(name)[:8]}"


def title_from_name(name: str) -> str:
    """Return a step's name as a title: "Load order" for "load_order"."""
    words = name.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


# Groups: what litestar-workflows calls a StepGroup, known by its attributes.


def is_group(step: Any) -> bool:
    return bool(group_of(step)) and not hasattr(step, "step_type")


def group_of(step: Any) -> str:
    """Return the kind of a group, "choice", "parallel" or "sequence"; "" for any other step."""
    if isinstance(getattr(step, "branches", None), Mapping):
        return "choice" if callable(getattr(step, "condition", None)) else ""
    if not isinstance(getattr(step, "steps", None), Sequence):
        return ""
    return "parallel" if hasattr(step, "callback") else "sequence"


def _inner(group: str, steps: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the steps of a group, each with a unique name that begins with the group's name."""
    seen: dict[str, int] = {}
    for step in steps:
        own = _own_name(step)
        seen[own] = seen.get(own, 0) + 1
        number = f" {seen[own]}" if seen[own] > 1 else ""
        yield fitting(f"{group}.{own}{number}"), as_step(own, step)


def _own_name(step: Any) -> str:
    given = getattr(step, "name", "") or getattr(step, "__name__", "")
    return given if isinstance(given, str) and given else type(step).__name__.lower()


def _add_sequence(parts: Parts, name: str, group: Any) -> str:
    end = parts.add_plain(name)
    before: tuple[str, ...] = ()
    for inner, step in _inner(name, group.steps):
        last = parts.add_after(inner, step, before, gathers=False)
        parts.links.append(Link(end, inner))
        end, before = last, (last,)
    return end


def _add_parallel(parts: Parts, name: str, group: Any) -> str:
    parts.add_plain(name)
    ends = []
    for inner, step in _inner(name, group.steps):
        ends.append(parts.add(inner, step, {}))
        parts.links.append(Link(name, inner))
    callback, own = group.callback, "end"
    if callback:
        own = _own_name(callback)
        callback = as_step(own, callback)
    last = fitting(f"{name}.{own}")
    if callback:
        end = parts.add_after(last, callback, ends, gathers=True)
    else:
        end = parts.add_plain(last, ends, gathers=True)
    parts.links += [Link(one, last) for one in ends or [name]]
    return end


@dataclass(frozen=True, eq=False)
class Choice:
    """The first node of a group with branches; a function of the group names the branch to take."""

    name: str
    condition: Condition
    targets: Mapping[str, str]
    end: str
    """The name of the node that ends the group."""
    step_type: str = "gateway"

    def execute(self, context: GraphContext) -> str:
        return self.targets.get(str(self.condition(context)), self.end)


def _add_choice(parts: Parts, name: str, group: Any) -> str:
    targets = {str(key): fitting(f"{name}.{checked_name(str(key))}") for key in group.branches}
    parts.nodes[name] = Node(
        name, Choice(name, group.condition, targets, fitting(f"{name}.end")), "gateway"
    )
    ends = [parts.add(targets[str(key)], step, {}) for key, step in group.branches.items()]
    end = parts.add_plain(fitting(f"{name}.end"), ends)
    parts.links += [Link(name, target) for target in targets.values()] + [Link(name, end)]
    parts.links += [Link(one, end) for one in ends]
    return end


_GROUPS: Mapping[str, Callable[[Parts, str, Any], str]] = {
    "sequence": _add_sequence,
    "parallel": _add_parallel,
    "choice": _add_choice,
}
