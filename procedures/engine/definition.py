"""The decorator that makes a plain function a procedure, its inputs taken from the signature."""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import cached_property
from typing import Any, Literal, get_type_hints, overload

from pydantic import ConfigDict, TypeAdapter, ValidationError

from procedures.engine import canonical
from procedures.engine.errors import DefinitionError, Fault, InputError
from procedures.engine.files import File

Role = Literal["see", "start", "answer", "operate"]
ROLES: tuple[Role, ...] = ("see", "start", "answer", "operate")
Function = Callable[..., Any]
STRICT = {"__pydantic_config__": ConfigDict(extra="forbid")}


@dataclass(frozen=True)
class Check:
    """Looks at one input when a run is started: `orders: Annotated[File, Check(read_orders)]`.

    A ValueError it raises is told to whoever starts the run, beside that field.
    """

    look: Callable[[Any], object]


@dataclass(frozen=True, eq=False)
class Procedure:
    """A registered definition: the function, its inputs, and who may do what with its runs."""

    fn: Function
    name: str
    title: str
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.fn) or ""

    @cached_property
    def source(self) -> str:
        return inspect.getsource(self.fn)

    @cached_property
    def version(self) -> str:
        """Names the code: the start of the SHA-256 of its whole module's source."""
        module = inspect.getmodule(self.fn)
        source = inspect.getsource(module) if module else self.source
        return hashlib.sha256(source.encode()).hexdigest()[:12]

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the inputs."""
        schema: dict[str, Any] = self._inputs.json_schema()
        return schema

    @cached_property
    def file_fields(self) -> frozenset[str]:
        """The inputs that are uploaded files."""
        hints = get_type_hints(self.fn)
        return frozenset(name for name in self._parameters if hints[name] is File)

    def parse(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a start in their types, checked; `InputError` says what is wrong."""
        try:
            inputs: dict[str, Any] = vars(self._inputs.validate_python(dict(raw)))
        except ValidationError as error:
            raise InputError([_fault(dict(fault)) for fault in error.errors()]) from None
        faults = [fault for name, value in inputs.items() for fault in self._look_at(name, value)]
        if faults:
            raise InputError(faults)
        return inputs

    def dump(self, inputs: Mapping[str, Any]) -> str:
        """The canonical JSON text of parsed inputs."""
        return canonical.text_of(
            {name: canonical.jsonable(value, self._hints[name]) for name, value in inputs.items()}
        )

    def load(self, text: str) -> dict[str, Any]:
        """Kept inputs back in their types."""
        inputs: dict[str, Any] = vars(self._inputs.validate_json(text, context=canonical.KEPT))
        return inputs

    def _look_at(self, name: str, value: Any) -> Iterable[Fault]:
        for mark in getattr(self._hints[name], "__metadata__", ()):
            if isinstance(mark, Check):
                try:
                    mark.look(value)
                except ValueError as error:
                    yield Fault(name, str(error))

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(list(inspect.signature(self.fn).parameters.items())[1:])

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.fn, include_extras=True)

    @cached_property
    def _inputs(self) -> TypeAdapter[Any]:
        fields = [_field(name, self._hints[name], kind) for name, kind in self._parameters.items()]
        made = make_dataclass("Inputs", fields, kw_only=True, namespace=STRICT)
        return TypeAdapter[Any](made)


@overload
def procedure(fn: Function, /) -> Procedure: ...
@overload
def procedure(
    *, name: str = ..., title: str = ..., roles: Mapping[Role, str | Iterable[str]] = ...
) -> Callable[[Function], Procedure]: ...
def procedure(
    fn: Function | None = None,
    /,
    *,
    name: str = "",
    title: str = "",
    roles: Mapping[Role, str | Iterable[str]] | None = None,
) -> Procedure | Callable[[Function], Procedure]:
    """Declare a procedure. `roles` names the groups that may see, start, answer or operate."""

    def declare(fn: Function) -> Procedure:
        own_name = name or fn.__name__
        _check_signature(own_name, fn)
        spoken = title or own_name.replace("_", " ").capitalize()
        return Procedure(fn, own_name, spoken, _roles(own_name, roles or {}))

    return declare(fn) if fn else declare


def _roles(name: str, roles: Mapping[Role, str | Iterable[str]]) -> dict[Role, tuple[str, ...]]:
    if unknown := set(roles) - set(ROLES):
        raise DefinitionError(f"{name}: no such role: {', '.join(sorted(unknown))}.")
    return {
        role: (groups,) if isinstance(groups, str) else tuple(groups)
        for role, groups in roles.items()
    }


def _check_signature(name: str, fn: Function) -> None:
    parameters = list(inspect.signature(fn).parameters.values())
    if inspect.iscoroutinefunction(fn) or inspect.isgeneratorfunction(fn):
        raise DefinitionError(f"{name}: a procedure is a plain function, no coroutine.")
    if not parameters:
        raise DefinitionError(f"{name}: the first parameter is the context.")
    for parameter in parameters[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise DefinitionError(f"{name}: inputs are named one by one, not by {parameter}.")
        if parameter.annotation is parameter.empty:
            raise DefinitionError(f"{name}: the input {parameter.name} needs a type.")


def _field(name: str, hint: Any, parameter: inspect.Parameter) -> tuple[str, Any, Any]:
    default = parameter.default
    if default is parameter.empty:
        return name, hint, field()
    if isinstance(default, list | dict | set):
        return name, hint, field(default_factory=default.copy)
    return name, hint, field(default=default)


def _fault(fault: dict[str, Any]) -> Fault:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return Fault(place, "is missing.")
    if fault["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return Fault(place, "is no input of this procedure.")
    message = str(fault["msg"]).removeprefix("Value error, ")
    return Fault(place, message if message.endswith(".") else f"{message}.")
