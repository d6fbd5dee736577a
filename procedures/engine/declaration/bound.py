"""Bound steps: people can see what such a step would do, with all arguments, before it runs."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Generic, TypeVar

from procedures.engine.declaration.arguments import Call, check_options
from procedures.engine.declaration.signatures import (
    Arguments,
    hints_of,
    name_of,
    signature_of,
    spoken_name,
)
from procedures.engine.declaration.steps import Options
from procedures.engine.errors import EvidenceError, OptionError
from procedures.engine.values import canonical
from procedures.engine.values.exact import classes_in, exact, is_alike

T = TypeVar("T")
STEP, FUNCTION = "step", "function"
STARS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


@dataclass(frozen=True)
class Bound(Generic[T]):
    """A step with its arguments: `ctx.approve` shows the step, and `ctx.step` runs it later."""

    fn: Callable[..., T]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    is_shown: bool = False
    """True if the arguments are the bound step's own copies, which no other code can change."""
    approval: str = ""
    """The key of the wait in which people approved the step; "" if it has no approval."""

    @property
    def name(self) -> str:
        return self.options.name or name_of(self.fn)

    def with_options(self, options: Mapping[str, Any]) -> "Bound[T]":
        """Return a copy of this bound step with these options changed."""
        check_options(options)
        return replace(self, options=replace(self.options, **options))

    def as_evidence(self) -> dict[str, Any]:
        """Return the evidence for people: names of step and function, and the arguments by name."""
        head = {STEP: self.name, FUNCTION: dotted_name_of(self.fn)}
        return head | dict(_shown(self.fn, self.args, self.kwargs))

    def fresh_arguments(self) -> Arguments:
        """Return the arguments for one attempt of the step.

        If the bound step holds its own copies of the arguments, each attempt gets a further copy.
        So no attempt can change the arguments that people were shown.
        """
        return deepcopy((self.args, self.kwargs)) if self.is_shown else (self.args, self.kwargs)


def bind_with_copies(call: Call) -> Bound[Any]:
    """Return a step that can be shown to people in full, with copies of all its arguments.

    The default values of parameters without an argument are shown, too. Raises `EvidenceError` if
    something that the step would do couldn't be shown, and `OptionError` if the function can't be
    called with these arguments.
    """
    fn, args, kwargs, options = call
    dotted_name_of(fn)
    try:
        given = signature_of(fn).parameters(fn).bind(*args, **kwargs)
    except ValueError:
        words = f"The parameters of {spoken_name(fn)} can't be read. Bind a function that calls it."
        raise EvidenceError(words) from None
    except TypeError as error:
        raise OptionError(f"{spoken_name(fn)}: {error}.") from None
    given.apply_defaults()
    # Check before copying, so that arguments that can't be shown are refused at the call, not when
    # people are asked.
    dict(_shown(fn, given.args, given.kwargs))
    # Copy, because the code may change the objects while people read. The step must do what people
    # were shown.
    copies = deepcopy((given.args, given.kwargs))
    return Bound(fn, *copies, options=options, is_shown=True)


