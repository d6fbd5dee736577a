"""The reasons why a run waits for time or for a signal, in the words that people read."""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine.journal.events import RunStatus
from tests import procedures
from tests.conformance.backends import Backend
from tests.procedures.showing import WAITS


@pytest.mark.parametrize("name", WAITS)
def test_each_wait_keeps_the_reason_it_was_opened_with(backend: Backend, name: str) -> None:
    run_id = backend.start(procedures.waits_for_a_reason, wait=name, reason="The bank\n  opens.")
    assert backend.advance(run_id) == RunStatus.WAITING
    if name == "paid":
        backend.signal(run_id, "paid", None, "1")
    else:
        backend.travel(timedelta(days=3660))

    assert backend.advance(run_id, procedures.waits_for_another_reason) == RunStatus.SUCCEEDED

    [opened] = [event for event in backend.events(run_id) if event.kind == "wait.opened"]
    assert opened.key == name
    assert opened.content["reason"] == "The bank opens."


@pytest.mark.parametrize(
    ("name", "reason", "told"),
    [
        ("sleep", 7, "must be a string, not 7."),
        ("timer", None, "must be a string, not None."),
        ("paid", ["x"], "must be a string, not ['x']."),
        ("sleep_until", "x" * 1001, "has 1,001 characters; the limit is 1,000."),
        ("paid", "x" * 1001, "has 1,001 characters; the limit is 1,000."),
    ],
)
def test_what_nobody_can_read_is_refused_before_the_wait(
    backend: Backend, name: str, reason: Any, told: str
) -> None:
    run_id = backend.start(procedures.waits_for_a_reason, wait=name, reason=reason)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert told in error["message"]
    assert not [event for event in backend.events(run_id) if event.kind == "wait.opened"]
