"""Standing decisions: answers that people let count for later questions as well."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.question_options import checked_names
from procedures.engine.values import canonical
from procedures.engine.values.numbers import is_writable
from procedures.engine.values.spelling import meant, short_repr
from procedures.engine.values.volatile import paths_of

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

FIELDS, AT_MOST = "fields", "at_most"
MOST_USES = 50
"""The largest number of later questions that one standing decision may answer."""
LONGEST_DAYS = 7
ABSENT: Any = object()
NOT_OFFERED = "This answer can't count for later requests."


@dataclass(frozen=True)
class Like:
    """A description of the later questions for which an answer to this question may count, too.

    A later question must be asked at the same step, by the same version of the procedure. It must
    have the same prompt, labels and descriptions, the same `risk` and `comment_required_on`, and
    the same names in its evidence.

    The evidence must have equal values at the names in `fields`. At the names in `at_most`, it must
    have numbers that exceed neither the author's limits nor the numbers in this question's
    evidence. Where such a number first occurs in the prompt or in a label, the later question may
    have its own number.
    """

    fields: Sequence[str] = ()
    """Names in the evidence, such as "customer" or "order.customer", whose values must be equal."""
    at_most: Mapping[str, Any] = field(default_factory=dict)
    """The author's limits for numbers in the evidence, by name, such as {"amount": 100}."""


def checked_like(prompt: str, value: object) -> dict[str, Any] | None:
    """Return the `Like` in `repeatable=` as plain JSON; raises `QuestionError` for other values."""
    if value is None:
        return None
    if not isinstance(value, Like):
        words = 'must be a Like, such as Like(fields=["customer"], at_most={"amount": 100})'
        raise QuestionError(f"{prompt!r}: repeatable= {words}, not {short_repr(value)}.")
    fields = checked_names(value.fields, "repeatable=Like(fields=)")
    at_most: object = value.at_most
    if not isinstance(at_most, Mapping):
        words = "must map names in the evidence to numbers"
        raise QuestionError(f"{prompt!r}: at_most= {words}, not {short_repr(at_most)}.")
    limits = {name: _checked_limit(prompt, name, one) for name, one in at_most.items()}
    if not fields and not limits:
        words = 'names nothing in the evidence. Write for example Like(fields=["customer"])'
        raise QuestionError(f"{prompt!r}: repeatable=Like() {words}.")
    return {FIELDS: list(fields), AT_MOST: limits}


def _checked_limit(prompt: str, name: object, value: Any) -> str:
    if not isinstance(name, str) or (limit := number_in(value)) is None:
        words = f"at_most= must map names to numbers, not {short_repr(name)} to {short_repr(value)}"
        raise QuestionError(f"{prompt!r}: {words}.")
    return str(limit)


def faults_of(question: "Question") -> Iterator[str]:
    """Yield a sentence for each reason why the question can't have the option `repeatable`."""
    if not (like := question.repeatable):
        return
    yield from _unknown_names(question, like)
    if question.irreversible:
        yield "repeatable= can't be used with irreversible=True: each answer is decided separately."
    if question.quorum > 1:
        yield "repeatable= can't be used with quorum=: people vote on each question separately."
    if not question.rules.takes_votes(question):
        yield "repeatable= needs an approval, or a choice of one option."
    for name in like[AT_MOST]:
        if number_in(value_at(question.evidence, name)) is None:
            yield f"at_most= names {name!r}, which isn't a number in the evidence."


def _unknown_names(question: "Question", like: Mapping[str, Any]) -> Iterator[str]:
    known = {*paths_of(question.evidence)}
    for name in (*like[FIELDS], *like[AT_MOST]):
        if name not in known or value_at(question.evidence, name) is ABSENT:
            yield f"repeatable= names {name!r}, which the evidence lacks.{meant(name, known)}"
        elif name in question.volatile:
            yield f"repeatable= names {name!r}, which is volatile."


