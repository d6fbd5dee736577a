"""Tools: functions and procedures that a model may call."""

import inspect
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from string import Formatter
from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from procedures.engine import (
    Bound,
    Context,
    DefinitionError,
    EngineError,
    InputError,
    Procedure,
    QuestionError,
    Step,
    StepOptions,
)
from procedures.engine.declaration.steps import options_of
from procedures.engine.kinds import Form
from procedures.engine.kinds.questions import new_question
from procedures.engine.kinds.request_options import RequestOptions
from procedures.engine.values.spelling import short_repr
from programs.agents.foreign_schemas import faults_of
from programs.agents.messages import ToolCall

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
OF_EVIDENCE = ("repeatable", "volatile")
"""Options of a question that name fields of its evidence; they can't be checked before a call."""
Rule = Callable[[ToolCall], bool | str]
"""A function that can allow a call without asking people.

It gets the call. It returns True, or a reason as a text, to allow the call; or False or "" if
people should be asked.
"""


class ArgumentsError(Exception):
    """The arguments of a call don't fit its tool. The model reads the message."""


class ToolSpec(BaseModel):
    """The description of a tool that a model gets. It stays the same until the run ends."""

    model_config = ConfigDict(frozen=True)
    name: str
    description: str = ""
    parameters: dict[str, Any]
    """The JSON Schema of the arguments."""
    of_server: str = ""
    """The server's own name for the tool, if models can't call it by that name; else ""."""


@dataclass(frozen=True)
class Tool:
    """A function or a procedure that a model may call.

    A call of a function is a step of the run. The function's parameters and their types describe
    the tool's arguments, and its docstring is the tool's description. A parameter annotated `Step`
    isn't an argument: it gets the current attempt, with an idempotency key. If the first parameter
    of the function is annotated `Context`, the function isn't a step: it runs between steps, so it
    can ask people, wait and call steps itself. A call of a procedure is a child run. With
    `schema=`, a JSON Schema of the arguments, the function gets all arguments as one dict.
    """

    run: Callable[..., Any] | Procedure
    name: str = ""
    """The name by which the model calls the tool; by default, that of the function or procedure."""
    description: str = ""
    needs: Literal["", "approval"] = ""
    """The permission that each call needs: "approval" of people, or "" for none.

    People who are asked can also change the arguments or deny the call.
    """
    prompt: str = ""
    """The question to people, with arguments in braces: "Pay back {amount} € for {order}?"."""
    asking: RequestOptions = field(default_factory=RequestOptions)
    """The options of the question to people, such as {"assign": "finance", "expires": "2h"}."""
    auto_approve: Rule | None = None
    """A rule that allows some calls without asking people; each decision is recorded as a step."""
    options: StepOptions = field(default_factory=StepOptions)
    """The options of the step that runs the function: {"retry": Retry(3), "timeout": "30s"}."""
    schema: Mapping[str, Any] | None = None
    """The JSON Schema of the arguments, for a function that gets them as one dict."""

    def __post_init__(self) -> None:
        known = self.name or getattr(self.run, "name", "") or getattr(self.run, "__name__", "")
        if not NAME.fullmatch(known):
            words = "use up to 64 letters, digits, _ or -, beginning with a letter or _"
            raise DefinitionError(f"Invalid tool name {known!r}: {words}.")
        object.__setattr__(self, "name", known)
        if self.needs not in ("", "approval"):
            words = f"must be 'approval' or '', not {short_repr(self.needs)}"
            raise DefinitionError(f"needs= of the tool {known} {words}.")
        if not self.needs and (self.auto_approve or self.prompt or self.asking):
            raise DefinitionError(
                f"auto_approve=, prompt= and asking= of the tool {known} work only with "
                "needs='approval'."
            )
        if self.is_in_body and inspect.iscoroutinefunction(_plain(self.run)):
            words = "gets the context, so it can't be async. Call async functions in steps"
            raise DefinitionError(f"The tool {known} {words}.")
        if self.needs and self.is_step:
            _check_shown(self.run, known)
        self.parameters  # noqa: B018 (what can't be read is refused here, not in a run)
        self._check_options()

    def _check_options(self) -> None:
        """Raise `DefinitionError` for options that would cause an error in a run."""
        try:
            options_of(self.options)
            if self.needs:
                asking: dict[str, Any] = {**self.asking}
                for name in OF_EVIDENCE:
                    asking.pop(name, None)
                new_question("action", self.name, **asking)
            places = names_in_braces(self.prompt)
        except (EngineError, TypeError, ValueError) as error:
            raise DefinitionError(
                f"The options of the tool {self.name} can't be used: {error}"
            ) from None
        if unknown := places - set(self.parameters.get("properties") or {}):
            words = f"prompt= of the tool {self.name} names {', '.join(sorted(unknown))}"
            raise DefinitionError(f"{words}, but the tool has no such argument.")

    @property
    def is_child(self) -> bool:
        """True if each call of the tool is a child run."""
        return isinstance(self.run, Procedure)

    @cached_property
    def is_in_body(self) -> bool:
        """True if the function isn't a step: it runs between steps and gets the run's context."""
        return bool(self.context_parameter)

    @cached_property
    def context_parameter(self) -> str:
        """The name of the function's parameter that gets the run's context; "" if none does."""
        hints = {} if self.is_child else _hints(self.run)
        return next((name for name, hint in hints.items() if hint is Context), "")

    @property
    def is_step(self) -> bool:
        return not self.is_child and not self.is_in_body

    @cached_property
    def model(self) -> type[BaseModel] | None:
        """The Pydantic model of the arguments; None if a JSON Schema describes them."""
        if self.schema is not None or isinstance(self.run, Procedure):
            return None
        return _model_of(self.run, self.name)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        if isinstance(self.run, Procedure):
            return dict(self.run.schema)
        if self.model is None:
            return dict(self.schema or {})
        return self.model.model_json_schema()

    @property
    def spec(self) -> ToolSpec:
        description = self.description or inspect.getdoc(_plain(self.run)) or ""
        if isinstance(self.run, Procedure):
            description = self.description or self.run.doc or self.run.title
        return ToolSpec(name=self.name, description=description, parameters=self.parameters)

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments, converted to their Python types.

        Raises `ArgumentsError` if they don't fit.
        """
        if isinstance(self.run, Procedure):
            return _inputs(self.run, arguments)
        if self.model is None:
            return {"arguments": _checked(arguments, self.parameters)}
        try:
            read = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise ArgumentsError("; ".join(faults)) from None
        return {name: getattr(read, name) for name in type(read).model_fields}

    @cached_property
    def form(self) -> dict[str, Any]:
        """The options of `ctx.request` for a form in which people can change the arguments.

        They are {} if no form can be drawn for the arguments. Then people can't change the
        arguments.
        """
        terms: dict[str, Any] = (
            {"schema": self.parameters} if self.model is None else {"model": self.model}
        )
        try:
            Form().ask(self.name, **terms)
        except Exception:  # noqa: BLE001 (whatever a foreign schema is refused for)
            return {}
        return terms

    def form_for(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `form`, or {} if the fields of the form can't hold these arguments of a call.

        A model may send "5" for a number, and the tool reads it. People can't change it then.
        """
        try:
            asked = new_question("action", self.name, values, **self.form)
            asked.rules.check_asked(asked)
        except QuestionError:
            return {}
        return self.form


