"""The signature of a step: its name, its parameters and the type of its result."""

import asyncio
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import CoroutineType, FunctionType
from typing import Any, Never, NoReturn, get_args, get_origin, get_type_hints
from weakref import ref

from procedures.engine.declaration.steps import OPTIONS, Step
from procedures.engine.errors import DefinitionError, OptionError
from procedures.engine.values.inspection import holds_secret, unserved
from procedures.engine.values.spelling import short_repr

NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
LONGEST_NAME = 80
"""The maximum number of characters in the name of a step or a wait."""
AS_THEY_ARE = {type(None), bool, int, float, str, list, dict}
"""Types of results that need no conversion; coroutines and iterators, for example, do need one."""
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


@dataclass(slots=True)
class Signature:
    """The signature of a step function."""

    name: str
    """The function's own name; "" if a step can't have it, such as "<lambda>" or a long name."""
    returns: Any
    step_parameter: inspect.Parameter | None = None
    place: int = 0
    """The position of the parameter annotated `Step`, counted from 0 among all parameters."""
    clashes: Set[str] = frozenset()
    """The function's parameters whose names are also names of step options."""
    has_defaults: bool = False

    def call(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        step: Step | None,
    ) -> Any:
        """Call the function and return its result.

        `step` is passed if the function has a parameter annotated `Step`.
        """
        parameter = self.step_parameter
        if parameter is None or parameter.name in kwargs:
            result = fn(*args, **kwargs)
        elif parameter.kind == inspect.Parameter.KEYWORD_ONLY or len(args) < self.place:
            result = fn(*args, **kwargs, **{parameter.name: step})
        elif len(args) > self.place and isinstance(args[self.place], Step):
            result = fn(*args, **kwargs)  # the author passes a `Step` of their own
        else:
            result = fn(*args[: self.place], step, *args[self.place :], **kwargs)
        if type(result) in AS_THEY_ARE:
            return result
        if isinstance(result, CoroutineType):
            # Use a loop of its own: the engine is synchronous, and a step's coroutine ends with the
            # step.
            result = asyncio.run(result)
        # Read the iterator inside the step: otherwise its work would be done outside, at each
        # replay.
        return list(result) if isinstance(result, Iterator) else result

    def parameters(self, fn: Callable[..., Any]) -> inspect.Signature:
        """Return the function's signature without its parameter annotated `Step`.

        Raises `ValueError` if the function's signature can't be read.
        """
        signature = inspect.signature(fn)
        own = self.step_parameter.name if self.step_parameter else ""
        others = [one for one in signature.parameters.values() if one.name != own]
        return signature.replace(parameters=others)

    def completed(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Arguments:
        """Return the arguments, with the default of each parameter that the call leaves out.

        So two calls that pass the same values, one explicitly and one by default, have the same
        arguments and the same digest.
        """
        try:
            bound = self.parameters(fn).bind(*args, **kwargs)
        # The call doesn't fit, or a built-in function has no signature.
        except (TypeError, ValueError):
            return args, kwargs
        bound.apply_defaults()
        return bound.args, bound.kwargs


SIGNATURES: "dict[ref[Callable[..., Any]], Signature]" = {}
"""A cache of signatures, because a replay needs a signature for each step.

It refers to the functions weakly: a nested function may hold large values. It isn't a
`WeakKeyDictionary`, which takes twice as long.
"""


def signature_of(fn: Callable[..., Any]) -> Signature:
    """Return the cached signature of a step function.

    Raises `DefinitionError` if the function can't be a step.
    """
    try:
        return SIGNATURES[ref(fn)]
    except (KeyError, TypeError):  # not cached yet; it has no hash, or can't be referred to weakly
        return _cached(fn)


def _cached(fn: Callable[..., Any]) -> Signature:
    signature = _signature_of(fn)
    with suppress(TypeError):
        SIGNATURES[ref(fn, _forget)] = signature
    return signature


def _forget(gone: "ref[Callable[..., Any]]") -> None:
    SIGNATURES.pop(gone, None)


def _signature_of(fn: Callable[..., Any]) -> Signature:
    hints = hints_of(fn)
    returns = _returns(fn, hints.pop("return", Any))
    own = getattr(fn, "__name__", "")
    named, has_defaults = _named_parameters_of(fn)
    signature = Signature(
        own if own.isidentifier() and len(own) <= LONGEST_NAME else "",
        returns,
        clashes=OPTIONS.intersection(named),
        has_defaults=has_defaults,
    )
    wanted = {of for of, hint in hints.items() if hint is Step}
    parameters = inspect.signature(fn).parameters if wanted else {}
    for place, (of, parameter) in enumerate(parameters.items()):
        if of in wanted:
            signature.step_parameter, signature.place = parameter, place
            break
    return signature


def _returns(fn: Callable[..., Any], hint: Any) -> Any:
    """Return the type of the step's result; raises `DefinitionError` if it can't be stored."""
    returns = Any if hint is Never or hint is NoReturn else hint
    origin = get_origin(returns) or returns
    if origin is Generator or origin is Iterable:  # the yielded values are stored as a list
        returns = list[(get_args(returns) or (Any,))[0]]  # type: ignore[misc]  # known only here
    if inspect.isasyncgenfunction(fn):
        words = f"The values that {short_repr(fn)} yields can't be stored. Return a list instead."
        raise DefinitionError(words)
    if why := unserved(returns):
        raise DefinitionError(
            f"The result type {short_repr(returns)} of {short_repr(fn)} isn't supported: {why}."
        )
    if holds_secret(returns):
        raise DefinitionError(f"The result of {spoken_name(fn)} can't be stored: it is a secret.")
    return returns


def _named_parameters_of(fn: Callable[..., Any]) -> tuple[Set[str], bool]:
    """Return the parameters that can be passed by name, and True if any parameter has a default."""
    # The usual case, ten times as fast.
    if type(fn) is FunctionType and not hasattr(fn, "__wrapped__"):
        code = fn.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        named = frozenset(code.co_varnames[code.co_posonlyargcount : count])
        return named, bool(fn.__defaults__ or fn.__kwdefaults__)
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # a built-in function without a readable signature
        return frozenset(), False
    named = frozenset(one.name for one in parameters if one.kind in NAMED)
    return named, any(one.default is not one.empty for one in parameters)


def passing_by_name(fn: Callable[..., Any], count: int) -> tuple[list[str], set[str], bool]:
    """Return three facts about passing arguments to the function by name.

    These are: the parameters that can be passed by name; the parameters that `count` positional
    arguments fill; and True if the function takes `**kwargs`.
    """
    try:
        parameters = signature_of(fn).parameters(fn).parameters.values()
    except (TypeError, ValueError):
        return [], set(), True
    named = [one.name for one in parameters if one.kind in NAMED]
    filled = [one.name for one in parameters if one.kind in POSITIONAL][:count]
    return named, set(filled), any(one.kind == one.VAR_KEYWORD for one in parameters)


def name_of(fn: Callable[..., Any]) -> str:
    if not (name := spoken_name(fn)).isidentifier():
        raise OptionError(f"Give this step a name: ctx.step({name:.100}, name=...).")
    return name


def spoken_name(fn: Callable[..., Any]) -> str:
    """Return the function's name for messages to people; it may be "<lambda>" or a whole `repr`."""
    if isinstance(fn, partial):
        return spoken_name(fn.func)
    return getattr(fn, "__name__", "") or repr(fn)


def hints_of(fn: Callable[..., Any]) -> dict[str, Any]:
    if inspect.isclass(fn):
        return {"return": fn}
    called = fn if inspect.isroutine(fn) else type(fn).__call__
    try:
        return get_type_hints(called)
    except Exception as error:  # noqa: BLE001 (a string in an annotation may raise anything)
        if not getattr(called, "__annotations__", None):  # a built-in function
            return {}
        words = f"The annotations of {short_repr(fn)} can't be read: {error}."
        raise DefinitionError(words) from None
