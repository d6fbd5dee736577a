"""The options of a question that decide who may answer it, how many must agree, and by when.

Other options here decide what follows an answer: `undo`, for example, lets people undo the answer.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Literal, get_args

from procedures.engine.errors import OptionError, QuestionError
from procedures.engine.kinds import standing
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.question_options import checked_flag, checked_names
from procedures.engine.kinds.responses import AskedBack, earlier_questions
from procedures.engine.kinds.standing import checked_like
from procedures.engine.values.durations import duration_words, parse_duration
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

Risk = Literal["high", "normal", "low"]
RISKS: tuple[Risk, ...] = get_args(Risk)
"""The values of `risk`, from the highest to the lowest; lists show requests in this order."""
Escalation = tuple[float, tuple[str, ...]]
NAMES = (
    *("due", "remind", "remind_every", "escalate", "four_eyes", "quorum", "veto", "undo"),
    *("comment_required_on", "risk", "ask_back", "follows", "repeatable"),
)
"""The fields of a `Question` that this module's options set.

The stored question leaves out each of these fields that has its default value.
"""
MARKS = (
    *("four_eyes", "quorum", "veto", "comment_required_on", "risk", "ask_back", "follows"),
    "repeatable",
)
"""The options in `NAMES` that change what an answer means.

If the code gives one of these options another value on a replay, people are asked again. The other
options only say when something happens, such as a reminder.
"""
USUAL = (False, 1, (), "normal", False, (), None)
MOST_MOMENTS = 20
"""The largest number of durations in the list `remind=`, and of pairs in the list `escalate=`."""
SHORTEST_PAUSE = 60
"""The smallest number of seconds between two reminders that are repeated with `remind_every`."""
LONGEST_UNDO = 24 * 3600
LARGEST_QUORUM = 100


def marks(question: "Question") -> tuple[Any, ...]:
    """Return the values of the options in `MARKS` and of `irreversible`, for the question's digest.

    An option with its default value is left out, so the result is () if all options have theirs.
    """
    final = ("irreversible",) if question.irreversible else ()
    # Be quick for questions that use none of these options, because a replay computes many digests.
    agreed = (question.four_eyes, question.quorum, question.comment_required_on, question.risk)
    if (*agreed, question.ask_back, question.follows, question.repeatable) == USUAL:
        return final
    used = [
        (name, _as_list(value))
        for name in MARKS
        if (value := getattr(question, name)) != getattr(type(question), name)
    ]
    return (*final, used)


def checked(prompt: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the `Question` fields that the given options set.

    `options` holds the author's values by the names of the options. Raises `QuestionError` for an
    invalid value; the message names the option.
    """
    found = dict(options)
    fields: dict[str, Any] = {}
    for name in ("due", "undo"):
        if (value := found.pop(name, None)) is not None:
            fields[name] = _seconds(prompt, name, value)
    if (value := found.pop("remind", None)) is not None:
        fields |= _reminders(prompt, value)
    if (value := found.pop("escalate", None)) is not None:
        fields["escalate"] = tuple(_escalations(prompt, value))
    for name in ("four_eyes", "veto", "ask_back"):
        fields[name] = checked_flag(f"{name}=", found.pop(name, False))
    fields["quorum"] = _quorum(prompt, found.pop("quorum", 1))
    required = found.pop("comment_required_on", ())
    fields["comment_required_on"] = tuple(sorted(checked_names(required, "comment_required_on=")))
    fields["risk"] = _risk(prompt, found.pop("risk", "normal"))
    fields["repeatable"] = checked_like(prompt, found.pop("repeatable", None))
    fields["follows"] = earlier_questions(prompt, found.pop("follows", None))
    return fields


def check_together(question: "Question") -> None:
    """Raise `QuestionError` if two of the question's options exclude each other.

    Also raise it for an option that the question's kind doesn't support.
    """
    for fault in _faults(question):
        raise QuestionError(f"{question.prompt!r}: {fault}")


def _faults(question: "Question") -> Iterator[str]:
    if question.undo and question.irreversible:
        yield "undo= can't be used with irreversible=True: such an answer can't be undone."
    if question.undo and question.undo > LONGEST_UNDO:
        yield "undo= can be at most a day, because the run waits until the answer is final."
    if question.quorum > 1 and not question.rules.takes_votes(question):
        yield "quorum= needs an approval, or a choice of one option."
    if question.veto and question.quorum == 1:
        yield "veto= needs quorum= of at least 2."
    if question.veto and not question.rules.approves:
        yield "veto= needs an approval, because nothing else can be rejected."
    if question.ask_back and Outcome.CHANGES_REQUESTED in question.decisions:
        yield "ask_back= can't be used with a decision that is named “changes_requested”."
    yield from standing.faults_of(question)
    yield from _unknown_decisions(question)
    yield from _late(question)


def _unknown_decisions(question: "Question") -> Iterator[str]:
    known = question.decisions
    for name in question.comment_required_on:
        if name not in known:
            words = (
                f"The decisions are {', '.join(known)}."
                if known
                else "The question has no decisions."
            )
            yield f"comment_required_on= names {short_repr(name)}. {words}"


