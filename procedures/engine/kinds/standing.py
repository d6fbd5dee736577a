"""Standing decisions: answers that people let count for later questions, too."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.question_options import checked_names
from procedures.engine.values import canonical
from procedures.engine.values.spelling import meant, short_repr
from procedures.engine.values.volatile import paths_of

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

FIELDS, AT_MOST = "fields", "at_most"
MOST_USES = 50
"""The largest number of later questions that one standing decision answers."""
LONGEST_DAYS = 7
ABSENT: Any = object()
NOT_OFFERED = "This answer can't count for later requests."


@dataclass(frozen=True)
class Like:
    """The later questions for which people may decide in advance, with the answer to this question.

    The same version of the procedure asks them at the same step, with the same prompt, options and
    conditions. Their evidence has the same names, and equal values at `fields`. Their numbers at
    the names in `at_most` exceed neither the numbers that people were shown nor the author's
    limits. In the prompt and in each label, these numbers may differ where they first occur.
    """

    fields: Sequence[str] = ()
    """Names in the evidence, such as "customer" or "order.customer"."""
    at_most: Mapping[str, Any] = field(default_factory=dict)
    """The author's limits on numbers in the evidence, by name."""


def checked_like(prompt: str, value: object) -> dict[str, Any] | None:
    """Return `repeatable=` as plain JSON; raises `QuestionError` for anything but a `Like`."""
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
        raise QuestionError(f"{prompt!r}: repeatable=Like() names nothing in the evidence.")
    return {FIELDS: list(fields), AT_MOST: limits}


def _checked_limit(prompt: str, name: object, value: Any) -> str:
    if not isinstance(name, str) or (limit := number_in(value)) is None:
        words = f"at_most= must map names to numbers, not {short_repr(name)} to {short_repr(value)}"
        raise QuestionError(f"{prompt!r}: {words}.")
    return str(limit)


def faults_of(question: "Question") -> Iterator[str]:
    """Yield a sentence for each reason why people can't decide about later questions."""
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
    """Return the value at a dotted path in nested dicts, or `ABSENT`."""
    for name in path.split("."):
        if not isinstance(evidence, Mapping) or name not in evidence:
            return ABSENT
        evidence = evidence[name]
    return evidence


def number_in(value: Any) -> Decimal | None:
    """Return a number, or a string with a number, as a finite decimal; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def step_of(key: str) -> str:
    """Return the name of the step in a wait's key, without the number of its repetition."""
    return key.rpartition("/")[2].partition("#")[0]


def likeness(question: "Question") -> str:
    """Return a digest that two questions share if an answer to one may count for the other.

    It covers everything that gives an answer its meaning: the prompt, the options with their labels
    and descriptions, and the conditions. The body, other evidence and the numbers may differ.
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
    """Return the text with a placeholder for the first occurrence of each number."""
    for value in numbers:
        if (number := number_in(value)) is not None:
            written = {str(value), f"{number:f}", f"{number:,f}", f"{number:.2f}", f"{number:,.2f}"}
            either = "|".join(sorted(map(re.escape, written), key=len, reverse=True))
            # Replace only the first occurrence: the same digits elsewhere may be an order or an
            # account.
            text = re.sub(rf"(?<![\w.,])(?:{either})(?!\w|[.,]\d)", "{}", text, count=1)
    return text


def limits_of(question: "Question") -> dict[str, str]:
    """Return the upper limits for numbers in the evidence of later questions, by name."""
    numbers = question.repeatable[AT_MOST] if question.repeatable else {}
    return {name: str(number_in(value_at(question.evidence, name))) for name in numbers}


def is_within(question: "Question", limits: Mapping[str, str]) -> bool:
    """Return True if no number in the evidence exceeds these limits, or the author's limits."""
    capped = question.repeatable[AT_MOST] if question.repeatable else {}
    if capped.keys() != limits.keys():
        return False
    numbers = {name: number_in(value_at(question.evidence, name)) for name in capped}
    return all(
        number is not None and number <= min(Decimal(limits[name]), Decimal(capped[name]))
        for name, number in numbers.items()
    )


def is_offered(question: "Question") -> bool:
    """Return True if people may decide about later questions with the answer to this one."""
    return bool(question.repeatable) and is_within(question, limits_of(question))


def alike_words(question: "Question") -> list[tuple[str, str]]:
    """Return the terms that a later question must match.

    They are names with their values or, for numbers, with "≤" and a limit.
    """
    if not (like := question.repeatable):
        return []
    same = [(name, _text(value_at(question.evidence, name))) for name in like[FIELDS]]
    return [*same, *((name, f"≤ {limit}") for name, limit in limits_of(question).items())]


def _plain(value: Any) -> Any:
    return None if value is ABSENT else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical.text_of(_plain(value))
