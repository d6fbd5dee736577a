"""The waits of steps of graphs: for people, for time, and for signals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from procedures.engine import Context, DefinitionError, Handle, Received, Response
from procedures.engine.values.durations import LONGEST, parse_duration
from programs.graphs.expressions import filled
from programs.graphs.nodes import Node


@dataclass(frozen=True)
class Answer:
    """The result of a wait: people's answer, the value of a signal, or nothing after a timer."""

    asked_at: datetime
    value: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """The values that are added to the data when the wait ends."""
    user: str | None = None
    timed_out: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """The values that the conditions of the step's edges can read in addition to the data."""
        return {"timed_out": self.timed_out}


class WaitKind(Protocol):
    """The interface that each kind of wait implements."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any] | None:
        """Open the wait. Return None if there is nothing to wait for, as for a duration of 0."""

    def close(self, node: Node, came: Any, since: datetime) -> Answer:
        """Return the answer for a closed wait; `came` is what the wait's handle returned."""


class People:
    """A wait for people: a form, or without a form an approval."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any]:
        options = {"name": node.name, **node.options}
        if node.description:
            options.setdefault("body", filled(node.description, data))
        if shown := getattr(node.step, "show", ()):
            options.setdefault("evidence", {name: data.get(name) for name in shown})
        if whom := assigned(node, data, found):
            options.setdefault("assign", whom)
        prompt = filled(node.title, data)
        if schema := form_of(node):
            return ctx.later.form(prompt, schema=schema, **options)
        return ctx.later.approve(prompt, **options)

    def close(self, node: Node, came: Response[Any], since: datetime) -> Answer:
        value: Any = came.value
        if not form_of(node) and value is not None:
            value = {"approved": bool(came.value), "comment": came.comment}
        into = getattr(node.step, "into", False)
        values = {node.name: value} if into else dict(value or {})
        return Answer(since, value, values, came.responder, came.timed_out)


class Time:
    """A wait for a duration."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any] | None:
        length = found.get("seconds", getattr(node.step, "duration", None))
        time = parse_duration(length, shortest=-LONGEST, of=f"duration of {node.name}")
        return ctx.timer(time, reason=node.title) if time > timedelta(0) else None

    def close(self, node: Node, came: datetime, since: datetime) -> Answer:
        return Answer(since)


class Outside:
    """A wait for a signal whose name is that of the step."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any]:
        reason = getattr(node.step, "reason", "")
        own = {"reason": reason} if isinstance(reason, str) and reason else {}
        return ctx.signal(node.name, **{**own, **node.options})

    def close(self, node: Node, came: Received[Any], since: datetime) -> Answer:
        name = getattr(node.step, "callback_key", "") or node.name
        return Answer(since, came.value, {name: came.value}, came.sender, came.timed_out)


WAITS: Mapping[str, WaitKind] = {"human": People(), "timer": Time(), "webhook": Outside()}


def form_of(node: Node) -> dict[str, Any]:
    """Return the JSON Schema of the form that a step's question has; {} if it has no fields."""
    schema = getattr(node.step, "form_schema", None)
    if not isinstance(schema, Mapping) or not schema.get("properties"):
        return {}
    return {
        **schema,
        "properties": {n: _with_titles(one) for n, one in schema["properties"].items()},
    }


def _with_titles(field_schema: Any) -> Any:
    """Return the schema of a field in which `oneOf` replaces `enumNames`.

    Some form libraries use `enumNames` for the titles of the values. A value without a title is its
    own title. The format "textarea", by which they draw a large field, is left out. Raises
    `DefinitionError` if the names or the values aren't lists.
    """
    if isinstance(field_schema, Mapping) and field_schema.get("format") == "textarea":
        field_schema = {key: one for key, one in field_schema.items() if key != "format"}
    if not isinstance(field_schema, Mapping) or "enumNames" not in field_schema:
        return field_schema
    plain = {key: one for key, one in field_schema.items() if key not in ("enum", "enumNames")}
    values, names = field_schema.get("enum", []), field_schema["enumNames"]
    if not isinstance(values, list | tuple) or not isinstance(names, list | tuple):
        raise DefinitionError("enum and enumNames of a form must be lists.")
    titles = [*names[: len(values)], *map(str, values[len(names) :])]
    pairs = zip(values, titles, strict=True)
    return {**plain, "oneOf": [{"const": one, "title": title} for one, title in pairs]}


def assigned(node: Node, data: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return the assignee that a step chooses for its question; "" to ask the default assignees."""
    key = getattr(node.step, "assignee_key", None)
    whom = found.get("assignee") or (data.get(key) if key else None)
    if not isinstance(whom, str) or not whom:
        return ""
    return whom if whom.startswith(("@", "perm:")) else f"@{whom}"
