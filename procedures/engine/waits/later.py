"""Asking people: each verb opens a question and gives a handle."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Unpack, overload

from procedures.engine.kinds import questions
from procedures.engine.kinds.questions import Question, RequestOptions, Response
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.values.options import with_options
from procedures.engine.waits.handles import Handle, ask

T = TypeVar("T")


class Later:
    """Questions that are asked without waiting: `handle.wait()`, or `ctx.wait_any(...)`, does."""

    def __init__(self, fiber: Fiber) -> None:
        self._fiber = fiber

    @with_options("ctx.later.approve", RequestOptions)
    def approve(
        self, prompt: str, *, yes: str = "", no: str = "", **asking: Unpack[RequestOptions]
    ) -> Handle[Response[bool]]:
        """Ask for a yes or no, in the author's words for the two buttons."""
        return self._ask("approve", asking, questions.approval(prompt, yes=yes, no=no, **asking))

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
        """Ask for a value: a text, int, Decimal, bool or date, also `Annotated` with limits."""
        question = questions.text_input(prompt, hint, **asking)
        return self._ask("ask", asking, question, hint)

    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[False] = ...,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[str]]: ...
    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[True],
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[list[str]]]: ...
    @with_options("ctx.later.choose", RequestOptions)
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: bool = False,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[Any]]:
        """Ask for one of the options, or with `many` for one or more of them."""
        return self._ask("choose", asking, questions.choice(prompt, options, many=many, **asking))

    @with_options("ctx.later.review", RequestOptions)
    def review(
        self,
        prompt: str,
        draft: Any,
        *,
        decisions: Mapping[str, str] | None = None,
        **asking: Unpack[RequestOptions],
    ) -> Handle[Response[Any]]:
        """Show a draft, a text or data, which people may edit, and ask for a decision.

        The value is the draft as it was edited, `decision` what was decided. `decisions`: names
        with the words on their buttons, the first of which approves; without them, "approved" or
        "rejected", whose value is "" (None for data).
        """
        question = questions.review(prompt, draft, decisions=decisions, **asking)
        return self._ask("review", asking, question)

    @with_options("ctx.later.form", RequestOptions)
    def form(
        self, prompt: str, model: type[T], **asking: Unpack[RequestOptions]
    ) -> Handle[Response[T]]:
        """Ask several things at once: the fields of a model, a dataclass or a TypedDict."""
        return self._ask("form", asking, questions.form(prompt, model, **asking), model)

    @with_options("ctx.later.escalate", RequestOptions)
    def escalate(self, prompt: str, **asking: Unpack[RequestOptions]) -> Handle[Response[str]]:
        """Tell the operators of a problem; the answer's value is what they did about it."""
        return self._ask("escalate", asking, questions.escalation(prompt, **asking))

    def again(self, question: Question) -> Handle[Response[Any]]:
        """Ask the same with other evidence."""
        return ask(self._fiber, self._fiber.scope.key_for(question.kind), question)

    def _ask(
        self, verb: str, asking: RequestOptions, question: Question, hint: Any = Any
    ) -> Handle[Response[Any]]:
        self._fiber.check_usable()
        key = self._fiber.scope.key_for(checked_name(asking.get("name") or verb))
        return ask(self._fiber, key, question, hint)
