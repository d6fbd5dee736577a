"""A run's open waits in words: waits for people, time, signals and other runs.

A set of waits ends when enough of its parts have ended, such as one of two questions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.overview.words import (
    Sentence,
    asked,
    code,
    list_and,
    list_or,
    listed,
    paragraph,
    sentence,
    shortened,
    strong,
)
from procedures.engine.kinds.questions import Question
from procedures.engine.lifecycle.inbox import MESSAGE

LONGEST_PROMPT, SHORT_PROMPT = 160, 60
"""The maximum length of a prompt in a sentence about one wait, and in one about several waits."""
MOST_NAMED = 6


@dataclass(frozen=True)
class Progress:
    """The progress of an open set of waits: how many parts have ended, and how many must end."""

    done: int
    needed: int
    people: Sequence[str] = ()
    """The names of the people who have answered questions of the set."""

    @property
    def left(self) -> int:
        return self.needed - self.done


@dataclass(frozen=True)
class OpenWait:
    """An open wait: the content of its opening event, when it was opened, and when it ends."""

    opened: Mapping[str, Any]
    at: datetime | None = None
    due_at: datetime | None = None
    part_of: int | None = None
    """The id of the open set of waits to which this wait belongs, or None."""
    progress: Progress = Progress(0, 0)
    """The progress of the set to which this wait belongs."""
    votes: Sequence[str] = ()
    """The names of the people who have voted on the question."""
    answered_by: str = ""
    """The name of the person who has answered and can still undo the answer; "" if nobody can."""
    effective_at: datetime | None = None
    """The time until which the person `answered_by` can undo the answer."""

    @property
    def is_question(self) -> bool:
        return "prompt" in self.opened

    @cached_property
    def question(self) -> Question | None:
        return Question.from_json(self.opened) if self.is_question else None

    @property
    def is_unassigned(self) -> bool:
        """True for a question without assignees.

        All who may answer the run's requests are asked.
        """
        return "prompt" in self.opened and not self.opened.get("assign")

    @property
    def need(self) -> int:
        """The number of parts of the set that must still end."""
        return self.progress.left

    @property
    def is_timer(self) -> bool:
        return self.opened.get("wait") == "timer"


def describe_waits(
    openings: Sequence[OpenWait], since: datetime, answerers: Sequence[str]
) -> Sentence:
    """Return sentences about the waits: for what and since when, and what happens at their end."""
    if not openings:
        return sentence(_("Waiting since {since}."), since=since)
    if len(openings) == 1:
        return paragraph(_one(openings[0], since, answerers), *_so_far(openings))
    groups: dict[int | None, list[OpenWait]] = {}
    for one in openings[:MOST_NAMED]:
        groups.setdefault(one.part_of, []).append(one)
    parts = [_group(group, answerers) for group in groups.values()]
    if (left := len(openings) - MOST_NAMED) > 0:
        parts.append(sentence(ngettext("{count} more", "{count} more", left), count=left))
    count = len(openings)
    all_waits = ngettext(
        "Waiting for {count} thing since {since}: {waits}.",
        "Waiting for {count} things since {since}: {waits}.",
        count,
    )
    words = sentence(all_waits, count=count, since=since, waits=list_and(parts))
    return paragraph(words, *_so_far(openings), *_fates(openings))


def counts_of(openings: Sequence[OpenWait]) -> tuple[int, int] | None:
    """Return how many votes or parts there are so far, and how many are needed.

    Return None unless the waits are one question with votes, or belong to one set.
    """
    first = openings[0]
    if first.part_of is None:
        question = first.question if len(openings) == 1 else None
        is_voted_on = question is not None and question.quorum > 1
        return (len(first.votes), question.quorum) if question and is_voted_on else None
    is_one_set = {one.part_of for one in openings} == {first.part_of}
    found = first.progress
    return (found.done, found.needed) if is_one_set and found.needed > 1 else None


def people_of(openings: Iterable[OpenWait], answerers: Sequence[str]) -> str:
    """Return the assignees of the questions among these waits in words; "" if nobody is asked."""
    questions = [one.question for one in openings if not one.answered_by]
    found = dict.fromkeys(asked(one.assign, answerers) for one in questions if one)
    return listed(list(found)[:3])


def _one(opening: OpenWait, since: datetime, answerers: Sequence[str]) -> Sentence:
    if opening.answered_by:
        return _held(opening, LONGEST_PROMPT)
    if question := opening.question:
        words = sentence(
            _("Waiting for {people} to answer {prompt} since {since}."),
            people=asked(question.assign, answerers),
            prompt=strong(shortened(question.prompt, LONGEST_PROMPT)),
            since=since,
        )
        return paragraph(words, _votes(opening, question), _silence(question, opening.due_at))
    why = _reason(opening, LONGEST_PROMPT).rstrip(".")
    if (awaited := _awaited(opening, since)) is None:
        return _pause(since, opening.due_at, why)
    return paragraph(
        awaited,
        sentence(_("Reason: {reason}."), reason=why) if why else None,
        _until(opening.due_at),
    )


def _votes(opening: OpenWait, question: Question) -> Sentence | None:
    """Return a sentence about the votes on a question; None if one person's answer is enough."""
    if question.quorum == 1:
        return None
    if not opening.votes:
        words = _("{needed} people must agree. Nobody has voted yet.")
        return sentence(words, needed=question.quorum)
    return sentence(
        _("{count} of {needed} votes so far, from {people}."),
        count=len(opening.votes),
        needed=question.quorum,
        people=listed(opening.votes),
    )


