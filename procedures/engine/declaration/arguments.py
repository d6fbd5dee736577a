"""The arguments and the options of a step call, and the digest of its arguments."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any, ParamSpec, TypeVar

from procedures.engine.declaration.signatures import (
    Signature,
    passing_by_name,
    signature_of,
    spoken_name,
)
from procedures.engine.declaration.steps import OPTIONS, PLAIN, Options, Step, options_of
from procedures.engine.errors import OptionError
from procedures.engine.values import canonical
from procedures.engine.values.spelling import meant, short_repr

P = ParamSpec("P")
R = TypeVar("R")
Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Options]
"""A step call: the function, its positional and named arguments, and the step's options."""
LONGEST_DIGEST = 16
NO_ARGUMENTS = canonical.digest("[]")[:LONGEST_DIGEST]
HOLDERS = (list, tuple, dict, set, frozenset)
NO_FUNCTION: Any = object()
"""The default of the parameter `fn`, which shows that a call has passed no function."""
SIMPLE = {type(None), bool, int, float, str}


def call_of(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    named: Mapping[str, Any],
    *,
    also: Sequence[str] = (),
) -> Call:
    """Return the function, the arguments and the options of a call such as `ctx.step(...)`.

    A `functools.partial` is replaced by its function and arguments. A keyword argument with the
    name of a step option is read as that option. Any other keyword argument must be a parameter of
    the function; if it is not, the call raises `OptionError`.

    `OptionError` is also raised in an ambiguous case: the keyword is the name of a step option, the
    function has a parameter of the same name, and no other argument fills that parameter.

    `also` lists keywords that only the calling method accepts, such as `approved_by` of `ctx.step`.
    The message of an error may suggest one of these keywords.
    """
    given: dict[str, Any] = {}
    while isinstance(fn, partial) and type(fn).__call__ is partial.__call__:
        inner: partial[Any] = fn
        fn, args, given = inner.func, (*inner.args, *args), {**inner.keywords, **given}
    if not named:
        return fn, args, given, PLAIN
    if usual := usual_options(named, signature_of(fn)):
        return fn, args, given, usual
    own, filled, takes_any = passing_by_name(fn, len(args))
    filled = {*filled, *given}
    options = {name: value for name, value in named.items() if name in OPTIONS}
    for name in named:
        if name in OPTIONS:
            _check_is_options(fn, name, own, filled)
        elif name not in own and not takes_any:
            _refuse(name, f"{spoken_name(fn)} has no parameter", [*own, *also])
        else:
            given[name] = named[name]
    return fn, args, given, options_of(options)


def usual_options(named: Mapping[str, Any], signature: Signature) -> Options | None:
    """Return the options of a call with only options as keywords; None for any other call.

    In such a call, the function's parameters needn't be read, which saves time.
    """
    if named.keys() <= OPTIONS and signature.clashes.isdisjoint(named):
        return options_of(named)
    return None


def check_callable(fn: Any, verb: str) -> Callable[..., Any]:
    """Return the function; raise `OptionError` if the given value can't be called.

    `verb` is the name of the method that the error names, for example "ctx.step".
    """
    if callable(fn):
        function: Callable[..., Any] = fn
        return function
    bound = (
        " To run a step that is already bound, pass it to ctx.step."
        if hasattr(fn, "with_options")
        else ""
    )
    given = "" if fn is NO_FUNCTION else f", not {short_repr(fn)}"
    raise OptionError(f"{verb} needs a function and its arguments{given}.{bound}")


def needs_function(verb: Callable[P, R]) -> Callable[P, R]:
    """Make the parameter `fn` appear as required in the signature of a method such as `ctx.step`.

    In the code of the method, `fn` has a default value, so that the method itself can report a
    missing function. `with_options` isn't used here, because `with_options` would add a function
    call to every step.
    """
    given = inspect.signature(verb)
    shown = [
        one.replace(default=one.empty if one.name == "fn" else one.default)
        for one in given.parameters.values()
    ]
    verb.__signature__ = given.replace(parameters=shown)  # type: ignore[attr-defined]
    return verb


