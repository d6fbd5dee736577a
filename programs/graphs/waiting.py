"""The waits of a graph's steps: for people, for time, for a signal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from procedures.engine import Context, Handle, Received, Response
from procedures.engine.values.durations import LONGEST, parse_duration
from programs.graphs.expressions import filled
from programs.graphs.nodes import Node


@dataclass(frozen=True)
class Answer:
    """The end of a wait: an answer, a moment or a signal."""

    asked_at: datetime
    value: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """The values that the end of the wait adds to the data."""
    user: str | None = None
    timed_out: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """The values that conditions after the step can read."""
        return {"timed_out": self.timed_out}


class Kept(Protocol):
    """The interface of a kind of wait."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any] | None:
        """Open the wait; return None if there is nothing to wait for."""

    def close(self, node: Node, came: Any, since: datetime) -> Answer:
        """Return the answer that the end of the wait brings; `came` is the result of the wait."""


class People:
    """A question to people: a form, or without a form a yes or no."""

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
    """A timer."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any] | None:
        length = found.get("seconds", getattr(node.step, "duration", None))
        time = parse_duration(length, shortest=-LONGEST, of=f"duration of {node.name}")
        return ctx.timer(time, reason=node.title) if time > timedelta(0) else None

    def close(self, node: Node, came: datetime, since: datetime) -> Answer:
        return Answer(since)


class Outside:
    """A wait for a signal of the step's name."""

    def open(
        self, ctx: Context, node: Node, data: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Handle[Any]:
        reason = getattr(node.step, "reason", "")
        own = {"reason": reason} if isinstance(reason, str) and reason else {}
        return ctx.signal(node.name, **{**own, **node.options})

    def close(self, node: Node, came: Received[Any], since: datetime) -> Answer:
        name = getattr(node.step, "callback_key", "") or node.name
        return Answer(since, came.value, {name: came.value}, came.sender, came.timed_out)


WAITS: Mapping[str, Kept] = {"human": People(), "timer": Time(), "webhook": Outside()}


def form_of(node: Node) -> dict[str, Any]:
    """Return the JSON Schema of a question's form; {} for a question without fields."""
    schema = getattr(node.step, "form_schema", None)
    if not isinstance(schema, Mapping) or not schema.get("properties"):
        return {}
    return {**schema, "properties": {n: _named(one) for n, one in schema["properties"].items()}}


def _named(field_schema: Any) -> Any:
    """Return the schema of a field; `enumNames`, which some form libraries use, becomes `oneOf`."""
    if not isinstance(field_schema, Mapping) or "enumNames" not in field_schema:
        return field_schema
    plain = {key: one for key, one in field_schema.items() if key not in ("enum", "enumNames")}
    pairs = zip(field_schema.get("enum", []), field_schema["enumNames"], strict=False)
    return {**plain, "oneOf": [{"const": one, "title": title} for one, title in pairs]}


def assigned(node: Node, data: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return the assignee that a question's step chooses, or "" for the default assignees."""
    key = getattr(node.step, "assignee_key", None)
    whom = found.get("assignee") or (data.get(key) if key else None)
    if not isinstance(whom, str) or not whom:
        return ""
    return whom if whom.startswith(("@", "perm:")) else f"@{whom}"
