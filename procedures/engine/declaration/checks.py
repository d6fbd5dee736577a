"""Checks of a procedure's declaration: its signature, and the types of its inputs."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Annotated, Any, Never, NoReturn, get_type_hints

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from procedures.engine.errors import DefinitionError
from procedures.engine.values import canonical
from procedures.engine.values.inspection import holds_secret, inspect_type, unserved
from procedures.engine.values.secrecy import INSTEAD
from procedures.engine.values.served import adapter
from procedures.engine.values.spelling import short_repr

Function = Callable[..., Any]
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
NOT_PLAIN = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)
RESULT = "return"
"""The key of the result's type in a function's annotations."""


def check_signature(name: str, fn: Function) -> None:
    if not inspect.isfunction(fn) or any(is_such(fn) for is_such in NOT_PLAIN):
        words = "a procedure must be a regular function, not async and not a generator."
        raise DefinitionError(f"{name}: {words}")
    parameters = list(inspect.signature(fn).parameters.values())
    if not parameters or parameters[0].kind not in POSITIONAL:
        raise DefinitionError(f"{name}: the first parameter of a procedure must be the context.")
    for parameter in parameters[1:]:
        if parameter.kind not in NAMED:
            raise DefinitionError(f"{name}: {parameter} isn't supported. Name each input.")
        if parameter.annotation is parameter.empty:
            raise DefinitionError(f"{name}: the input {parameter.name} needs a type annotation.")


def check_context(name: str, fn: Function, hints: Mapping[str, Any]) -> None:
    """Raise `DefinitionError` if the first parameter, which gets the context, is an input."""
    first = next(iter(inspect.signature(fn).parameters))
    hint = hints.get(first, Any)
    if hint not in (Any, object) and not unserved(hint):
        raise DefinitionError(
            f"{name}: the first parameter of a procedure must be the context, but {first} has the "
            f"type {short_repr(hint)}. Write {name}(ctx: Context, {first}: ...)."
        )


def check_types(name: str, hints: Mapping[str, Any]) -> None:
    """Raise `DefinitionError` for an input or result whose type can't be stored as JSON."""
    for of, hint in hints.items():
        if of == RESULT and (hint is Never or hint is NoReturn):
            continue
        if why := unserved(hint):
            raise DefinitionError(
                f"{name}: the type {short_repr(hint)} of {_spoken(of)} isn't supported: {why}."
            )


def check_default(name: str, of: str, default: Any, hint: Any) -> None:
    """Raise `DefinitionError` for a default value of an input that doesn't fit the input's type.

    For a `SiteChoice`, any default is accepted, because the site's settings may change later.
    """
    if isinstance(default, FieldInfo):
        if default.is_required() or default.default_factory:
            return
        default, hint = default.default, Annotated[hint, default]
    try:
        fitting = adapter(hint).validate_python(default, context=canonical.KEPT)
        canonical.keepable(fitting, hint)
    except ValidationError as error:
        words = f"doesn't fit its type: {canonical.faults(error)}"
        raise DefinitionError(f"{name}: the default of the input {of} {words}.") from None
    except ValueError as error:
        raise DefinitionError(f"{name}: the default of the input {of} {error}.") from None
    except Exception:  # noqa: BLE001 (the validator may need something that only a start has)
        return


def check_no_secrets(name: str, fn: Function) -> None:
    try:
        hints = get_type_hints(fn, include_extras=True)
    except Exception:  # noqa: BLE001 (the type may be defined further down; it is checked later)
        return
    for of, hint in hints.items():
        if holds_secret(hint):
            raise DefinitionError(
                f"{name}: {_spoken(of)} contains a secret, which would be stored and shown."
                f" {INSTEAD}"
            )


def is_resolved(fn: Function) -> bool:
    """Return True if all types in the function's annotations are already defined.

    A type may be defined further down in the module. A function with such a type can't be checked
    while the decorator runs; it is checked once its module is imported.
    """
    try:
        for hint in get_type_hints(fn, include_extras=True).values():
            adapter(hint)
    except NameError:
        return False
    except Exception:  # noqa: BLE001 (the check reports it)
        return True
    return True


def holds_bytes(hint: Any) -> bool:
    """Return True for `bytes`, and for a type that contains `bytes`."""
    return any(part.kind == "bytes" for part in inspect_type(adapter(hint)).all())


def texts_of(schema: Any) -> Iterator[str]:
    """Yield every string in a JSON Schema, the keys of its objects included."""
    if isinstance(schema, str):
        yield schema
    elif isinstance(schema, Mapping):
        yield from chain.from_iterable(map(texts_of, (*schema, *schema.values())))
    elif isinstance(schema, list | tuple):
        yield from chain.from_iterable(map(texts_of, schema))


def can_be_kept(text: str) -> bool:
    return canonical.legible(text) == text


def _spoken(of: str) -> str:
    return "its result" if of == RESULT else f"the input {of}"
