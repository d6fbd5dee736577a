"""Asking people: each method opens a question and returns its handle."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Unpack, overload

from procedures.engine.kinds.kind import known_kind
from procedures.engine.kinds.questions import Question, asked_for
from procedures.engine.kinds.request_options import RequestOptions
from procedures.engine.kinds.responses import Response
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.values.files import File
from procedures.engine.values.options import with_options
from procedures.engine.waits.handles import Handle, ask

T = TypeVar("T")


class Later:
    """Methods that ask people and return a handle; `handle.wait()` waits for the answer.

    With several handles, `ctx.wait_any(...)` waits for the first answer, and `ctx.wait_all(...)`
    for all answers.
    """

    def __init__(self, fiber: Fiber) -> None:
        self._fiber = fiber

    @with_options("ctx.later.approve", RequestOptions)
    def approve(
        self, prompt: str, *, yes: str = "", no: str = "", **asking: Unpack[RequestOptions]
    ) -> Handle[Response[bool]]:
        """Ask for a yes or no; `yes` and `no` are the labels of the two buttons."""
        return self.request("approval", prompt, yes=yes, no=no, **asking)

    @overload
    def ask(self, prompt: str, **asking: Unpack[RequestOptions]) -> Handle[Response[str]]: ...
    @overload
    def ask(
        self, prompt: str, hint: type[T], **asking: Unpack[RequestOptions]
    ) -> Handle[Response[T]]: ...
    @overload
    def ask(
        self, prompt: str, hint: object, **asking: Unpack[RequestOptions]
    ) -> Handle[Response[Any]]: ...
    @with_options("ctx.later.ask", RequestOptions)
    def ask(
        self, prompt: str, hint: Any = str, **asking: Unpack[RequestOptions]
    ) -> Handle[Response[Any]]:
        """Ask for a value of the type `hint`, perhaps `Annotated` with limits or a currency."""
        return self.request("input", prompt, hint, **asking)

    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[False] = ...,
        descriptions: Mapping[str, str] | None = ...,
        other: bool | str = ...,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[str]]: ...
    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[True],
        descriptions: Mapping[str, str] | None = ...,
        other: bool | str = ...,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[list[str]]]: ...
    @with_options("ctx.later.choose", RequestOptions)
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: bool = False,
        descriptions: Mapping[str, str] | None = None,
        other: bool | str = False,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[Any]]:
        """Ask for one of the options, or with `many` for one or more of them.

        `descriptions` maps an option to a line of text below its label. With `other`, people can
        also answer in their own words; `other` is True, or the label of the field for these words.
        """
        own: dict[str, Any] = {"descriptions": descriptions, "other": other}
        return self.request("choice", prompt, options, many=many, **own, **asking)

    @with_options("ctx.later.review", RequestOptions)
    def review(
        self,
        prompt: str,
        draft: Any,
        *,
        decisions: Mapping[str, str] | None = None,
        format: str = "",  # noqa: A002 (the author's word)
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[Any]]:
        """Show a draft (text, data or a file) that people may edit, and ask for a decision.

        The value of the answer is the edited draft; after a rejection, it is "" for a text, and
        None for data or a file. `decision` of the answer is the name of the decision. `decisions`
        maps the name of each decision to the label of its button; choosing the first decision
        approves the draft. Without `decisions`, the names are "approved" and "rejected".
        """
        return self.request("review", prompt, draft, decisions=decisions, format=format, **asking)

    @overload
    def upload(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = ...,
        largest: str | int | None = ...,
        many: Literal[False] = ...,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[File]]: ...
    @overload
    def upload(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = ...,
        largest: str | int | None = ...,
        many: Literal[True],
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[list[File]]]: ...
    @with_options("ctx.later.upload", RequestOptions)
    def upload(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = (),
        largest: str | int | None = None,
        many: bool = False,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[Any]]:
        """Ask for a file, or with `many` for one or more files."""
        return self.request("upload", prompt, accept=accept, largest=largest, many=many, **asking)

    @overload
    def form(
        self, prompt: str, model: type[T], **asking: Unpack[RequestOptions]
    ) -> Handle[Response[T]]: ...
    @overload
    def form(
        self, prompt: str, *, schema: Mapping[str, Any], **asking: Unpack[RequestOptions]
    ) -> Handle[Response[dict[str, Any]]]: ...
    @with_options("ctx.later.form", RequestOptions)
    def form(
        self,
        prompt: str,
        model: Any = None,
        *,
        schema: Mapping[str, Any] | None = None,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[Any]]:
        """Ask for several values in one form: the fields of a model, or of a JSON Schema."""
        return self.request("form", prompt, model, schema=schema, **asking)

    @with_options("ctx.later.escalate", RequestOptions)
    def escalate(self, prompt: str, **asking: Unpack[RequestOptions]) -> Handle[Response[str]]:
        """Report a problem to the operators; the value of their answer is a text."""
        return self.request("escalation", prompt, **asking)

    @with_options("ctx.later.request")
    def request(
        self, kind: str, prompt: str, /, *args: Any, **options: Any
    ) -> Handle[Response[Any]]:
        """Ask a question of the named kind.

        `options` are the options of that kind and of all questions. Raises `OptionError` for an
        unknown kind or option.
        """
        rules = known_kind(kind)
        question, hint = asked_for(rules, prompt, args, options)
        self._fiber.check_usable()
        verb = rules.verb or rules.name
        name = checked_name(options.get("name") or verb, f"name= of ctx.{verb}")
        return ask(self._fiber, self._fiber.scope.key_for(name), question, hint)

    @with_options("ctx.later.again")
    def again(self, question: Question) -> Handle[Response[Any]]:
        """Open `question` as a new request, and return its handle.

        The question is a copy of an earlier question with other evidence.
        """
        return ask(self._fiber, self._fiber.scope.key_for(question.kind), question)