def _late(question: "Question") -> Iterator[str]:
    """Yield a sentence for each option that has no effect because the question expires first."""
    if question.expires is None:
        return
    if question.due is not None and question.due > question.expires:
        yield "due= is later than expires=."
    if any(at >= question.expires for at in (*question.remind, question.remind_every or 0)):
        yield "remind= isn't shorter than expires=, so nobody would be reminded."
    if any(at >= question.expires for at, _ in question.escalate):
        yield "escalate= isn't shorter than expires=, so nobody else would be asked."


def _seconds(prompt: str, name: str, value: Any) -> float:
    try:
        return parse_duration(value, of=f"{name}=").total_seconds()
    except OptionError as error:
        raise QuestionError(f"{prompt!r}: {error}") from None


def _reminders(prompt: str, value: Any) -> dict[str, Any]:
    """Return the `Question` fields that the option `remind=` sets.

    One duration sets `remind_every`: the reminder is repeated at that interval. A list of durations
    sets `remind`: people are reminded once after each of these durations.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        every = _seconds(prompt, "remind", value)
        if every < SHORTEST_PAUSE:
            words = f"must be at least a minute, not {short_repr(value)}"
            raise QuestionError(f"{prompt!r}: remind= {words}.")
        return {"remind_every": every}
    moments = [_seconds(prompt, "remind", one) for one in value]
    _check_moments(prompt, "remind", moments)
    return {"remind": tuple(moments)}


def _escalations(prompt: str, value: Any) -> Iterator[Escalation]:
    words = 'must be a list of pairs such as ("4h", "managers")'
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise QuestionError(f"{prompt!r}: escalate= {words}, not {short_repr(value)}.")
    moments: list[float] = []
    for pair in value:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:  # noqa: PLR2004
            raise QuestionError(f"{prompt!r}: escalate= {words}, not {short_repr(pair)}.")
        after, whom = pair
        names = checked_names(whom, "escalate=")
        if not names:
            raise QuestionError(f"{prompt!r}: escalate= names nobody for {short_repr(after)}.")
        moments.append(_seconds(prompt, "escalate", after))
        yield moments[-1], names
    _check_moments(prompt, "escalate", moments)


def _check_moments(prompt: str, name: str, moments: Sequence[float]) -> None:
    if not 1 <= len(moments) <= MOST_MOMENTS:
        words = f"must be a list of 1 to {MOST_MOMENTS} durations, not of {len(moments)}"
        raise QuestionError(f"{prompt!r}: {name}= {words}.")
    if sorted(set(moments)) != list(moments):
        raise QuestionError(
            f"{prompt!r}: the durations in {name}= must all be different and be listed from "
            "shortest to longest."
        )


def _quorum(prompt: str, value: Any) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    if not is_count or not 1 <= value <= LARGEST_QUORUM:
        words = f"must be a whole number from 1 to {LARGEST_QUORUM}, not {short_repr(value)}."
        raise QuestionError(f"{prompt!r}: quorum= {words}")
    return int(value)


def _risk(prompt: str, value: Any) -> str:
    if value not in RISKS:
        words = f'risk= must be "low", "normal" or "high", not {short_repr(value)}.'
        raise QuestionError(f"{prompt!r}: {words}")
    return str(value)


# The stored form


def as_lists(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Question` in the form that is stored as JSON: tuples become lists."""
    return {name: _as_list(one) if name in NAMES else one for name, one in plain.items()}


def as_tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored fields of a `Question` as its class has them: lists become tuples."""
    found = {name: _as_tuple(one) if name in NAMES else one for name, one in plain.items()}
    if "follows" in found:
        found["follows"] = tuple(AskedBack(*one) for one in found["follows"])
    return found


def _as_list(value: Any) -> Any:
    return [_as_list(one) for one in value] if isinstance(value, tuple | list | Set) else value


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(one) for one in value) if isinstance(value, list) else value


# Sentences


def escalation_words(escalations: Sequence[Escalation]) -> list[str]:
    """Return a sentence about each escalation, which says who else is asked and after how long."""
    return [
        f"If nobody answers within {duration_words(after)}, {_listed(names)} will be asked too."
        for after, names in escalations
    ]


def sentences(question: "Question") -> list[str]:
    """Return sentences about the question's conditions, such as "2 people must agree".

    Each condition that the question sets has a sentence: who may answer, how many people must
    agree, when a comment is needed, and whether people can send it back or undo an answer.
    """
    found: list[str] = []
    if question.quorum > 1:
        found.append(f"{question.quorum} people must agree.")
    if question.veto:
        found.append("One rejection is enough to reject the request.")
    if question.four_eyes:
        found.append(
            "Whoever started, restarted or forked this run, or changed its inputs, can't answer, "
            "nor can their deputies."
        )
    if question.comment_required_on:
        words = [f"“{question.decisions[name]}”" for name in question.comment_required_on]
        verb = "needs" if len(words) == 1 else "need"
        found.append(f"{_listed(words)} {verb} a comment.")
    if question.ask_back:
        found.append(
            "Instead of answering, you can send it back: write what is missing or should change."
        )
    if question.undo:
        found.append(f"An answer can be undone for {duration_words(question.undo)}.")
    return found


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
