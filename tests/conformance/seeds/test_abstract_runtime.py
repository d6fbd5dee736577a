"""AbstractRuntime, SEEDS.md §5: what was seen when its code was run, as it is right.

| fault                                                  | its test here                           |
|--------------------------------------------------------|-----------------------------------------|
| tick after cancel completes the run                    | a_cancelled_run_never_runs_again,       |
|                                                        | a_cancel_in_a_step_ends_the_run_after_it|
| the same effect in a loop executes once                | the_same_step_in_a_loop_runs_every_time |
| two processes answering both win                       | of_two_answers_the_first_wins           |
| answers outside `choices` are accepted                 | an_answer_outside_the_choices,          |
|                                                        | `tests.integration.test_seeds_people`   |
| a run past 100 steps stalls                            | a_run_of_many_steps_goes_on_by_itself   |
| the parent of an answered child is never woken         | the_parent_of_an_answered_child_is_woken|
| an effect repeats if killed before the ledger write    | an_effect_cut_off_..._is_asked_about,   |
|                                                        | ..._has_the_same_key, ..._committed     |
| the whole ledger is read for each effect               | the_journal_is_read_once_for_all_effects|
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.kinds.questions import new_question
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.conformance.database import DatabaseBackend
from tests.conformance.seeds.watched import watched
from tests.procedures import did, saw


def test_a_cancelled_run_never_runs_again(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)

    backend.cancel(run_id)
    assert not answer(backend, run_id, "approve")
    for _ in range(3):
        assert backend.advance(run_id) == RunStatus.CANCELLED

    assert backend.events(run_id)[-1].kind == EventKind.RUN_CANCELLED
    assert did == ["before"]


def test_a_cancel_in_a_step_ends_the_run_after_it(backend: Backend) -> None:
    run_id = backend.start(procedures.others_act_then_it_asks)
    procedures.interludes.append(lambda: backend.cancel(run_id))
    backend.advance(run_id)
    backend.advance_all()

    assert backend.advance(run_id) == RunStatus.CANCELLED

    assert did == ["let_others_act"]
    assert not backend.open_waits(run_id)


def test_the_same_step_in_a_loop_runs_every_time(backend: Backend) -> None:
    run_id = backend.start(procedures.loops, times=5)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)

    assert did == turns(5)


def test_of_two_answers_the_first_wins_and_the_other_is_told(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)

    assert answer(backend, run_id, "approve", value=False)
    assert not answer(backend, run_id, "approve", value=True)
    backend.advance(run_id)

    assert backend.result(run_id) == "false"
    kinds = [event.kind for event in backend.events(run_id)]
    assert kinds.count(EventKind.WAIT_CLOSED) == 1


def test_an_answer_outside_the_choices_is_no_answer() -> None:
    question = new_question("choice", "Which?", {"a": "Apples", "b": "Bread"})

    assert question.check("b") == "b"
    with pytest.raises(AnswerError, match=r"Choose one of: a, b\."):
        question.check("Bread")


def test_a_run_of_many_steps_goes_on_by_itself(backend: Backend) -> None:
    run_id = backend.start(procedures.loops, times=250)

    assert backend.advance(run_id) == RunStatus.WAITING
    assert did == turns(126)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == turns(250)


def test_the_parent_of_an_answered_child_is_woken(backend: Backend) -> None:
    run_id = backend.start(procedures.calling, number=4, asks=True)
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.WAITING

    answer(backend, backend.children(run_id)[0], "approve")
    backend.advance_all()

    assert backend.result(run_id) == "8"


def test_an_effect_cut_off_that_must_happen_once_is_asked_about(backend: Backend) -> None:
    saw.append("dies")
    run_id = backend.start(procedures.charging)
    cut_off(backend, run_id)

    assert backend.advance(run_id) == RunStatus.WAITING

    assert list(backend.open_waits(run_id)) == ["charge/doubt"]
    assert did == ["charge"]


def test_an_effect_cut_off_and_repeated_has_the_same_key(backend: Backend) -> None:
    saw.append("dies")
    run_id = backend.start(procedures.transferring)
    cut_off(backend, run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == [f"{run_id}:transfer"] * 2


@pytest.mark.django_db(transaction=True)
def test_an_effect_in_the_database_is_committed_with_its_checkpoint_or_not_at_all() -> None:
    backend = DatabaseBackend()
    saw.append("dies")
    run_id = backend.start(procedures.entering)
    cut_off(backend, run_id)
    assert procedures.entered() == []

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert procedures.entered() == ["entered"]
    assert len(did) == 2


def test_the_journal_is_read_once_for_all_effects(backend: Backend) -> None:
    run_id = backend.start(procedures.repeated_steps, times=50)
    journal = watched(backend, run_id)

    assert journal.advance(procedures.repeated_steps) == RunStatus.SUCCEEDED

    assert journal.loads == 1


@pytest.mark.django_db(transaction=True)
def test_no_effect_reads_the_events_before_it() -> None:
    backend = DatabaseBackend()
    run_id = backend.start(procedures.repeated_steps, times=50)

    with CaptureQueriesContext(connection) as queries:
        backend.advance(run_id)

    told = [query["sql"].replace('"', "") for query in queries.captured_queries]
    reads = [
        sql
        for sql in told
        if sql.startswith("SELECT") and "FROM countersign_procedures_event" in sql
    ]
    assert len(reads) == 1


def cut_off(backend: Backend, run_id: str) -> None:
    """The worker dies after an effect and before its result is kept."""
    with pytest.raises(KeyboardInterrupt):
        backend.advance(run_id)
    backend.lose_lease(run_id)


def turns(times: int) -> list[str]:
    return [f"turn {turn}" for turn in range(times)]