def names_in_braces(prompt: str) -> set[str]:
    """Return the names in braces in a prompt.

    Raises `ValueError` for braces without a counterpart.
    """
    return {name for _, name, _, _ in Formatter().parse(prompt) if name is not None}


def fill_prompt(prompt: str, values: Mapping[str, Any]) -> str:
    """Return the prompt with values in place of the names in braces; "" for a missing value."""
    given = dict.fromkeys(names_in_braces(prompt), "") | dict(values)
    try:
        return prompt.format_map(given)
    except (TypeError, ValueError):  # a format such as `:.2f` for a value of another type
        return "".join(
            f"{text}{given[name] if name else ''}" for text, name, _, _ in Formatter().parse(prompt)
        )


def as_tool(one: Any) -> Tool:
    """Return the given `Tool`, or a tool without approvals for the given function or procedure."""
    if isinstance(one, Tool):
        return one
    if callable(one) or isinstance(one, Procedure):
        return Tool(one)
    raise DefinitionError(f"A tool must be a function, a procedure or a Tool, not {one!r:.100}.")


def _check_shown(fn: Any, name: str) -> None:
    """Raise `DefinitionError` if people who approve a call couldn't see what the function does."""
    try:
        Bound(_plain(fn), ()).as_evidence()
    except EngineError as error:
        raise DefinitionError(f"The tool {name} can't need an approval. {error}") from None
    except TypeError:  # it lacks its arguments, which a call brings
        pass


def _plain(fn: Any) -> Any:
    """Return the function, without any `functools.partial` around it."""
    while isinstance(fn, partial):
        fn = fn.func
    return fn


def _hints(fn: Any) -> dict[str, Any]:
    try:
        return get_type_hints(_plain(fn), include_extras=True)
    except Exception as error:  # noqa: BLE001 (a string in an annotation may be anything)
        words = f"The annotations of the tool {getattr(fn, '__name__', fn)!r} can't be read"
        raise DefinitionError(f"{words}: {error}.") from None


def _model_of(fn: Any, name: str) -> type[BaseModel]:
    hints, fields = _hints(fn), dict[str, Any]()
    for one in inspect.signature(fn).parameters.values():
        hint = hints.get(one.name, Any)
        if hint is Step or hint is Context:
            continue
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY):
            words = "each parameter must have a name that a model can use"
            raise DefinitionError(f"The tool {name} can't have the parameter {one}: {words}.")
        fields[one.name] = (hint, ... if one.default is one.empty else one.default)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a parameter named `json`, say
            model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
            model.model_json_schema()
    except Exception as error:  # noqa: BLE001 (a type may be anything)
        raise DefinitionError(f"The parameters of the tool {name} can't be used: {error}") from None
    return model


def _inputs(code: Procedure, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        code.parse(dict(arguments))
    except InputError as error:
        raise ArgumentsError(str(error)) from None
    return dict(arguments)


def _checked(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if faults := faults_of(arguments, schema):
        raise ArgumentsError(faults)
    return dict(arguments)