def check_fits(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise `OptionError` if the function can't be called with these arguments."""
    if any(isinstance(one, Step) for one in (*args, *kwargs.values())):
        return  # the author passes a `Step` of their own
    try:
        signature_of(fn).parameters(fn).bind(*args, **kwargs)
    except ValueError:  # a built-in function without a readable signature
        return
    except TypeError as error:
        raise OptionError(f"{spoken_name(fn)}: {error}.") from None


def check_options(
    named: Mapping[str, Any], args: tuple[Any, ...] = (), *, also: Sequence[str] = ()
) -> None:
    """Raise `OptionError` if the call of a bound step passes anything but options."""
    if args:
        raise OptionError("A bound step already has its arguments. Pass all of them to ctx.bind.")
    for name in named:
        if name not in OPTIONS:
            _refuse(name, "A bound step takes no further argument", also)


def _check_is_options(
    fn: Callable[..., Any], name: str, own: Sequence[str], filled: Set[str]
) -> None:
    if name in own and name not in filled:
        called = spoken_name(fn)
        raise OptionError(
            f"{called} has a parameter {name!r}, and steps have an option with that name. To set "
            f"the parameter, pass functools.partial({called}, {name}=...); {name}= then sets the "
            "option of the step."
        )


def _refuse(name: str, what: str, own: Sequence[str]) -> None:
    known = f" The options of a step are {', '.join(sorted(OPTIONS))}."
    known = meant(name, [*own, *OPTIONS]) or known
    raise OptionError(f"{what} {name!r}, and steps have no option with that name.{known}")


def digest_of(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], signature: Signature
) -> str:
    """Return the digest of a step's arguments, including defaults."""
    if kwargs or signature.has_defaults:
        args, kwargs = signature.completed(fn, args, kwargs)
    given: Any = {"args": args, "kwargs": kwargs} if kwargs else args
    return digest_of_all(given) if given else NO_ARGUMENTS


def digest_of_all(given: Any) -> str:
    """Return the digest of a tuple of arguments, or of a dict with "args" and "kwargs".

    An argument that has no JSON form is represented by its type.
    """
    try:
        # Most calls; this halves the time.
        if set(map(type, given)) <= SIMPLE and type(given) is tuple:
            text = canonical.text_of(given)
        elif contains_iterator(given):
            raise ValueError  # noqa: TRY301 (looking inside would use the iterator up)
        else:
            text = canonical.dump(given)
    except Exception:  # noqa: BLE001 (a step may take values that JSON can't express)
        text = canonical.text_of(_seen(given))
    return canonical.digest(text)[:LONGEST_DIGEST]


def contains_iterator(value: Any) -> bool:
    """Return True for an iterator, and for a list, tuple, set or dict that contains an iterator.

    The digest of such a value can't include the items of the iterator, because reading an iterator
    uses it up.
    """
    kind = type(value)
    if kind in SIMPLE:
        return False
    if not isinstance(value, HOLDERS):
        return isinstance(value, Iterator)
    parts = value.values() if isinstance(value, dict) else value
    kinds = set(map(type, parts))
    return not kinds <= SIMPLE and any(map(contains_iterator, parts))


def _seen(given: Any) -> Any:
    """Return the arguments as plain JSON; the type replaces an argument without a JSON form."""
    if isinstance(given, dict):
        named = {name: _seen_of(one) for name, one in given["kwargs"].items()}
        return {"args": _seen(given["args"]), "kwargs": named}
    return [_seen_of(one) for one in given]


def _seen_of(given: Any) -> Any:
    try:
        if not contains_iterator(given):
            plain = canonical.jsonable(given)
            canonical.text_of(plain)
            return plain
    except Exception:  # noqa: BLE001, S110 (its type is used instead)
        pass
    return {"": f"{type(given).__module__}.{type(given).__qualname__}"}
