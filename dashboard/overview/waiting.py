"""A run's waits in words: people, time, signals and other runs, each by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.overview.words import Part, asked, code, counted, listed, shortened, strong
from procedures.engine.kinds.questions import Question

Piece = str | Part | datetime
LONGEST_PROMPT, SHORT_PROMPT = 160, 60
"""Characters of one question's prompt, and of each of several."""
MOST_NAMED = 6


@dataclass(frozen=True)
class Opening:
    """An open wait: what it asks for, since when, and until when."""

    opened: Mapping[str, Any]
    at: datetime | None = None
    due_at: datetime | None = None
    part_of: int | None = None
    """Its set, if the run waits for some of the set's parts only."""
    need: int = 0
    """The number of open parts that its set still needs."""

    @property
    def question(self) -> Question | None:
        return Question.from_json(self.opened) if "prompt" in self.opened else None

    @property
    def is_timer(self) -> bool:
        return self.opened.get("wait") == "timer"


def what_is_waited_for(openings: Sequence[Opening], answerers: Sequence[str]) -> list[Piece]:
    """Return the end of a sentence that begins with "Waits since 09:00", with its full stop."""
    if len(openings) == 1:
        return _one(openings[0], answerers)
    groups: dict[int | None, list[Opening]] = {}
    for one in openings[:MOST_NAMED]:
        groups.setdefault(one.part_of, []).append(one)
    parts = [_group(group, answerers) for group in groups.values()]
    if (left := len(openings) - MOST_NAMED) > 0:
        parts.append([f"{left} more"])
    return [" for ", *_list(parts, "and"), ".", *_fates(openings)]


def people_of(openings: Iterable[Opening], answerers: Sequence[str]) -> str:
    """Return the assignees of the questions among these waits, or ""."""
    questions = [one.question for one in openings]
    found = dict.fromkeys(asked(one.assign, answerers) for one in questions if one)
    return listed(list(found)[:3])


def _one(opening: Opening, answerers: Sequence[str]) -> list[Piece]:
    if question := opening.question:
        people = asked(question.assign, answerers)
        prompt = strong(shortened(question.prompt, LONGEST_PROMPT))
        joint = " " if opening.due_at and question.on_timeout else ", "
        words = _silence(question, opening.due_at)
        return [" for ", prompt, f" from {people}{joint}", *words, "."]
    other = _other(opening)
    why = _reason(opening, LONGEST_PROMPT)
    end = f": {why.rstrip('.')}." if why else "."
    if opening.due_at and not other:
        return [" and goes on at ", opening.due_at, end]
    until: list[Piece] = [" until ", opening.due_at] if opening.due_at else []
    return [*([" for ", *other] if other else []), *until, end]


def _named(opening: Opening, answerers: Sequence[str]) -> list[Piece]:
    """Return one of several waits in words."""
    if question := opening.question:
        prompt = strong(shortened(question.prompt, SHORT_PROMPT))
        words: list[Piece] = [prompt, f" from {asked(question.assign, answerers)}"]
        fate: list[Piece] = [" (", *_silence(question, opening.due_at), ")"]
        return words + fate if opening.due_at else words
    why = _reason(opening, SHORT_PROMPT)
    end: list[Piece] = [f" (“{why}”)"] if why else []
    if opening.is_timer and opening.due_at:
        return ["the time ", opening.due_at, *end]
    until: list[Piece] = [" (until ", opening.due_at, ")"] if opening.due_at else []
    return [*(_other(opening) or ["something else"]), *until, *end]


def _reason(opening: Opening, most: int) -> str:
    """Return the author's reason for a timer or a signal."""
    return shortened(opening.opened.get("reason", ""), most)


def _other(opening: Opening) -> list[Piece]:
    """Return the words for a wait that is neither for people nor for time."""
    opened = opening.opened
    match opened.get("wait"):
        case "signal":
            return ["the signal ", code(opened["signal"])]
        case "child":
            return ["a run of ", code(opened["procedure"])]
        case "map":
            return [f"{counted(opened['count'], 'run')} of ", code(opened["procedure"])]
    return []


def _silence(question: Question, due: datetime | None) -> list[Piece]:
    """Return until when a question is open, and what silence will mean."""
    if due is None or question.on_timeout is None:
        return ["until somebody answers"]
    if question.on_timeout == "fail":
        return ["until ", due, ", then fails"]
    if question.on_timeout == "withdraw" or question.default is None:
        return ["until ", due, ", then goes on without an answer"]
    return ["until ", due, ", then counts as ", strong(_default(question))]


def _default(question: Question) -> str:
    return shortened(question.label_of(question.default), SHORT_PROMPT)


def _group(group: Sequence[Opening], answerers: Sequence[str]) -> list[Piece]:
    is_choice = group[0].part_of is not None and group[0].need < len(group)
    return _list([_named(one, answerers) for one in group], "or" if is_choice else "and")


def _list(parts: Sequence[Sequence[Piece]], joint: str) -> list[Piece]:
    found: list[Piece] = [*parts[0]]
    for number, part in enumerate(parts[1:], start=2):
        found += [f" {joint} " if number == len(parts) else ", ", *part]
    return found


def _fates(openings: Sequence[Opening]) -> list[Piece]:
    """Return what becomes of a set's parts when enough of them have come."""
    sets = {one.part_of: one.need for one in openings if one.part_of}
    found: list[Piece] = []
    for key, need in sets.items():
        parts = [one for one in openings if one.part_of == key]
        if need >= len(parts):
            continue
        first = "The first to come counts" if need == 1 else f"The first {need} to come count"
        found.append(f" {first}; the run no longer waits for the rest.")
        timers = [one.due_at for one in parts if one.is_timer and one.due_at]
        if timers and any(one.question for one in parts):
            found += [" The timer may withdraw the question at ", min(timers), "."]
    return found
