"""Cached Pydantic adapters of types, including TypedDicts that Pydantic may refuse."""

import sys
import typing
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typing_extensions
from pydantic import TypeAdapter

IS_SERVED = sys.version_info >= (3, 12)
"""True from Python 3.12 on: Pydantic accepts `typing.TypedDict` only there."""


def adapter(hint: Any) -> TypeAdapter[Any]:
    """Return the Pydantic adapter of a type from a cache.

    Two unions with the same members in different orders, such as `str | Decimal` and `Decimal |
    str`, get different adapters, because Pydantic tries the members in the order of the union.
    """
    try:
        # `int | str` and `str | int` are equal and have the same hash, but Pydantic tries their
        # members in different orders, so their repr is part of the key. Plain classes, the usual
        # types, need no repr, which takes longer than the look-up in the cache.
        return _adapter(hint, "" if hint.__class__ is type else repr(hint))
    except TypeError:  # an annotation that isn't hashable
        return TypeAdapter(served(hint))


@lru_cache(maxsize=1024)
def _adapter(hint: Any, _spelling: str) -> TypeAdapter[Any]:
    return TypeAdapter(served(hint))


def served(hint: Any) -> Any:
    """Return the type with each `typing.TypedDict` replaced by its equal of `typing_extensions`.

    Before Python 3.12, Pydantic refuses `typing.TypedDict`. From Python 3.12 on, the type is
    returned unchanged.
    """
    if IS_SERVED or not _has_one(hint):
        return hint
    if typing.is_typeddict(hint):
        return _remade(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Annotated[served(inner[0]), *hint.__metadata__]
    parts = tuple(map(served, inner))
    if origin in (Union, UnionType):
        return Union[parts]  # noqa: UP007 (the members are known only at run time)
    return origin[parts]


def _has_one(hint: Any) -> bool:
    if typing.is_typeddict(hint):
        return type(hint).__module__ == "typing"
    return any(map(_has_one, get_args(hint))) if get_origin(hint) is not None else False


@lru_cache(maxsize=1024)
def _remade(hint: Any) -> Any:
    fields = {}
    for name, inner in get_type_hints(hint, include_extras=True).items():
        if get_origin(inner) in (typing.Required, typing.NotRequired):
            (inner,) = get_args(inner)  # noqa: PLW2901 (the wrapper is added below)
        wrapper = typing_extensions.Required
        if name not in hint.__required_keys__:
            wrapper = typing_extensions.NotRequired
        fields[name] = wrapper[served(inner)]
    # Type checkers accept a TypedDict only as a class statement.
    make: Any = typing_extensions.TypedDict
    made = make(hint.__name__, fields)
    made.__module__, made.__doc__ = hint.__module__, hint.__doc__
    if config := getattr(hint, "__pydantic_config__", None):
        made.__pydantic_config__ = config
    return made
