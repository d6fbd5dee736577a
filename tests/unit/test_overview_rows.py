"""The rows of a run's page, and the bars on them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard.overview.bars import Scale, bars_of
from dashboard.overview.mismatch import compared
from dashboard.overview.rows import Reader, Row, Segment
from dashboard.overview.series import folded
from procedures.engine.journal.events import Event, RunStatus, closing
from procedures.models import Wait
from tests.overviews import NINE, asking, at, event, failed, run, step


def read(
    *events: Event,
    status: RunStatus = RunStatus.RUNNING,
    waits: Sequence[Wait] = (),
    **run_values: Any,
) -> list[Row]:
    reader = Reader(waits)
    for one in (event(1, "run.started", after=0), *events):
        reader.read(one)
    row = run(status, **run_values)
    reader.read_present(row, {})
    return reader.finish(row.ended_at)


def segments(row: Row) -> list[tuple[str, float, float | None]]:
    def seconds(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - NINE).total_seconds()

    return [(part.kind, seconds(part.begin) or 0, seconds(part.end)) for part in row.segments]


def test_a_step_stood_in_the_queue_and_worked() -> None:
    (row,) = read(step(2, "pack", 3, 5, result=1))

    assert (row.kind, row.key, row.look, row.depth) == ("step", "pack", "done", 0)
    assert segments(row) == [("queue", 0, 3), ("work", 3, 5)]


def test_attempts_are_one_row_with_pauses_between() -> None:
    (row,) = read(failed(2, "pay", 0, 1, retry_at=10), step(3, "pay", 12, 13, result=1, attempt=2))

    assert segments(row) == [
        ("fail", 0, 1),
        ("pause", 1, 10),
        ("queue", 10, 12),
        ("work", 12, 13),
    ]
    assert [one.is_success for one in row.attempts] == [False, True]
    assert row.look == "done"


def test_a_retry_to_come_is_open_and_a_final_failure_is_not() -> None:
    (waiting,) = read(failed(2, "pay", 0, 1, retry_at=10), status=RunStatus.RETRYING)
    (over,) = read(failed(2, "pay", 0, 1, retry_at=None), status=RunStatus.FAILED, ended_at=at(1))

    assert (waiting.look, waiting.end, segments(waiting)[-1]) == (
        "retrying",
        None,
        ("pause", 1, None),
    )
    assert (over.look, over.end) == ("failed", at(1))


def test_a_question_and_its_answer() -> None:
    opened = event(2, "wait.opened", "approve", after=1, **asking())
    wait = Wait(opened_seq=2, closed_at=at(61))
    closed = event(3, "wait.closed", "approve", after=64, **closing("rejected", responder="bob"))
    row, after = read(opened, closed, step(4, "pack", 64, 65, result=1), waits=[wait])

    assert (row.kind, row.name, row.look) == ("question", "Refund 7 €?", "refused")
    assert segments(row) == [("queue", 0, 1), ("person", 1, 61)]
    assert segments(after)[0] == ("queue", 61, 64)


def test_what_a_cancel_has_cut_off_says_so_and_its_stage_too() -> None:
    opened = event(3, "wait.opened", "approve", after=1, **asking())
    stage, row = read(
        event(2, "stage", after=0),
        opened,
        waits=[Wait(opened_seq=3, closed_at=at(9), outcome="withdrawn")],
        status=RunStatus.CANCELLED,
        ended_at=at(9),
    )

    assert (row.look, stage.look) == ("cancelled", "cancelled")


def test_steps_that_only_repeat_each_other_are_one_row() -> None:
    again = [step(2 + n, f"act#{n}" if n > 1 else "act", n, n + 1, result=n) for n in range(1, 5)]
    rows = folded(read(*again, step(9, "send", 6, 7, result=1)))

    assert [(row.kind, row.name, row.number) for row in rows] == [
        ("series", "act", 1),
        ("step", "send", 5),
    ]
    assert [member.key for member in rows[0].members] == ["act", "act#2", "act#3", "act#4"]
    assert segments(rows[0]) == [("queue", 0, 1), ("work", 1, 5)]


def test_what_failed_once_stands_alone_among_its_like() -> None:
    rows = folded(
        read(
            step(2, "act", 0, 1, result=1),
            step(3, "act#2", 1, 2, result=1),
            failed(4, "act#3", 2, 3, retry_at=4),
            step(5, "act#3", 4, 5, result=1, attempt=2),
        )
    )

    assert [row.key for row in rows] == ["act", "act#2", "act#3"]


def test_where_the_code_left_the_path_is_found_after_what_fits() -> None:
    kept = [f"step {number}" for number in range(9)]
    found = compared({"kept": kept, "asked": [*kept[:6], "step x"]})

    assert found
    assert found.left_out == 3
    assert [pair.fits for pair in found.pairs] == [True, True, True, False, False, False]
    assert (found.pairs[3].asked, found.pairs[4].asked) == ("step x", "")
    assert compared({"message": "No."}) is None


def test_a_timer_goes_on_until_now() -> None:
    (row,) = read(
        event(2, "wait.opened", "sleep", after=0, wait="timer"), waits=[Wait(opened_seq=2)]
    )

    assert (row.kind, row.look, row.is_open) == ("timer", "timer", True)


def test_stages_hold_what_follows() -> None:
    stage, one, other = read(
        event(2, "stage", after=0),
        step(3, "a", 0, 2, result=1),
        failed(4, "b", 2, 5, retry_at=None),
    )

    assert (stage.kind, stage.begin, stage.end, stage.look) == ("stage", at(0), at(5), "failed")
    assert (one.depth, other.depth) == (1, 1)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.QUARANTINED])
def test_the_stage_in_which_a_run_stopped_is_not_done(status: RunStatus) -> None:
    done, stopped = read(event(2, "stage", after=0), event(3, "stage", after=1), status=status)

    assert (done.look, stopped.look) == ("done", "failed")


def test_what_is_worked_on_now_and_what_it_says() -> None:
    told = event(2, "progress", "check", after=1, attempt=1, text="a\nb")
    counted = event(3, "progress", "check", after=2, attempt=1, text="c", done=3, total=9)
    (row,) = read(told, counted, working_on="check", working_attempt=1, working_since=at(1))
    (stale,) = read(told, counted)

    assert (row.look, row.is_open) == (stale.look, stale.is_open) == ("running", True)
    assert row.output
    assert (row.output.lines, row.output.counts) == (["c"], "3 of 9")


def test_a_queued_run_has_a_row_for_it() -> None:
    (row,) = read(status=RunStatus.QUEUED)

    assert (row.kind, row.look, segments(row)) == ("queue", "idle", [("queue", 0, None)])


# Bars


def work(begin: float, end: float) -> Segment:
    return Segment("work", at(begin), at(end))


def test_a_scale_is_linear_where_work_is_long() -> None:
    scale = Scale([work(0, 50)], begin=NINE, now=at(100))

    assert not scale.is_folded
    assert [scale.at(at(moment)) for moment in (0, 25, 100)] == [0, 25, 100]
    assert scale.moment_at(75) == at(75)


def test_waits_that_dwarf_the_work_are_folded() -> None:
    waits = [Segment("person", at(1), at(101)), Segment("person", at(101), at(10_101))]
    scale = Scale([work(0, 1), *waits], begin=NINE, now=at(10_101))
    row = Row("question", "approve", "Go?", "done", at(1), at(101), segments=[waits[0]])
    (bar,) = bars_of(row, scale, now=at(10_101))

    assert scale.is_folded
    assert scale.at(at(1)) == pytest.approx(15)
    assert scale.at(at(101)) - 15 == pytest.approx(85 / 11)
    assert scale.moment_at(scale.at(at(60))) - at(60) < timedelta(milliseconds=1)
    assert bar.is_folded
    assert bar.x == "15.00%"


def test_marks_are_finer_for_shorter_runs() -> None:
    def marks(seconds: float) -> list[str]:
        found = Scale([], begin=NINE, now=at(seconds)).marks
        return [mark.text or mark.show for mark in found]

    assert marks(4) == ["0 ms", "1.0 s", "2.0 s", "3.0 s", "4.0 s"]
    assert set(marks(60)) == {"axis-seconds"}
    assert set(marks(3600)) == {"axis"}
    assert set(marks(86400)) == {"clock"}


def test_a_bar_carries_who_answered_or_is_asked() -> None:
    scale = Scale([], begin=NINE, now=at(60))
    part = Segment("person", at(0), None)
    row = Row("question", "approve", "Go?", "person", at(0), segments=[part])

    row.opened = {"assign": ["@carol"]}
    assert bars_of(row, scale, now=at(60))[0].initials == "CA"
    row.closed = {"responder": "bob"}
    assert bars_of(row, scale, now=at(60))[0].initials == "BO"
    row.end, row.closed = at(1), {"responder": "system: deadline"}
    assert bars_of(row, scale, now=at(60))[0].initials == ""
