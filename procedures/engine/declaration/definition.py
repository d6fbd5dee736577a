"""Procedures: plain functions, with inputs from their signatures."""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, make_dataclass, replace
from functools import cached_property, partial
from tokenize import TokenError
from typing import Any, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from procedures.engine.declaration.checks import (
    RESULT,
    can_be_kept,
    check_context,
    check_default,
    check_no_secrets,
    check_types,
    holds_bytes,
    texts_of,
)
from procedures.engine.declaration.limits import Limits
from procedures.engine.declaration.picture import Picture
from procedures.engine.declaration.roles import Role
from procedures.engine.declaration.subjects import check_subject
from procedures.engine.errors import DefinitionError, Fault, InputError, OptionError
from procedures.engine.values import canonical
from procedures.engine.values.faults import fault_of
from procedures.engine.values.inspection import sets_extra_fields
from procedures.engine.values.options import (
    check_function,
    with_fields,
)
from procedures.engine.values.reading import InputConversion, odd_numbers, unserved
from procedures.engine.values.served import adapter, served
from procedures.engine.values.spelling import meant, short_repr

Function = Callable[..., Any]
STRICT = {"__pydantic_config__": ConfigDict(extra="forbid", validate_default=True)}
VERSION = 12
"""The length of a procedure's version, in characters."""
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
TOO_DEEP = "is nested too deeply."
NOT_ASKED = "isn't a known field."


@with_fields("Check")
@dataclass(frozen=True)
class Check:
    """A check of one input when a run is started: `orders: Annotated[File, Check(read_orders)]`.

    The function is called with the input's value. If the function raises a `ValueError`, the
    error's message is shown beside that field to the person who starts the run. With
    `needs=("currency",)`, the function also gets the input `currency` as a named argument. Such a
    function is called only after each input has been checked on its own.
    """

    look: Callable[..., object]
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        needs: Any = self.needs
        if not isinstance(needs, tuple) or not all(map(_is_text, needs)):
            raise OptionError(
                'needs= of a Check must be a tuple of input names such as ("currency",), '
                f"not {short_repr(self.needs)}."
            )
        if not needs:
            check_function("look= of a Check", self.look, "value")
        elif not callable(self.look):
            raise OptionError(f"look= of a Check must be a function, not {short_repr(self.look)}.")


