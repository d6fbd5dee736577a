"""The procedure `ask`, with which an external program asks people a question."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from procedures.engine import (
    Answerers,
    Check,
    Context,
    EngineError,
    Webhook,
    procedure,
)
from procedures.engine.kinds.questions import new_question
from procedures.engine.values.durations import parse_duration
from procedures.engine.values.given_schemas import given_form_schema

Kind = Literal["approval", "input", "choice", "form"]
LONGEST_SUBJECT, LONGEST_BODY = 300, 20_000
MOST_ASKED = 20


@dataclass(frozen=True)
class AskResult:
    """The result of a question: people's answer, or the default if nobody answered in time."""

    outcome: str
    value: Any
    responder: str
    comment: str
    at: datetime
    timed_out: bool


def check_schema(schema: Mapping[str, Any] | None) -> None:
    """Raise `ValueError`, with the path of the fault, if no form can be made from the schema."""
    if schema is not None:
        given_form_schema(schema)


def check_form(schema: Mapping[str, Any] | None, kind: Kind) -> None:
    if schema is None and kind == "form":
        raise ValueError("is missing: a form needs it.")
    if schema is not None and kind not in {"approval", "form"}:
        raise ValueError("can only be used with the kind form.")


def check_choice(options: Mapping[str, str] | Sequence[str] | None, kind: Kind) -> None:
    if not options and kind == "choice":
        raise ValueError("are missing: a choice needs them.")
    if options and kind != "choice":
        raise ValueError("can only be used with the kind choice.")


def check_duration(text: str) -> None:
    if text:
        parse_duration(text)


def check_default(default: Any, expires: str) -> None:
    if default is not None and not expires:
        raise ValueError("needs expires: it counts as the answer after that time.")


def check_question(subject: str, **asked: Any) -> None:
    """Raise `ValueError` if the inputs together don't make a question that people can answer.

    `asked` holds the other inputs. A fault of one input alone is not reported here.
    """
    try:
        check_form(asked["schema"], asked["kind"])
        check_choice(asked["options"], asked["kind"])
        check_default(asked["default"], asked["expires"])
    except ValueError:
        return  # that fault is reported beside the input itself
    try:
        kind, options = terms_of(asked)
        new_question(kind, subject, body=asked["body"], **options)
    except EngineError as error:
        raise ValueError(str(error)) from None


def terms_of(asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind of a question and its options; if there is a schema, the kind is "form"."""
    kind = "form" if asked["schema"] is not None else asked["kind"]
    return kind, dict(_options(kind, asked))


def _options(kind: str, asked: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if kind in {"form", "choice"}:
        name = "schema" if kind == "form" else "options"
        yield name, asked[name]
    if asked["due"]:
        yield "due", asked["due"]
    if asked["expires"]:
        yield "expires", asked["expires"]
        has_default = asked["default"] is not None
        yield ("default", asked["default"]) if has_default else ("on_timeout", "withdraw")


TOGETHER = ("body", "kind", "schema", "options", "due", "expires", "default")


@procedure(title="Ask people", subject="{subject}")
def ask(  # noqa: PLR0913, PLR0917 (the inputs of a start, by name)
    ctx: Context,
    subject: Annotated[
        str, Field(min_length=1, max_length=LONGEST_SUBJECT), Check(check_question, needs=TOGETHER)
    ],
    body: Annotated[str, Field(max_length=LONGEST_BODY)] = "",
    kind: Kind = "approval",
    schema: Annotated[
        dict[str, Any] | None, Check(check_schema), Check(check_form, needs=("kind",))
    ] = None,
    options: Annotated[
        dict[str, str] | list[str] | None, Check(check_choice, needs=("kind",))
    ] = None,
    to: Annotated[list[str], Field(max_length=MOST_ASKED), Answerers()] = [],  # noqa: B006 (copied)
    due: Annotated[str, Check(check_duration)] = "",
    expires: Annotated[str, Check(check_duration)] = "",
    default: Annotated[Any, Check(check_default, needs=("expires",))] = None,
    webhook: Annotated[str, Webhook()] = "",
) -> AskResult:
    """Ask people a question, and return their answer.

    A program starts this procedure with `POST /api/procedures/ask/runs`. `kind` is the kind of the
    question: approval (the answer is true or false), input (a text), choice (one of the `options`)
    or form (an object that fits the JSON Schema in `schema`). `to` holds the groups ("finance"),
    users ("@ann") and permissions ("perm:app.code") that are asked; by default, all groups that may
    answer are asked. `due` and `expires` are durations such as "4h". When `due` has passed, the
    question is overdue. When `expires` has passed, nobody can answer any more: the value is
    `default`, or null without a `default`. The outcome is reported to the `webhook`.
    """
    given = {"kind": kind, "schema": schema, "options": options, "due": due}
    chosen, more = terms_of({**given, "expires": expires, "default": default})
    answer = ctx.request(chosen, subject, name="ask", body=body, assign=to, **more)
    return AskResult(
        str(answer.outcome),
        answer.value,
        answer.responder,
        answer.comment,
        answer.at,
        answer.timed_out,
    )
