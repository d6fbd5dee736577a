"""Kinds of requests of a site's own: a delivery rated by up to ten stars."""

from typing import Any

from procedures.engine import Context, procedure
from procedures.engine.errors import QuestionError
from procedures.engine.kinds import (
    Buttons,
    Control,
    Kind,
    NoReplyError,
    Outcome,
    Terms,
    TypedAnswer,
)
from procedures.engine.kinds.questions import Question


class Rating(Kind):
    """A question for one star or more."""

    name = "delivery_rating"

    def ask(self, prompt: str, *, most: int = 5) -> Terms:
        if most not in range(2, 11):
            raise QuestionError(f"{prompt!r}: most= is 2 to 10 stars, not {most!r}.")
        words = {str(number): f"{number} stars" for number in range(1, most + 1)} | {"1": "1 star"}
        schema = {"type": "integer", "minimum": 1, "maximum": most}
        return Terms(schema, labels=words, type=int)

    def read_words(self, question: Question, text: str) -> TypedAnswer:
        stars = text.count("★") or next((int(one) for one in text.split() if one.isdigit()), 0)
        if not stars:
            raise NoReplyError("Say a number of stars.")
        return TypedAnswer(stars, is_literal=True)

    def typing_hint(self, question: Question) -> str:
        return "a number of stars"

    def result_words(self, question: Question, outcome: str, value: Any) -> str:
        return "Rated" if outcome == Outcome.ANSWERED else ""

    def controls(self, question: Question) -> list[Control]:
        return [self.button(question)]

    def button(self, question: Question) -> Buttons:
        values = [(int(one), words) for one, words in question.labels.items()]
        return Buttons(values=values, has_main=False)


class Stars(Buttons):
    """Buttons that look like stars: `chat/answers/stars.html`."""

    name = "stars"


class StarRating(Rating):
    """A rating with a control of its own."""

    name = "delivery_stars"

    def button(self, question: Question) -> Buttons:
        return Stars(values=[(int(one), "★" * int(one)) for one in question.labels])


@procedure(roles={"start": "support", "answer": "finance"})
def rated(ctx: Context, kind: str = "delivery_rating", most: int = 5) -> list[Any]:
    said = ctx.request(kind, "How was the delivery?", most=most, evidence={"order": "A-7"})
    return [said.value, bool(said), said.responder, said.outcome]