def value_at(evidence: Any, path: str) -> Any:
    """Return the value at a path such as "order.customer" in nested dicts, or `ABSENT`."""
    for name in path.split("."):
        if not isinstance(evidence, Mapping) or name not in evidence:
            return ABSENT
        evidence = evidence[name]
    return evidence


def number_in(value: Any) -> Decimal | None:
    """Return a number, or the number that a string contains, as a decimal; else None.

    The result is also None for a number with too many digits to be written without an exponent.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if is_writable(number) else None


def step_of(key: str) -> str:
    """Return the name of the step to which a wait belongs, from the key of the wait.

    For the key "each/approve#2", this is "approve".
    """
    return key.rpartition("/")[2].partition("#")[0]


def likeness(question: "Question") -> str:
    """Return a digest that is equal for two questions if an answer to one may count for the other.

    The digest is made of all that must be the same, as `Like` says. The limits in `is_within` are
    checked separately, because the numbers in the evidence may differ.
    """
    like = question.repeatable or {FIELDS: [], AT_MOST: {}}
    same = [[name, _plain(value_at(question.evidence, name))] for name in like[FIELDS]]
    names: Set[str] = {*paths_of(question.evidence)}
    numbers = [value_at(question.evidence, name) for name in sorted(like[AT_MOST])]
    words = [
        _without(numbers, question.prompt),
        {value: _without(numbers, label) for value, label in question.labels.items()},
        {value: _without(numbers, text) for value, text in question.descriptions.items()},
    ]
    schema = question.rules.alike_schema(question)
    conditions = [question.risk, sorted(question.comment_required_on)]
    alike = [question.kind, like, same, sorted(names), schema, words, conditions]
    return canonical.digest(canonical.text_of(alike))


def _without(numbers: Sequence[Any], text: str) -> str:
    """Return the text with a placeholder in place of each number's first occurrence."""
    for value in numbers:
        if (number := number_in(value)) is not None:
            written = {str(value), f"{number:f}", f"{number:,f}", f"{number:.2f}", f"{number:,.2f}"}
            either = "|".join(sorted(map(re.escape, written), key=len, reverse=True))
            # Replace only the first occurrence: the same digits elsewhere may be an order or an
            # account.
            text = re.sub(rf"(?<![\w.,])(?:{either})(?!\w|[.,]\d)", "{}", text, count=1)
    return text


def limits_of(question: "Question") -> dict[str, str]:
    """Return the numbers in the evidence that later questions must not exceed, by name."""
    numbers = question.repeatable[AT_MOST] if question.repeatable else {}
    return {name: str(number_in(value_at(question.evidence, name))) for name in numbers}


def is_within(question: "Question", limits: Mapping[str, str]) -> bool:
    """Return True if the numbers in the question's evidence exceed no limit.

    The limits are `limits`, by name, which an earlier question set, and those of the author.
    """
    capped = question.repeatable[AT_MOST] if question.repeatable else {}
    if capped.keys() != limits.keys():
        return False
    numbers = {name: number_in(value_at(question.evidence, name)) for name in capped}
    return all(
        number is not None and number <= min(Decimal(limits[name]), Decimal(capped[name]))
        for name, number in numbers.items()
    )


def is_offered(question: "Question") -> bool:
    """Return True if people may let an answer to this question count for later questions, too."""
    return bool(question.repeatable) and is_within(question, limits_of(question))


def alike_words(question: "Question") -> list[tuple[str, str]]:
    """Return what a later question must have in common with this one, as pairs of text.

    A pair is a name in the evidence and a value, such as ("customer", "Ben"), or a name and the
    limit of a number, such as ("amount", "≤ 31.20").
    """
    if not (like := question.repeatable):
        return []
    same = [(name, _text(value_at(question.evidence, name))) for name in like[FIELDS]]
    return [*same, *((name, f"≤ {limit}") for name, limit in limits_of(question).items())]


def _plain(value: Any) -> Any:
    return None if value is ABSENT else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical.text_of(_plain(value))