def _so_far(openings: Sequence[OpenWait]) -> list[Sentence]:
    """Return a sentence for each set of waits in which at least one wait has closed."""
    sets = {one.part_of: one.progress for one in openings if one.part_of}
    return [_come(one) for one in sets.values() if one.done]


def _come(progress: Progress) -> Sentence:
    words = _("Arrived so far: {done} of {needed}.")
    if progress.people:
        words = _("Arrived so far: {done} of {needed}. {people} answered.")
    people = listed(list(dict.fromkeys(progress.people)))
    return sentence(words, done=progress.done, needed=progress.needed, people=people)


def _held(opening: OpenWait, most: int) -> Sentence:
    """Return a sentence about an answer that can still be undone."""
    return sentence(
        _("{name} has answered {prompt}, and can undo it until {at}."),
        name=opening.answered_by,
        prompt=strong(shortened(opening.opened["prompt"], most)),
        at=opening.effective_at or "",
    )


def _until(due: datetime | None) -> Sentence | None:
    return sentence(_("The run waits until {due}."), due=due) if due else None


def _pause(since: datetime, due: datetime | None, why: str) -> Sentence:
    """Return sentences about a timer: since when the run waits, and when it continues."""
    words = sentence(_("Waiting since {since}."), since=since)
    if due is None:
        return words
    then = _("The run continues at {due}: {reason}.") if why else _("The run continues at {due}.")
    return paragraph(words, sentence(then, due=due, reason=why))


def _awaited(opening: OpenWait, since: datetime) -> Sentence | None:
    """Return a sentence about a wait for a signal or another run; None for other waits."""
    opened = opening.opened
    match opened.get("wait"):
        case "signal" if opened["signal"] == MESSAGE:
            words = _("Waiting for a reply to {text} since {since}.")
            text = strong(shortened(opened["text"], LONGEST_PROMPT))
            return sentence(words, text=text, since=since)
        case "signal":
            words = _("Waiting for the signal {signal} since {since}.")
            return sentence(words, signal=code(opened["signal"]), since=since)
        case "child":
            words = _("Waiting for a run of {procedure} since {since}.")
            return sentence(words, procedure=code(opened["procedure"]), since=since)
        case "map":
            count = opened["count"]
            words = ngettext(
                "Waiting for {count} run of {procedure} since {since}.",
                "Waiting for {count} runs of {procedure} since {since}.",
                count,
            )
            return sentence(words, count=count, procedure=code(opened["procedure"]), since=since)
    return None


