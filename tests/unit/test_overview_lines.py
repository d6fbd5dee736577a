"""Journals on pages: a line for each event."""

from typing import Any

import pytest

from dashboard.overview.lines import line_of
from procedures.engine.journal.events import Event, closing
from procedures.engine.values import canonical
from procedures.models import Event as EventRow
from tests.overviews import NINE, asking, at, failed, operation, step


@pytest.mark.parametrize(
    ("kind", "data", "told", "actor"),
    [
        ("run.started", {"by": "alice", "code": "abc"}, "Started with code abc", "alice"),
        ("run.suspended", {"on": "pay"}, "Released its worker while waiting", "a worker"),
        ("run.resumed", {}, "Resumed by a worker", "a worker"),
        ("run.failed", {"type": "OSError", "message": "No."}, "Failed: OSError: No.", "a worker"),
        (
            "wait.opened",
            {"wait": "timer", "due_at": at(60).isoformat()},
            "Sleeping until 09:01",
            "",
        ),
        ("wait.opened", asking(), "Asked Refund 7 €?", "a worker"),
        (
            "wait.closed",
            closing("elapsed", responder="system: clock"),
            "The time is up",
            "the system",
        ),
        (
            "wait.closed",
            closing("rejected", responder="bob", comment="Too much."),
            "Rejected by bob: “Too much.”",
            "bob",
        ),
        ("state", {"name": "count", "value": 2}, "count is 2", "a worker"),
        ("log", {"text": "Counting.", "level": "debug"}, "Counting.", "a worker"),
        (
            "progress",
            {"text": "x\ny", "done": 1, "total": 2, "attempt": 1},
            "key 1 of 2: y",
            "a worker",
        ),
        ("progress", {"text": "y", "attempt": 1}, "key: y", "a worker"),
        (
            *("progress", {"text": "", "attempt": 1, "spent": {"requests": "1", "USD": "0.5"}}),
            *("key used 0.5 USD · 1 request", "a worker"),
        ),
        ("progress", {"text": "y", "done": 1, "total": 2}, "1 of 2: y", "a worker"),
        ("patch", {}, "Used the new code of the patch name", "a worker"),
        ("step.started", {}, "key started (runs at most once)", "a worker"),
        (
            "compensation",
            {"step": "undo"},
            "If the run fails or is cancelled, name will run to undo what was done",
            "a worker",
        ),
        (
            "run.continued",
            {"generation": 2},
            "Continued with an empty journal (part 2); nothing is repeated",
            "a worker",
        ),
        ("child.started", {"wait": "child"}, "Started a run of name", "a worker"),
        (
            "child.started",
            {"wait": "map", "count": 2000, "at_most": 5},
            "Started 2,000 runs of name, 5 at a time",
            "a worker",
        ),
        ("wait.opened", {"wait": "signal", "signal": "paid"}, "Waiting for the signal paid", ""),
        (
            "wait.opened",
            {"wait": "set", "need": 1, "over": ["a", "b"]},
            "Waiting until 1 of 2 waits has ended",
            "",
        ),
        (
            "wait.closed",
            closing("received", responder="bob"),
            "The signal arrived from bob",
            "bob",
        ),
        (
            "wait.closed",
            closing("failed", responder="system: child", comment="No."),
            "The child run failed: No.",
            "the system",
        ),
        ("unheard", {}, "unheard name", "a worker"),
        ("run.cancelled", {}, "Cancelled", "a worker"),
        ("run.cancelled", operation("cancel"), "Cancelled by dave", "dave"),
        ("operator", operation("cancel"), "dave cancelled the run: “Why not?”", "dave"),
        (
            "run.cancelled",
            {**operation("force_end"), "forced": True},
            "Ended at once by dave",
            "dave",
        ),
        (
            "operator",
            operation("force_end"),
            "dave ended the run at once, without undoing anything: “Why not?”",
            "dave",
        ),
        ("operator", operation("pause"), "dave paused the run: “Why not?”", "dave"),
        ("operator", operation("unpause"), "dave resumed the run: “Why not?”", "dave"),
        (
            "operator",
            operation("retry"),
            "dave retried key: “Why not?”",
            "dave",
        ),
        ("operator", operation("withdraw"), "dave withdrew the question: “Why not?”", "dave"),
        (
            "operator",
            operation("reassign", to="@carol"),
            "dave reassigned the question to carol: “Why not?”",
            "dave",
        ),
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

    assert told(step(2, "pack", 0, 3, result=1)) == "pack finished in 3.0 s"
    assert told(step(2, "pack", 0, 3, result=1, attempt=2)) == "pack finished in 3.0 s (attempt 2)"
    assert told(failed(2, "pay", 0, 1, retry_at=60)) == (
        "pay failed: OSError: No. It will be tried again at 09:01."
    )
    assert told(failed(2, "pay", 0, 1, retry_at=None)) == "pay failed: OSError: No."
