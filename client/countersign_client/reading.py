"""Conversion of JSON responses to dataclasses, guided by the types of the dataclasses' fields.

Fields that a newer site adds are left out, so that an older client can read its responses.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import httpx

from countersign_client.errors import UnreadableError
from countersign_client.results.pages import Page

T = TypeVar("T")
Reader = Callable[[httpx.Response], T]


def one(kind: type[T]) -> Reader[T]:
    """Return a function that reads a response and returns an object of the dataclass `kind`."""
    return lambda response: value_as(kind, json_of(response))


def many(kind: type[T], inside: str = "") -> Reader[tuple[T, ...]]:
    """Return a function that reads a response as a tuple of objects of the dataclass `kind`.

    With `inside`, the objects are read from the field of the response with this name.
    """

    def read(response: httpx.Response) -> tuple[T, ...]:
        found = json_of(response)
        items = _part(found, inside) if inside else found
        if not isinstance(items, list):
            raise UnreadableError("The response isn't a list. Is this the site's address?")
        return tuple(value_as(kind, item) for item in items)

    return read


def page_of(kind: type[T]) -> Reader[Page[T]]:
    """Return a function that reads a response as a page of objects of the dataclass `kind`."""

    def read(response: httpx.Response) -> Page[T]:
        items = many(kind, "items")(response)
        return Page(items, _part(json_of(response), "next"))

    return read


def inside(name: str, kind: type[T]) -> Reader[T]:
    """Return a function that reads one field of a response as an object of the dataclass `kind`."""
    return lambda response: value_as(kind, _part(json_of(response), name))


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of a response. Raises `UnreadableError` if the response isn't JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise UnreadableError("The response isn't JSON. Is this the site's address?") from None


def value_as(kind: type[T], value: Any) -> T:
    """Return an object of the dataclass `kind`, made from a JSON value.

    Raises `UnreadableError` if the value lacks a field of the dataclass, or if it has a value of
    another type where the dataclass has a time or a list.
    """
    try:
        return cast("T", _value(kind, value))
    except (TypeError, ValueError) as error:
        words = f"A value in the response has an unexpected type: {error}."
        advice = "Is this the site's address, and does the client fit the site's version?"
        raise UnreadableError(f"{words} {advice}") from None


def _part(found: Any, name: str) -> Any:
    if not isinstance(found, dict) or name not in found:
        raise UnreadableError(f"The response lacks {name!r}. Is this the site's address?")
    return found[name]


def _value(kind: Any, value: Any) -> Any:
    if get_origin(kind) in {Union, UnionType}:
        [inner] = [arg for arg in get_args(kind) if arg is not type(None)]
        return None if value is None else _value(inner, value)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise TypeError("a list was expected")
        return tuple(_value(get_args(kind)[0], item) for item in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return _object(kind, value) if is_dataclass(kind) else value


def _object(kind: Any, found: Any) -> Any:
    if not isinstance(found, dict):
        raise UnreadableError("The response isn't an object. Is this the site's address?")
    hints = _hints(kind)
    known = _needed(kind) | (found.keys() & hints.keys())
    return kind(**{name: _value(hints[name], _part(found, name)) for name in known})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _needed(kind: Any) -> frozenset[str]:
    required = (one for one in fields(kind) if one.default is MISSING)
    return frozenset(one.name for one in required if one.default_factory is MISSING)
