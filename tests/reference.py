"""The reference of what authors import, written from its docstrings: `make reference`."""

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from procedures import engine
from procedures.engine import Context
from procedures.engine.waits.later import Later

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"
HEAD = """# Reference

This page lists everything that authors import from `procedures.engine`. `make reference` writes it
from the docstrings; [Writing procedures](engine.md) introduces it with examples. A `Duration` is a
number of seconds, a `timedelta` or a string such as `"90s"`, `"2h"` or `"3 days"`, of at most ten
years.
"""
PARTS = {
    "Declaring": (
        *("procedure", "Procedure", "Limits", "Check", "SiteChoice", "Currency", "File"),
        *("Answerers", "Webhook", "Picture", "PictureNode", "PictureEdge"),
    ),
    "Options": (
        "StepOptions",
        "Retry",
        "RequestOptions",
        "Like",
        "SignalOptions",
        "ConverseOptions",
    ),
    "What verbs give": (
        *(
            "Step",
            "Bound",
            "Handle",
            "Response",
            "Vote",
            "Outcome",
            "Received",
            "InboxMessage",
            "State",
            "HumanResponse",
        ),
    ),
}
LISTED = {
    "Procedure": (),
    "Limits": (),
    "Bound": (),
    "Retry": (),
    "Like": (),
    "Response": (),
    "Handle": ("run_id", "status", "cancel", "wait"),
    "State": ("increment", "append"),
}
"""The number of members shown of these: the others are the engine's own."""
DURATION = "str | int | float | timedelta"
MODULES = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])")


def reference() -> str:
    """Return the whole page, as Markdown."""
    parts = [HEAD, "## Verbs of a procedure\n"]
    for group in Context.__mro__[:-1]:  # its own verbs, then those of each base class
        parts += _members(group, "ctx.")
    parts += ["## ctx.later\n", _body(Later), f"It has {', '.join(_verbs(Later))}.\n"]
    for title, names in PARTS.items():
        parts.append(f"## {title}\n")
        for name in names:
            parts += _described(name, getattr(engine, name))
    parts.append("## Errors\n")
    for name in sorted(engine.__all__):
        thing = getattr(engine, name)
        if isinstance(thing, type) and issubclass(thing, BaseException):
            parts.append(f"### {name}\n\n{_body(thing)}")
    return "\n".join(parts)


def _described(name: str, thing: Any) -> Iterator[str]:
    if inspect.isfunction(thing):
        yield f"### `{_signature(name, thing)}`\n\n{_body(thing)}"
        return
    yield f"### {name}\n\n{_body(thing)}"
    if listed := _fields(thing):
        yield "\n".join(f"- `{field}`" for field in listed) + "\n"
    yield from _members(thing, f"{name}.", level=4, only=LISTED.get(name))


def _members(
    owner: type, prefix: str, level: int = 3, only: Sequence[str] | None = None
) -> Iterator[str]:
    for name, member in vars(owner).items():
        if only is not None and name not in only:
            continue
        verb = member.__func__ if isinstance(member, classmethod) else member
        is_verb = inspect.isfunction(verb) or isinstance(verb, property)
        if name.startswith("_") or not is_verb or not verb.__doc__:
            continue
        called = f"{prefix}{name}"
        if inspect.isfunction(verb):
            called = _signature(called, verb)
        yield f"{'#' * level} `{called}`\n\n{_body(verb)}"


def _verbs(owner: type) -> list[str]:
    found = vars(owner).items()
    return [f"`{name}`" for name, one in found if inspect.isfunction(one) and name[0] != "_"]


def _fields(thing: Any) -> list[str]:
    if thing.__name__ == "Bound":
        return []
    if is_dataclass(thing):
        shown = [one.name for one in fields(thing) if one.repr]
    elif hasattr(thing, "__total__"):
        shown = list(thing.__annotations__)
    else:
        return []
    named = thing.__annotations__
    return [f"{name}: {_type(named[name])}" for name in shown if name in named]


def _signature(name: str, fn: Any) -> str:
    given = inspect.signature(fn)
    own = [one for one in given.parameters.values() if one.name not in {"self", "cls"}]
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in own]
    called = given.replace(parameters=plain, return_annotation=inspect.Signature.empty)
    return re.sub(r"<class '(\w+)'>", r"\1", f"{name}{called}").replace("typing.Any", "Any")


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return MODULES.sub("", text).replace(DURATION, "Duration").replace("~T", "T")


def _body(thing: Any) -> str:
    return f"{inspect.cleandoc(thing.__doc__ or '')}\n"


if __name__ == "__main__":
    PAGE.write_text(reference())
    sys.stdout.write(f"{PAGE.name}: {len(reference().splitlines())} lines\n")
