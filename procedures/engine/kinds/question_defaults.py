"""The default of a question, checked where it is asked."""

from typing import TYPE_CHECKING, Any

from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds import drafts
from procedures.engine.values import schemas
from procedures.engine.values.answers import check_answer

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question


def checked_default(question: "Question") -> Any:
    """A default is of the type that is asked; rules that bind people do not bind its author.

    None is allowed to say "nothing". Of a form, the model is the type.
    """
    default = question.default
    if default is None:
        return None
    if question.kind == "review":
        return _default_of_review(question, default)
    try:
        if question.kind == "form":
            return question.check(default)
        return check_answer(default, schemas.without_rules(question.schema))
    except AnswerError as error:
        raise QuestionError(f"{question.prompt!r}: the default is no answer: {error}") from None


def _default_of_review(question: "Question", default: Any) -> dict[str, Any]:
    """Kept as it is written; the decision may be one that people do not have."""
    if not isinstance(default, dict) or not isinstance(default.get("decision"), str):
        raise QuestionError(
            f"{question.prompt!r}: the default of a review is a set of named values, "
            f'as in {{"decision": "{next(iter(question.decisions))}"}}, not {default!r:.100}.'
        )
    text = default.get("text")
    return default if text is None else {**default, "text": drafts.text_of(text)}
