"""The pages of a run that an operator has paused, or has ended at once."""

import pytest
from django.contrib.auth.models import User

from procedures.models import Run
from procedures.services import force_end_run, pause_run, unpause_run
from tests.pages import ask, browser, shown


@pytest.fixture
def run(alice: User, bob: User) -> Run:
    return ask("approval", by=alice).wait.run


def page_of(user: User, run: Run) -> str:
    return shown(browser(user).get(f"/runs/{run.pk}"))


def test_a_paused_run_tells_who_paused_it_and_that_it_can_be_answered(
    run: Run, alice: User, bob: User, dave: User
) -> None:
    pause_run(run.pk, by=dave, reason="The bank is closed.")

    text = page_of(alice, run)
    assert 'data-look="paused"' in text
    assert "“The bank is closed.” The run does nothing until" in text
    assert "Paused by <strong>dave</strong> since" in text
    assert "Its questions can still be answered." in text
    assert "<strong>dave</strong> paused the run: “The bank is closed.”" in text
    listed = shown(browser(bob).get("/runs?state=paused"))
    assert "Paused by <strong>dave</strong> since" in listed
    assert ": “The bank is closed.”" in listed
    assert "<span>Waiting for you</span>" not in listed

    unpause_run(run.pk, by=dave, reason="It is open.")

    assert "<strong>dave</strong> resumed the run: “It is open.”" in page_of(alice, run)
    assert "<span>Waiting for you</span>" in shown(browser(bob).get("/runs"))


def test_a_run_that_was_ended_at_once_tells_by_whom(run: Run, alice: User, dave: User) -> None:
    force_end_run(run.pk, by=dave, reason="It hangs.")

    text = page_of(alice, run)

    assert "Ended at once by <strong>dave</strong>: “It hangs.” Nothing was undone." in text
    assert (
        "<strong>dave</strong> ended the run at once, without undoing anything: “It hangs.”" in text
    )
