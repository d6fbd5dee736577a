"""Subjects of runs: one line that distinguishes a run, with values of its inputs.

`@procedure(subject="Refund {amount:,.2f} € for {order}")` is checked when the procedure is
declared, and filled in once, when a run starts.
"""

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from string import Formatter
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from procedures.engine.errors import DefinitionError
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.numbers import is_writable
from procedures.engine.values.secrecy import masked
from procedures.engine.values.spelling import meant, short_repr
from procedures.engine.values.visible import visible_line

LONGEST_SUBJECT = 200
"""The largest number of characters in a subject, and in its template."""
LONGEST_VALUE = 60
MOST_ITEMS = 3
NUMBER = re.compile(r",?(\.[0-9])?[df%]?")
MOMENT = re.compile(r"(%[aAbBdHjmMyY]|[ .,:/-])+")
NUMBERS = (int, float, Decimal)
MOMENTS = (datetime, date, time)
PLAIN = (str, Enum, File, UUID, *NUMBERS, *MOMENTS)
LISTS = (list, tuple, set, frozenset, Sequence)


@dataclass(frozen=True)
class Placeholder:
    """A part of a template: literal text, and the placeholder that follows the text.

    `name` is the name of the input in the placeholder, and `format` the text after the colon, such
    as ",.2f". At the end of the template, no placeholder may follow the text; `name` is then "".
    """

    text: str
    name: str = ""
    format: str = ""


def check_subject(template: str, hints: Mapping[str, Any], *, of: str) -> None:
    """Raise `DefinitionError` if a procedure can't have that template; `of` is its name.

    `hints` are the types of the procedure's inputs.
    """
    if len(template) > LONGEST_SUBJECT or template != " ".join(template.split()):
        raise DefinitionError(
            f"{of}: subject= must be one line of at most {LONGEST_SUBJECT} characters, with single "
            f"spaces between the words, not {short_repr(template)}."
        )
    try:
        found = list(Formatter().parse(template))
    except ValueError as error:
        words = f"{of}: subject={short_repr(template)} can't be read: {error}."
        raise DefinitionError(words) from None
    for _text, name, spec, conversion in found:
        if name is not None:
            _check(name, spec or "", conversion, hints, of=of)


@lru_cache(maxsize=256)
def _parts_of(template: str) -> tuple[Placeholder, ...]:
    found = Formatter().parse(template)
    return tuple(Placeholder(text, name or "", spec or "") for text, name, spec, _ in found)


def _check(
    name: str, spec: str, conversion: str | None, hints: Mapping[str, Any], *, of: str
) -> None:
    if name not in hints:
        raise DefinitionError(
            f"{of}: subject= names {{{name}}}, which isn't an input.{meant(name, hints)}"
            if name.isidentifier()
            else f"{of}: subject= contains {{{name}}}. Write only the name of an input in braces."
        )
    if conversion:
        raise DefinitionError(
            f"{of}: subject= contains {{{name}!{conversion}}}. Omit !{conversion}."
        )
    kinds = _kinds(hints[name])
    if not all(map(_is_plain, kinds)):
        raise DefinitionError(
            f"{of}: subject= can't show the input {name}. Only strings, numbers, dates, times, "
            "choices, files and lists of these fit into a line."
        )
    if spec and not _takes(kinds, spec):
        raise DefinitionError(
            f"{of}: subject= contains {{{name}:{spec}}}. Numbers take a format such as ,.2f; "
            "dates and times take one such as %d.%m.%Y; other inputs take none."
        )


def _takes(kinds: Sequence[Any], spec: str) -> bool:
    if all(_is(kind, NUMBERS) and kind is not bool for kind in kinds):
        is_whole = all(_is(kind, (int,)) for kind in kinds)
        return bool(NUMBER.fullmatch(spec)) and (is_whole or not spec.endswith("d"))
    return all(_is(kind, MOMENTS) for kind in kinds) and bool(MOMENT.fullmatch(spec))


def _kinds(hint: Any) -> list[Any]:
    """Return the types that an input of this type may have, without None and without annotations.

    For example, the result is `[int, str]` for `Annotated[int, ...] | str | None`.
    """
    origin = get_origin(hint)
    if origin is Annotated:
        return _kinds(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return [kind for one in get_args(hint) if one is not type(None) for kind in _kinds(one)]
    return [hint]


def _is_plain(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in LISTS:
        return all(
            _is_plain(one) for arg in get_args(kind) if arg is not ... for one in _kinds(arg)
        )
    return origin is Literal or _is(kind, PLAIN)


def _is(kind: Any, among: tuple[type, ...]) -> bool:
    return isinstance(kind, type) and issubclass(kind, among)


def subject_of(template: str, inputs: str) -> str:
    """Return the subject of a run, as one line of limited length; "" without a template.

    `inputs` are the run's inputs as canonical JSON text. Secrets are masked, and characters that
    would hide or reorder text are shown as codes.
    """
    if not template:
        return ""
    values = canonical.plain(inputs)
    shown = [
        part.text + (_value(values.get(part.name), part.format) if part.name else "")
        for part in _parts_of(template)
    ]
    line = " ".join("".join(shown).split())
    return _cut(masked(visible_line(canonical.legible(line))), LONGEST_SUBJECT)


def _value(value: Any, spec: str) -> str:
    if isinstance(value, list):
        return _list(value)
    if value is None:
        return "—"
    return _cut(_formatted(value, spec) if spec else _text(value), LONGEST_VALUE)


def _formatted(value: Any, spec: str) -> str:
    """Return a number, date or time as text in the given format.

    In the run's stored inputs, a `Decimal`, a date and a time are strings, so `value` may be a
    string. A number that would become far too long is returned as it was sent.
    """
    if NUMBER.fullmatch(spec):
        number = Decimal(value) if isinstance(value, str) else value
        is_long = isinstance(number, Decimal) and not is_writable(number)
        return str(value) if is_long else format(number, spec)
    kind = time if ":" in value[:3] else datetime
    return kind.fromisoformat(value).strftime(spec)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):  # a file
        return str(value.get("name", ""))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _list(values: Sequence[Any]) -> str:
    shown = ", ".join(_value(one, "") for one in values[:MOST_ITEMS])
    more = len(values) - MOST_ITEMS
    return f"{shown} and {more} more" if more > 0 else shown or "—"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