def _named(opening: OpenWait, answerers: Sequence[str]) -> Sentence:
    """Return a phrase about one wait, for a sentence that lists several waits."""
    if opening.answered_by:
        return sentence(
            _("{prompt}, answered by {name} (can be undone until {at})"),
            prompt=strong(shortened(opening.opened["prompt"], SHORT_PROMPT)),
            name=opening.answered_by,
            at=opening.effective_at or "",
        )
    if question := opening.question:
        prompt = strong(shortened(question.prompt, SHORT_PROMPT))
        people = asked(question.assign, answerers)
        words = sentence(_("{people} to answer {prompt}"), prompt=prompt, people=people)
        if question.quorum > 1:
            words = sentence(
                _("{wait} ({count} of {needed} votes so far)"),
                wait=words,
                count=len(opening.votes),
                needed=question.quorum,
            )
        return _named_with_fate(words, question, opening.due_at)
    why = _reason(opening, SHORT_PROMPT)
    if opening.is_timer and opening.due_at:
        words = sentence(_("a timer that ends at {due}"), due=opening.due_at)
    else:
        words = _other(opening)
        if opening.due_at:
            words = sentence(_("{wait} (until {due})"), wait=words, due=opening.due_at)
    return sentence(_("{wait} (“{reason}”)"), wait=words, reason=why) if why else words


def _named_with_fate(wait: Sentence, question: Question, due: datetime | None) -> Sentence:
    if due is None or question.on_timeout is None:
        return wait
    if question.on_timeout == "fail":
        end = _("{wait} (if unanswered by {due}, the run fails)")
        return sentence(end, wait=wait, due=due)
    if question.on_timeout == "withdraw" or question.default is None:
        end = _("{wait} (if unanswered by {due}, the run continues without an answer)")
        return sentence(end, wait=wait, due=due)
    return sentence(
        _("{wait} (if unanswered by {due}, it counts as “{answer}”)"),
        wait=wait,
        due=due,
        answer=strong(_default(question)),
    )


def _reason(opening: OpenWait, most: int) -> str:
    """Return the reason that the author gave for a timer or a signal, or ""."""
    return shortened(opening.opened.get("reason", ""), most)


def _other(opening: OpenWait) -> Sentence:
    """Return a phrase about a wait for a signal or another run, for a list of waits."""
    opened = opening.opened
    match opened.get("wait"):
        case "signal" if opened["signal"] == MESSAGE:
            text = strong(shortened(opened["text"], SHORT_PROMPT))
            return sentence(_("a reply to {text}"), text=text)
        case "signal":
            return sentence(_("the signal {signal}"), signal=code(opened["signal"]))
        case "child":
            return sentence(_("a run of {procedure}"), procedure=code(opened["procedure"]))
        case "map":
            count = opened["count"]
            words = ngettext("{count} run of {procedure}", "{count} runs of {procedure}", count)
            return sentence(words, count=count, procedure=code(opened["procedure"]))
    return sentence(_("something else"))


def _silence(question: Question, due: datetime | None) -> Sentence:
    """Return a sentence about what happens if nobody answers the question by its deadline."""
    if due is None or question.on_timeout is None:
        return sentence(_("The question has no deadline."))
    if question.on_timeout == "fail":
        return sentence(_("If nobody answers by {due}, the run fails."), due=due)
    if question.on_timeout == "withdraw" or question.default is None:
        words = _("If nobody answers by {due}, the run continues without an answer.")
        return sentence(words, due=due)
    words = _("If nobody answers by {due}, that counts as “{answer}”.")
    return sentence(words, due=due, answer=strong(_default(question)))


def _default(question: Question) -> str:
    return shortened(question.label_of(question.default), SHORT_PROMPT)


def _group(group: Sequence[OpenWait], answerers: Sequence[str]) -> Sentence:
    is_choice = group[0].part_of is not None and group[0].need < len(group)
    items = [_named(one, answerers) for one in group]
    return list_or(items) if is_choice else list_and(items)


def _fates(openings: Sequence[OpenWait]) -> list[Sentence]:
    """Return sentences about sets with more open parts than must still end."""
    sets = {one.part_of: one.need for one in openings if one.part_of}
    found: list[Sentence] = []
    for key, need in sets.items():
        parts = [one for one in openings if one.part_of == key]
        if need >= len(parts):
            continue
        words = ngettext(
            "The run continues as soon as one of these arrives, without waiting for the rest.",
            "The run continues as soon as {count} of these arrive, without waiting for the rest.",
            need,
        )
        found.append(sentence(words, count=need))
        timers = [one.due_at for one in parts if one.is_timer and one.due_at]
        if timers and any(one.question for one in parts):
            words = _("If the timer ends first, at {due}, the question may be withdrawn.")
            found.append(sentence(words, due=min(timers)))
    return found
