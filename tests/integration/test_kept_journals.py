"""Journals of waiting runs, which a worker's process keeps so that it needn't read them again."""

import json
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, User

from procedures.journal import database, holding, kept_journals
from procedures.journal.kept_journals import SHORTEST, KeptJournals
from procedures.models import Run
from procedures.models.event import Event
from procedures.runner import advance_runs
from procedures.services import start_run, verify_journal
from procedures.slot import slot
from tests.calls import grant, run_until_it_waits
from tests.processes import Worker
from tests.runs import answer, status_of, wait_for_request, wait_for_success

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "questions_after_steps"


class Process:
    """A process of a worker, with its kept journals; several share the process of the test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch, self.kept = patch, KeptJournals()

    def advance(self) -> None:
        """Advance all queued runs."""
        for module in (database, holding):
            self._patch.setattr(module, "kept_journals", self.kept)
        advance_runs()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> tuple[Process, Process]:
    like_slot = SimpleNamespace(is_open=True, is_leaving=False, was_told_since=slot.was_told_since)
    monkeypatch.setattr(database, "slot", like_slot)
    return Process(monkeypatch), Process(monkeypatch)


@pytest.fixture
def run(bob: User, finance: Group) -> Run:
    grant(NAME, finance, "answer")
    return start_run(NAME, {"steps": SHORTEST}, by=None)[0]


def answered(run: Run, prompt: str, *, by: User) -> None:
    answer(wait_for_request(run, prompt=prompt), by=by)


def lose_the_steps(run: Run) -> None:
    """Remove what no worker would read again, so that a worker that reads it can't go on."""
    Event.objects.filter(run=run, kind="step.succeeded").delete()


def test_a_process_continues_a_run_without_reading_its_journal_again(
    two: tuple[Process, Process], run: Run, bob: User
) -> None:
    two[0].advance()
    lose_the_steps(run)

    for prompt in ("Pay?", "Send?"):
        answered(run, prompt, by=bob)
        two[0].advance()

    assert status_of(run) == "succeeded"
    assert json.loads(run.result or "") == [True, True]


def test_a_process_reads_a_journal_to_which_another_has_added(
    two: tuple[Process, Process], run: Run, bob: User
) -> None:
    two[0].advance()
    answered(run, "Pay?", by=bob)
    two[1].advance()
    answered(run, "Send?", by=bob)

    two[0].advance()

    assert status_of(run) == "succeeded"
    assert not verify_journal(run)


def test_the_other_process_reads_all_of_it(
    two: tuple[Process, Process], run: Run, bob: User
) -> None:
    two[0].advance()
    lose_the_steps(run)
    answered(run, "Pay?", by=bob)

    two[1].advance()

    # Otherwise, the tests above would prove nothing.
    assert status_of(run) == "quarantined"


def test_a_short_journal_is_not_kept(two: tuple[Process, Process], finance: Group) -> None:
    grant(NAME, finance, "answer")
    start_run(NAME, {"steps": 3}, by=None)

    two[0].advance()

    assert two[0].kept.size == 0


def test_only_as_much_is_kept_as_there_is_room_for(
    two: tuple[Process, Process], finance: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(NAME, finance, "answer")
    process, runs = two[0], [start_run(NAME, {"steps": SHORTEST}, by=None)[0]]
    process.advance()
    of_one = process.kept.size
    monkeypatch.setattr(kept_journals, "MOST_BYTES", of_one * 5 // 2)

    runs += [start_run(NAME, {"steps": SHORTEST}, by=None)[0] for _ in range(2)]
    process.advance()

    assert of_one > 0
    assert of_one * 3 // 2 < process.kept.size <= of_one * 5 // 2
    assert [str(run.pk) in process.kept for run in runs] == [False, True, True]


def test_nothing_is_kept_of_a_run_that_has_ended(
    two: tuple[Process, Process], run: Run, bob: User
) -> None:
    two[0].advance()
    for prompt in ("Pay?", "Send?"):
        answered(run, prompt, by=bob)
        two[0].advance()

    assert two[0].kept.size == 0


def test_a_process_that_is_no_slot_keeps_nothing(finance: Group) -> None:
    grant(NAME, finance, "answer")

    run = run_until_it_waits(NAME, steps=SHORTEST)

    assert str(run.pk) not in kept_journals.kept_journals


def test_a_worker_continues_long_runs_with_every_answer(
    running_worker: Worker, run: Run, bob: User
) -> None:
    for prompt in ("Pay?", "Send?"):
        answered(run, prompt, by=bob)

    wait_for_success(run)
    run.refresh_from_db()
    assert json.loads(run.result or "") == [True, True]
    assert not verify_journal(run)
