"""The verbs that ask people and wait for the answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Unpack, overload

from procedures.engine.kinds.request_options import RequestOptions
from procedures.engine.kinds.responses import Response
from procedures.engine.values.files import File
from procedures.engine.values.options import check_flag, with_options
from procedures.engine.waits.handles import Handle
from procedures.engine.waits.later import Later

T = TypeVar("T")


class AskingVerbs:
    """The verbs that ask people and wait for the answer.

    `ctx.later` has the same verbs; there, they return a handle instead of waiting.
    """

    later: Later

    @with_options("ctx.approve", RequestOptions)
    def approve(
        self, prompt: str, *, yes: str = "", no: str = "", **asking: Unpack[RequestOptions]
    ) -> Response[bool]:
        """Ask for a yes or no; the response is true if somebody approved.

        `yes` and `no` are the labels of the two buttons ("Approve" and "Reject" by default).

        Raises `QuestionError` for an invalid question, and `RequestExpiredError` if nobody answers
        in time and `on_timeout` is "fail".
        """
        return self.later.approve(prompt, yes=yes, no=no, **asking).wait()

    @overload
    def ask(self, prompt: str, **asking: Unpack[RequestOptions]) -> Response[str]: ...
    @overload
    def ask(self, prompt: str, hint: type[T], **asking: Unpack[RequestOptions]) -> Response[T]: ...
    @overload
    def ask(self, prompt: str, hint: object, **asking: Unpack[RequestOptions]) -> Response[Any]: ...
    @with_options("ctx.ask", RequestOptions)
    def ask(self, prompt: str, hint: Any = str, **asking: Unpack[RequestOptions]) -> Response[Any]:
        """Ask for a value of the type `hint`, such as str, int or date, possibly with constraints.

        The types are str, int, float, Decimal, bool, date, time, timedelta, and datetime, which has
        a time zone. `Annotated[int, Field(ge=1)]` limits the value, and
        `Annotated[Decimal, Currency("EUR")]` is an amount of money. Raises `QuestionError` for
        other types, and `RequestExpiredError` if nobody answers in time and `on_timeout` is "fail".
        """
        return self.later.ask(prompt, hint, **asking).wait()

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
    ) -> Response[str]: ...
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
    ) -> Response[list[str]]: ...
    @with_options("ctx.choose", RequestOptions)
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: bool = False,
        descriptions: Mapping[str, str] | None = None,
        other: bool | str = False,
        **asking: Unpack[RequestOptions],
    ) -> Response[Any]:
        """Ask for one of the options, or with `many=True` for a list of one or more of them.

        `options` are strings, or a mapping of strings to labels, for example `{"dhl": "By
        parcel"}`. `descriptions` maps an option to a line of text that is shown below the label of
        the option. With `other=True`, people can also answer in their own words, and these words
        are the value. Instead of True, `other` can be the label of the field for these words.

        Raises `QuestionError` for options that people couldn't tell apart, and
        `RequestExpiredError` if nobody answers in time and `on_timeout` is "fail".
        """
        check_flag("many= of ctx.choose", many)
        more: dict[str, Any] = {"descriptions": descriptions, "other": other, **asking}
        handle: Handle[Response[Any]] = (
            self.later.choose(prompt, options, many=True, **more)
            if many
            else self.later.choose(prompt, options, **more)
        )
        return handle.wait()

    @with_options("ctx.review", RequestOptions)
    def review(
        self,
        prompt: str,
        draft: Any,
        *,
        decisions: Mapping[str, str] | None = None,
        format: str = "",  # noqa: A002 (the author's word)
        **asking: Unpack[RequestOptions],
    ) -> Response[Any]:
        """Show a draft (text, JSON data or a `File`) that people may edit, and ask for a decision.

        The response's `value` is the draft as people left it; after a rejection, it is "" for a
        text, and None for data or a file. The response's `decision` is the name of the decision.
        `decisions` maps the names of decisions to the labels of their buttons; choosing the first
        decision approves the draft. Without `decisions`, the names are "approved" and "rejected".

        `format` says how people see the draft: a text as "text", "markdown" or "code", data as
        "json" or "table". People can replace a file by another file.

        Raises `QuestionError` for a draft that is neither text nor JSON data nor a file, or that
        doesn't suit its format, and `RequestExpiredError` if nobody answers in time and
        `on_timeout` is "fail".
        """
        handle = self.later.review(prompt, draft, decisions=decisions, format=format, **asking)
        return handle.wait()

    @overload
    def upload(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = ...,
        largest: str | int | None = ...,
        many: Literal[False] = ...,
        **asking: Unpack[RequestOptions],
    ) -> Response[File]: ...
    @overload
    def upload(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = ...,
        largest: str | int | None = ...,
        many: Literal[True],
        **asking: Unpack[RequestOptions],
    ) -> Response[list[File]]: ...
    @with_options("ctx.upload", RequestOptions)
    def upload(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = (),
        largest: str | int | None = None,
        many: bool = False,
        **asking: Unpack[RequestOptions],
    ) -> Response[Any]:
        """Ask for a file, or with `many=True` for a list of one or more files.

        `accept` lists media types such as "application/pdf" or "image/*". `largest` is the maximum
        size of a file, in bytes or as a string such as "5 MB"; the site's own limit applies, too.
        Raises `QuestionError` for other types and sizes, and `RequestExpiredError` if nobody
        answers in time and `on_timeout` is "fail".
        """
        more: dict[str, Any] = {"accept": accept, "largest": largest, "many": many, **asking}
        handle: Handle[Response[Any]] = self.later.upload(prompt, **more)
        return handle.wait()

    @overload
    def form(
        self, prompt: str, model: type[T], **asking: Unpack[RequestOptions]
    ) -> Response[T]: ...
    @overload
    def form(
        self, prompt: str, *, schema: Mapping[str, Any], **asking: Unpack[RequestOptions]
    ) -> Response[dict[str, Any]]: ...
    @with_options("ctx.form", RequestOptions)
    def form(
        self,
        prompt: str,
        model: Any = None,
        *,
        schema: Mapping[str, Any] | None = None,
        **asking: Unpack[RequestOptions],
    ) -> Response[Any]:
        """Ask for several values in a form: the fields of a Pydantic model, dataclass or TypedDict.

        The response's value is an object of that type. The type of a field can again be a model, a
        list of models, or a file. Instead of `model`, `schema` can be a JSON Schema; then the value
        is a dict.

        Raises `QuestionError` for a type with checks that a JSON Schema can't express, or for a
        JSON Schema beyond the documented subset, and `RequestExpiredError` if nobody answers in
        time and `on_timeout` is "fail".
        """
        more: dict[str, Any] = {"schema": schema, **asking}
        handle: Handle[Response[Any]] = self.later.form(prompt, model, **more)
        return handle.wait()

    @with_options("ctx.escalate", RequestOptions)
    def escalate(self, prompt: str, **asking: Unpack[RequestOptions]) -> Response[str]:
        """Report a problem to the operators and wait for their answer.

        The response's value is the operators' text about what they did. Raises `QuestionError` for
        an invalid question, and `RequestExpiredError` if nobody answers in time and `on_timeout` is
        "fail".
        """
        return self.later.escalate(prompt, **asking).wait()

    @with_options("ctx.request")
    def request(self, kind: str, prompt: str, /, *args: Any, **options: Any) -> Response[Any]:
        """Ask a question of the named kind, which may be one of the site's own.

        Takes the options of that kind and those of every question. Raises `OptionError` for an
        unknown kind or option, `QuestionError` for an invalid question, and `RequestExpiredError`
        if nobody answers in time and `on_timeout` is "fail".
        """
        return self.later.request(kind, prompt, *args, **options).wait()