@dataclass(frozen=True, eq=False)
class Procedure:
    """A declared procedure: its function, its inputs, and the roles for its runs."""

    fn: Function
    name: str
    title: str
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    file: str = ""
    """The path of the file whose text the procedure runs; "" for a procedure written in Python."""
    subject: str = ""
    """The template of the subjects of the procedure's runs; "" if it has none."""
    listens: bool = False
    """True if the procedure's runs read the messages that people write to them."""
    steer: bool = False
    """True if people can also write to a step while it is running."""
    picture: Picture | None = None
    """The picture on the pages of the procedure and of its runs; None if it has none."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def of_text(self, file: str, text: str) -> "Procedure":
        """Return a copy of this procedure that runs the text of a procedure file.

        The text becomes the source of the copy, and the start of the text's digest its version.
        `file` is the path of the procedure file.
        """
        made = replace(self, file=file)
        # Write to `__dict__`, because the class is frozen and its cached properties store their
        # values there.
        vars(made).update(source=text, version=digest_of(text))
        return made

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.fn) or ""

    @cached_property
    def source(self) -> str:
        """The function's source, or "" if it isn't available."""
        return _source_of(self.fn)

    @cached_property
    def version(self) -> str:
        """The version of the code: the start of the SHA-256 of its module's source.

        If there is no source, as at a Python prompt, the function's bytecode is hashed instead.
        """
        source = _source_of(inspect.getmodule(self.fn) or self.fn)
        code = source.encode() or self.fn.__code__.co_code
        return hashlib.sha256(code).hexdigest()[:VERSION]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the inputs.

        For an input with a `SiteChoice`, the schema lists the names that the site's settings
        contain now.
        """
        try:
            schema: dict[str, Any] = self._inputs.json_schema()
        except PydanticUserError as error:
            raise DefinitionError(f"{self.name}: {error.message}") from None
        return schema

    def parse(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs of a new run, checked and converted; raises `InputError` for faults."""
        try:
            inputs = self._validated(raw)
        except RecursionError:
            deep = [name for name, value in raw.items() if canonical.is_too_deep(value)]
            raise InputError([Fault(name, TOO_DEEP) for name in deep or raw]) from None
        # First the checks of single inputs: a check of several inputs may rely on each of them
        # being valid.
        self._run_checks(inputs, together=False)
        self._run_checks(inputs, together=True)
        return inputs

    def fits(self, name: str, raw: Any) -> bool:
        """Return True if the value is valid for that input, whatever the other inputs are."""
        try:
            adapter(self._hints[name]).validate_python(raw)
        except ValidationError:
            return False
        return True

    def _validated(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs converted to their types.

        Raises `InputError` for values that don't fit and for unknown names.
        """
        ready = self._reading.read(raw)
        try:
            inputs: dict[str, Any] = vars(made := self._inputs.validate_python(ready))
        except ValidationError as error:
            raise InputError([self._fault(fault) for fault in error.errors()]) from None
        read = self._inputs.dump_python(made, by_alias=True, warnings=False)
        if faults := [*odd_numbers(ready, read), *self._unknown_names(ready)]:
            raise InputError(faults)
        return inputs

    def _unknown_names(self, ready: Mapping[str, Any]) -> list[Fault]:
        """Return a fault for each field in an input that the type of the input doesn't have.

        A type that is explicitly declared to allow or ignore unknown fields may have any field.
        """
        try:
            # Validate a second time, because `extra` also overrides the types whose authors allow
            # unknown names.
            self._inputs.validate_python(ready, extra="forbid")
        except ValidationError as error:
            faults = [one for one in error.errors() if one["type"] in UNKNOWN]
            return [self._fault(one) for one in faults if one["loc"][0] not in self._open]
        return []

    def _fault(self, error: Mapping[str, Any]) -> Fault:
        fault = fault_of(error, error["loc"])
        if error["type"] != "unexpected_keyword_argument":
            return fault
        if len(error["loc"]) > 1:
            return Fault(fault.field, NOT_ASKED)
        return Fault(fault.field, f"{fault.message}{meant(fault.field, self._parameters)}")

    @cached_property
    def _reading(self) -> InputConversion:
        """The converter of sent inputs to JSON, for example of the duration "2h" to ISO 8601.

        The converter is made from the JSON Schema when the first inputs are sent. A later change of
        the site's settings doesn't change the converter.
        """
        return InputConversion(self.schema)

    @cached_property
    def _open(self) -> frozenset[str]:
        """The inputs whose type is explicitly declared to allow or ignore unknown fields."""
        return frozenset(
            name for name in self._parameters if sets_extra_fields(adapter(self._hints[name]))
        )

    def check(self) -> None:
        """Raise `DefinitionError` for a declaration with faults, such as an unsupported type.

        A declaration without faults is checked only once.
        """
        _ = self._is_sound

    @cached_property
    def _is_sound(self) -> bool:
        check_context(self.name, self.fn, self._hints)
        returns = {RESULT: self._hints.get(RESULT, Any)}
        hints = {name: self._hints[name] for name in self._parameters}
        check_types(self.name, hints | returns)
        check_subject(self.subject, hints, of=self.name)
        with_bytes = frozenset(name for name in self._parameters if holds_bytes(self._hints[name]))
        schema = self.schema
        for name, why in unserved(schema, with_bytes=with_bytes):
            raise DefinitionError(f"{self.name}: the input {name} isn't supported: {why}.")
        for name, parameter in self._parameters.items():
            if parameter.default is not parameter.empty:
                check_default(self.name, name, parameter.default, self._hints[name])
        if not all(map(can_be_kept, (self.title, self.doc, *texts_of(schema)))):
            raise DefinitionError(
                f"{self.name}: its title, docstring or inputs contain a NUL character or a lone "
                "surrogate, which can't be stored."
            )
        return True

    def revise(self, kept: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the stored inputs of another run with these changes, validated as for a new run.

        Inputs that the code no longer takes are left out.
        """
        plain, same, faults = canonical.plain(kept), dict[str, Any](), list[Fault]()
        for name in (plain.keys() & self._parameters.keys()) - changes.keys():
            try:
                same[name] = canonical.load(plain[name], self._hints[name])
            except ValidationError as error:
                faults += [fault_of(fault, (name, *fault["loc"])) for fault in error.errors()]
        if faults:
            raise InputError(faults)
        return self.parse({**same, **changes})

    def dump(self, inputs: Mapping[str, Any]) -> str:
        """Return the canonical JSON text of parsed inputs."""
        return canonical.text_of(
            {name: canonical.jsonable(value, self._hints[name]) for name, value in inputs.items()}
        )

    def load(self, text: str) -> dict[str, Any]:
        """Return stored inputs, converted to their types."""
        inputs: dict[str, Any] = vars(canonical.restored(text, self._inputs))
        return inputs

    def _run_checks(self, inputs: Mapping[str, Any], *, together: bool) -> None:
        """Check the inputs, and raise `InputError` with the faults of all inputs.

        With `together=False`, only the checks that need one input are made; with `together=True`,
        only the checks that need several inputs.
        """
        look = self._look_together if together else self._look_at
        if faults := [fault for name in inputs for fault in look(name, inputs)]:
            raise InputError(faults)

    def _look_at(self, name: str, inputs: Mapping[str, Any]) -> Iterable[Fault]:
        try:
            canonical.keepable(inputs[name], self._hints[name])
        except ValueError as error:
            yield Fault(name, f"{error}.")
            return
        for check in self._checks[name]:
            if not check.needs:
                yield from _faults_of(check, name, inputs)

    def _look_together(self, name: str, inputs: Mapping[str, Any]) -> Iterable[Fault]:
        for check in self._checks[name]:
            if check.needs:
                yield from _faults_of(check, name, inputs)

    @cached_property
    def _checks(self) -> dict[str, list[Check]]:
        marks = {name: getattr(self._hints[name], "__metadata__", ()) for name in self._parameters}
        found = {
            name: [mark for mark in given if isinstance(mark, Check)]
            for name, given in marks.items()
        }
        for name, checks in found.items():
            for needed in (needed for check in checks for needed in check.needs):
                if needed not in self._parameters:
                    raise DefinitionError(
                        f"{self.name}: the check of {name} needs {needed!r}, which isn't an input. "
                        f"The inputs are {', '.join(self._parameters)}."
                    )
        return found

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(list(inspect.signature(self.fn).parameters.items())[1:])

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return get_type_hints(self.fn, include_extras=True)
        except NameError as error:
            raise DefinitionError(f"{self.name}: {error}.") from None
        except Exception as error:  # noqa: BLE001 (a string in an annotation may be anything)
            raise DefinitionError(f"{self.name}: its annotations can't be read: {error}.") from None

    @cached_property
    def _inputs(self) -> TypeAdapter[Any]:
        hints = {name: served(hint) for name, hint in self._hints.items()}
        fields = [_field(name, hints[name], kind) for name, kind in self._parameters.items()]
        made = make_dataclass("Inputs", fields, kw_only=True, namespace=STRICT)
        # Check before Pydantic reads the types, so that the message names the secret and isn't an
        # error of Pydantic's.
        check_no_secrets(self.name, self.fn)
        # Refuse a check that needs an unknown input at declaration, not at a start.
        _ = self._checks
        try:
            return TypeAdapter[Any](made)
        except PydanticUserError as error:
            raise DefinitionError(f"{self.name}: {error.message}") from None


def digest_of(text: str) -> str:
    """Return the version of a procedure whose source is that text."""
    return canonical.digest(text)[:VERSION]


def _source_of(code: Any) -> str:
    """Return the source of a function or module, or "" if there is none, as at a Python prompt."""
    try:
        return inspect.getsource(code)
    # A function may name a file that isn't Python, such as the template it was compiled from.
    except (OSError, TypeError, SyntaxError, TokenError):
        return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _faults_of(check: Check, name: str, inputs: Mapping[str, Any]) -> Iterable[Fault]:
    try:
        check.look(inputs[name], **{needed: inputs[needed] for needed in check.needs})
    except ValueError as error:
        yield Fault(name, str(error))


def _field(name: str, hint: Any, parameter: inspect.Parameter) -> tuple[str, Any, Any]:
    default = parameter.default
    if default is parameter.empty:
        return name, hint, field()
    if type(default).__hash__ is None:  # it is mutable, so every run gets a copy
        return name, hint, field(default_factory=partial(deepcopy, default))
    return name, hint, field(default=default)