def named_arguments(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments as JSON, by parameter name, for example `{"order": "A-7"}`.

    If one of the arguments can't be shown, the result is `{}`.
    """
    try:
        return dict(_shown(fn, args, kwargs))
    except (EvidenceError, TypeError, ValueError):
        return {}


def dotted_name_of(fn: Callable[..., Any]) -> str:
    """Return the dotted name of a function, such as "shop.payments.refund".

    People can approve a function by its name only if the module `shop.payments` really holds that
    function under the name `refund`. Raises `EvidenceError` for any other function: a lambda, a
    closure or a bound method depends on more than its name shows.
    """
    owner = getattr(fn, "__self__", None)
    place = owner if isinstance(owner, type) else fn
    path = str(getattr(place, "__qualname__", ""))
    if place is not fn:
        path = f"{path}.{getattr(fn, '__name__', '')}"
    module = getattr(place, "__module__", None)
    module = getattr(owner, "__name__", None) if isinstance(owner, ModuleType) else module
    for names in _namespaces(fn, str(module)):
        if path and _lies_at(names, path, fn):
            return f"{module}.{path}"
    words = (
        f"The bound step {spoken_name(fn)} can't be shown in full, because it is {_kind_of(fn)}. "
        "Bind a module-level function, and pass everything it needs as arguments."
    )
    raise EvidenceError(words)


def _namespaces(fn: Callable[..., Any], module: str) -> Iterator[Mapping[str, Any]]:
    """Yield the namespaces that may hold the function: its module and the function's globals."""
    if module in sys.modules:
        yield vars(sys.modules[module])
    yield getattr(fn, "__globals__", {})
    yield getattr(inspect.unwrap(fn), "__globals__", {})


def _lies_at(names: Mapping[str, Any], path: str, fn: Callable[..., Any]) -> bool:
    first, *inner = path.split(".")
    found = names.get(first)
    for name in inner:
        found = getattr(found, name, None)
    # Each access creates a new object for a bound method, so `is` would never be true.
    is_same_method = inspect.isroutine(found) and not inspect.isfunction(found) and found == fn
    return found is fn or is_same_method


def _kind_of(fn: Callable[..., Any]) -> str:
    if inspect.ismethod(fn) or hasattr(fn, "__self__"):
        return "a method of an object"
    if spoken_name(fn) == "<lambda>":
        return "a lambda"
    if "<locals>" in getattr(fn, "__qualname__", ""):
        return "defined inside another function"
    return "not found in its module under that name"


def _shown(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    signature = signature_of(fn).parameters(fn)
    given = signature.bind(*args, **kwargs)
    for name, value in given.arguments.items():
        stars = STARS.get(signature.parameters[name].kind, "")
        if stars and not value:
            continue
        try:
            plain = exact(value, f"{stars}{name}")
            canonical.text_of(plain)
        except (ValueError, RecursionError) as error:
            why = "It is nested too deeply." if isinstance(error, RecursionError) else str(error)
            words = f"The bound step {spoken_name(fn)} can't be shown in full. {why}"
            raise EvidenceError(words) from None
        yield (f"{name} (argument)" if name in (STEP, FUNCTION) else f"{stars}{name}"), plain
        if classes := _unnamed_classes(fn, name, stars, value, plain):
            yield f"{stars}{name} (type)", classes


def _unnamed_classes(
    fn: Callable[..., Any], name: str, stars: str, value: Any, plain: Any
) -> str | dict[str, str]:
    """Return the names of the classes in an argument that people wouldn't see otherwise.

    The classes are visible if the annotation of the parameter says which classes the JSON stands
    for; the result is then "". Two objects of different classes may have the same JSON and behave
    differently, so the evidence must name all other classes. The result is the name of one class,
    or a dictionary of class names by their position in the argument.
    """
    found = list(classes_in(value))
    if not found:
        return ""
    hint = hints_of(fn).get(name, Any)
    whole = {"*": tuple[hint, ...], "**": dict[str, hint]}.get(stars, hint)  # type: ignore[valid-type]
    try:
        is_told = is_alike(value, canonical.load(plain, whole))
    except Exception:  # noqa: BLE001 (the value doesn't fit, or its validator may raise anything)
        is_told = False
    if is_told:
        return ""
    named = {place: _class_name(fn, kind) for place, kind in found}
    return named.get("", "") if len(named) == 1 and "" in named else named


def _class_name(fn: Callable[..., Any], kind: type) -> str:
    generic = getattr(kind, "__pydantic_generic_metadata__", {}).get("origin")
    try:
        name = dotted_name_of(generic or kind)
    except EvidenceError:
        words = (
            f"The bound step {spoken_name(fn)} can't be shown in full, because the class "
            f"{kind.__qualname__} of an argument isn't found in its module under that name."
        )
        raise EvidenceError(words) from None
    return f"{kind.__module__}.{kind.__qualname__}" if generic else name
