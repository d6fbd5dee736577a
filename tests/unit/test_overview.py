"""What pages show of runs: the one sentence for every state, rows, bars, lines, values."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from procedures.engine import canonical
from procedures.engine.journal import Event, RunStatus, closing
from procedures.engine.questions import approval
from procedures.models import Event as EventRow
from procedures.models import Run, Wait
from procedures.overview.bars import Scale, bars_of
from procedures.overview.lines import line_of
from procedures.overview.rows import Reader, Row, Segment
from procedures.overview.states import Facts, state_of
from procedures.overview.values import Shown, shown
from procedures.overview.words import asked, initials, listed, shortened, spoken, spoken_size

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def run(status: RunStatus, **values: Any) -> Run:
    return Run(status=status, created_at=NINE, inputs="{}", **values)


def error(kind: str, message: str, **more: str) -> str:
    return canonical.text_of({"type": kind, "message": message, **more})


def sentence(facts: Facts) -> str:
    return str(state_of(facts).sentence)


def words(facts: Facts) -> str:
    return str(state_of(facts).words)


def asking(**options: Any) -> dict[str, Any]:
    question = approval("Refund 7 €?", yes="Refund", no="Do not refund", **options)
    return {**question.as_json(), "wait": "request"}


# Words


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"),
        (0.0004, "< 1 ms"),
        (0.012, "12 ms"),
        (0.4, "0.4 s"),
        (14, "14 s"),
        (59.4, "59 s"),
        (960, "16 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (86400 * 3 + 7200, "3 d 2 h"),
        (-5, "0 ms"),
    ],
)
def test_lengths_of_time(seconds: float, told: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == told


def test_small_words() -> None:
    assert (spoken_size(1), spoken_size(214_000), spoken_size(2_500_000)) == (
        "1 byte",
        "214 KB",
        "2.5 MB",
    )
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert (initials("alice"), initials("Ana Lee"), initials("b")) == ("AL", "AL", "B")
    assert shortened("one  two\nthree", 9) == "one two…"


def test_who_is_asked() -> None:
    assert asked(["finance", "@bob"], ["support"]) == "Finance or bob"
    assert asked(["perm:app.pay"], []) == "those who may app.pay"
    assert asked([], ["support"]) == "Support"
    assert asked([], []) == "administrators"


# The state and the one sentence


def test_queued() -> None:
    facts = Facts(run(RunStatus.QUEUED))

    assert words(facts) == "Queued"
    assert sentence(facts) == "Waits for a free worker since 09:00."


def test_queued_again_by_an_answer() -> None:
    answered = {**asking(), **closing("approved", responder="bob")}
    facts = Facts(run(RunStatus.QUEUED), answered=answered)

    assert sentence(facts) == (
        "The answer to Refund 7 €?: approved, by bob; goes on as soon as a worker is free."
    )


def test_queued_again_by_the_clock() -> None:
    facts = Facts(run(RunStatus.QUEUED), answered=closing("elapsed", responder="system: clock"))

    assert sentence(facts) == "The time is up; goes on as soon as a worker is free."


def test_running_between_steps_and_within_one() -> None:
    working = run(RunStatus.RUNNING, working_on="pay", working_attempt=2, working_since=NINE)

    assert sentence(Facts(run(RunStatus.RUNNING))) == "Working on the next step."
    assert sentence(Facts(working)) == "Working: pay, attempt 2, for 09:00."
    assert sentence(Facts(working, progress="3 of 9")).endswith("for 09:00: 3 of 9")


@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({}, ", until somebody answers."),
        ({"expires": "1h", "default": False}, " until 10:00, then counts as Do not refund."),
        ({"expires": "1h", "on_timeout": "fail"}, " until 10:00, then fails."),
        (
            {"expires": "1h", "on_timeout": "withdraw"},
            " until 10:00, then goes on without an answer.",
        ),
    ],
)
def test_waiting_for_people_says_what_silence_does(options: dict[str, Any], end: str) -> None:
    due = at(3600) if options else None
    facts = Facts(
        run(RunStatus.WAITING),
        opened=asking(assign="finance", **options),
        opened_at=NINE,
        due_at=due,
    )

    assert words(facts) == "Waiting for Finance"
    assert state_of(facts).look == "person"
    assert sentence(facts) == f"Waits since 09:00 for Refund 7 €? from Finance{end}"


def test_waiting_for_time() -> None:
    facts = Facts(run(RunStatus.WAITING), opened={"wait": "timer"}, opened_at=NINE, due_at=at(60))

    assert (words(facts), state_of(facts).look) == ("Waiting until 09:01", "timer")
    assert sentence(facts) == "Waits since 09:00 and goes on at 09:01."


def test_retrying() -> None:
    failure = {"step": "pay", "type": "OSError", "message": "No line.", "attempt": 1}
    facts = Facts(run(RunStatus.RETRYING, wake_at=at(60)), failure=failure)

    assert words(facts) == "Retrying"
    assert sentence(facts) == "pay failed: OSError: No line. Attempt 2 follows at 09:01."


def test_done() -> None:
    ended = run(RunStatus.SUCCEEDED, ended_at=at(960))

    assert words(Facts(ended)) == "Done"
    assert sentence(Facts(ended)) == "Finished after 16 min."
    assert sentence(Facts(ended, kept=2, answers=1)) == (
        "Finished after 16 min: 2 steps and 1 question to people."
    )
    assert sentence(Facts(ended, kept=0)) == "Finished after 16 min: nothing to do."


def test_failed_in_a_step() -> None:
    told = error("StepFailedError", "send_mail: SMTPError: 550")
    facts = Facts(run(RunStatus.FAILED, error=told, ended_at=at(1)), kept=3)

    assert words(facts) == "Failed"
    assert sentence(facts) == "Failed in send_mail: SMTPError: 550. 3 steps kept."


def test_failed_outside_of_steps() -> None:
    facts = Facts(run(RunStatus.FAILED, error=error("ValueError", "No."), ended_at=NINE), kept=0)

    assert sentence(facts) == "Failed: ValueError: No. No step is kept."


def test_paused_cancelled_quarantined() -> None:
    told = error("Mismatch", "The code now ends", remedy="Bring it back.")
    cancelled = Facts(run(RunStatus.CANCELLED, ended_at=NINE), kept=1)
    quarantined = Facts(run(RunStatus.QUARANTINED, error=told))

    assert sentence(Facts(run(RunStatus.PAUSED))) == "Paused since 09:00; nothing runs meanwhile."
    assert sentence(cancelled) == "Cancelled. 1 step kept."
    assert sentence(quarantined) == "Cannot go on: The code now ends. Bring it back."
    assert state_of(quarantined).look == "quarantined"


def test_every_status_has_its_words() -> None:
    for status in RunStatus:
        facts = Facts(run(status, ended_at=NINE, error=error("E", "m")))
        assert str(state_of(facts).words)[0].isupper()
        assert str(state_of(facts).sentence).endswith(".") or status == "quarantined"


# Rows


def event(seq: int, what: str, key: str = "", *, after: float, **data: Any) -> Event:
    return Event(seq, what, key, key or what, canonical.text_of(data), at(after), "")


def step(seq: int, key: str, begin: float, end: float, **data: Any) -> Event:
    kind = "step.succeeded" if "result" in data else "step.failed"
    facts = {"attempt": 1, "started_at": at(begin).isoformat(), "arguments": "d", **data}
    return event(seq, kind, key, after=end, **facts)


def failed(seq: int, key: str, begin: float, end: float, *, retry_at: float | None) -> Event:
    due = None if retry_at is None else at(retry_at).isoformat()
    told = {"type": "OSError", "message": "No.", "traceback": ""}
    return step(seq, key, begin, end, **told, retry_at=due, final=due is None)


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


def test_what_is_worked_on_now_and_what_it_says() -> None:
    told = event(2, "progress", "check", after=1, attempt=1, text="a\nb")
    counted = event(3, "progress", "check", after=2, attempt=1, text="c", done=3, total=9)
    (row,) = read(told, counted, working_on="check", working_attempt=1, working_since=at(1))
    (unheard,) = read(told, counted)

    assert (row.look, row.is_open) == (unheard.look, unheard.is_open) == ("running", True)
    assert row.said
    assert (row.said.lines, row.said.counts) == (["c"], "3 of 9")


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


# The journal's lines


@pytest.mark.parametrize(
    ("kind", "data", "told", "actor"),
    [
        ("run.started", {"by": "alice", "code": "abc"}, "Started, with the code abc", "alice"),
        ("run.suspended", {"on": "pay"}, "Left its worker while it waits", "a worker"),
        ("run.resumed", {}, "Taken up again by a worker", "a worker"),
        ("run.failed", {"type": "OSError", "message": "No."}, "Failed: OSError: No.", "a worker"),
        ("wait.opened", {"wait": "timer", "due_at": at(60).isoformat()}, "Sleeps, until 09:01", ""),
        ("wait.opened", asking(), "Asks Refund 7 €?", "a worker"),
        (
            "wait.closed",
            closing("elapsed", responder="system: clock"),
            "The time is up",
            "the clock",
        ),
        (
            "wait.closed",
            closing("rejected", responder="bob", comment="Too much."),
            "Rejected by bob: “Too much.”",
            "bob",
        ),
        ("state", {"name": "count", "value": 2}, "count is 2", "a worker"),
        ("log", {"text": "Counting.", "level": "debug"}, "Counting.", "a worker"),
        ("progress", {"text": "x\ny", "done": 1, "total": 2}, "key 1 of 2: y", "a worker"),
        ("patch", {}, "patch name", "a worker"),
    ],
)
def test_lines(kind: str, data: dict[str, Any], told: str, actor: str) -> None:
    row = EventRow(seq=1, kind=kind, key="key", name="name", data=canonical.text_of(data), at=NINE)
    line = line_of(row)

    assert str(line.words) == told
    assert line.actor == (actor or "a worker")


def test_lines_of_steps_say_how_long_and_what_went_wrong() -> None:
    def told(one: Event) -> str:
        row = EventRow(seq=1, kind=one.kind, key=one.key, name=one.name, data=one.data, at=one.at)
        return str(line_of(row).words)

    assert told(step(2, "pack", 0, 3, result=1)) == "pack done in 3.0 s"
    assert told(step(2, "pack", 0, 3, result=1, attempt=2)) == "pack done in 3.0 s, attempt 2"
    assert told(failed(2, "pay", 0, 1, retry_at=60)) == (
        "pay failed: OSError: No; tried again at 09:01"
    )
    assert told(failed(2, "pay", 0, 1, retry_at=None)) == "pay failed: OSError: No"


# Values


def test_values_are_told_in_one_line_where_they_can_be() -> None:
    file = {"name": "a.csv", "digest": "d", "size": 1000, "content_type": "text/csv"}
    deep = {"rows": [{"a": 1}]}
    found = shown(
        {
            "is_new": True,
            "total": {"orders": 2, "sum": "7.00"},
            "file": file,
            "deep": deep,
            "no": [],
        }
    )

    assert found[0] == Shown("is new", text="yes")
    assert found[1] == Shown("total", text="orders 2 · sum 7.00")
    assert found[2] == Shown("file", file="a.csv", note="1 KB")
    assert json.loads(found[3].raw) == deep
    assert found[4] == Shown("no", text="—")


def test_bare_values_have_no_name() -> None:
    assert shown(7) == [Shown("", text="7")]
    assert shown(None) == shown({}) == []
