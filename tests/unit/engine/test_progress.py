"""The progress of a running step is thinned out."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from procedures.engine.errors import EngineError, OptionError
from procedures.engine.execution.progress import MOST_EVENTS, Progress
from procedures.engine.journal.events import NewEvent


class Clock:
    """Turned by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept() -> list[NewEvent]:
    return []


@pytest.fixture
def progress(clock: Clock, kept: list[NewEvent]) -> Progress:
    return Progress("check", 1, keep=kept.append, now=clock.now)


def texts(drafts: list[NewEvent]) -> list[str]:
    return [draft.data["text"] for draft in drafts]


def test_no_more_than_four_a_second_are_written(
    progress: Progress, clock: Clock, kept: list[NewEvent]
) -> None:
    for line in range(100):
        progress.say(f"line {line}", None, None)
        clock.pass_(0.01)

    assert 2 <= len(kept) <= 4


def test_a_step_that_talks_for_hours_writes_two_hundred_times(
    progress: Progress, clock: Clock, kept: list[NewEvent]
) -> None:
    for second in range(3 * 60 * 60):
        progress.say(f"second {second}", None, None)
        clock.pass_(1)

    assert len(kept) == MOST_EVENTS
    assert texts(list(progress.close()))[0].endswith("second 10799")


def test_a_step_that_talks_for_half_an_hour_is_heard_all_the_time(
    progress: Progress, clock: Clock, kept: list[NewEvent]
) -> None:
    for second in range(30 * 60):
        progress.say(f"second {second}", None, None)
        clock.pass_(1)

    assert int(kept[-1].data["text"].split()[-1]) > 29 * 60


def test_what_was_held_back_is_shown_when_its_time_has_come(
    progress: Progress, clock: Clock, kept: list[NewEvent]
) -> None:
    progress.say("first", None, None)
    progress.say("second", None, None)
    clock.pass_(1)

    progress.say("", None, None)
    progress.say("", None, None)

    assert texts(kept) == ["first", "second"]
    assert progress.close() == ()


def test_another_threads_lines_are_written_by_the_steps_own(
    progress: Progress, kept: list[NewEvent]
) -> None:
    thread = threading.Thread(target=progress.say, args=("from afar", None, None))
    thread.start()
    thread.join()
    assert kept == []

    progress.say("here", None, None)

    assert texts(kept) == ["from afar\nhere"]


def test_a_step_that_has_ended_says_nothing_more(progress: Progress) -> None:
    progress.close()

    with pytest.raises(EngineError, match="has ended"):
        progress.say("late", None, None)


def test_what_no_database_keeps_is_made_visible_and_no_count_is_infinite(
    progress: Progress, kept: list[NewEvent]
) -> None:
    progress.say("a\0b\ud800", None, None)

    with pytest.raises(OptionError, match="number"):
        progress.say("for ever", float("inf"), None)

    assert texts(kept) == ["a␀b\\ud800"]
