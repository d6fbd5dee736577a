"""Operators cancel runs, with name and reason; each success beside its refusal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection

from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    Answer,
    respond,
)
from procedures import hooks
from procedures.engine.execute import advance
from procedures.files import ContentStore
from procedures.journal import claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.registry import find
from procedures.runner import advance_run
from procedures.services import OperationRefusedError, cancel_run, start_run, sweep
from tests import procedures
from tests.calls import request_of, run_until_it_waits
from tests.processes import wait_until
from tests.runs import status_of

ROUNDS = 200
ENDS = {"run.succeeded", "run.failed", "run.cancelled"}


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def journal_of(run: Run) -> list[str]:
    return list(run.events.order_by("seq").values_list("kind", flat=True))


def queued(name: str, **inputs: object) -> Run:
    return start_run(name, inputs, by=None)[0]


def carry_on_by_hand(run: Run) -> None:
    """Do a worker's work without its heartbeat."""
    journal, code = claim(run.pk), find(run.procedure.name)
    assert journal
    assert code
    procedures.interludes.append(journal.look_around)
    advance(code, journal, ContentStore())


def test_a_waiting_run_is_cancelled_at_once(dave: User, admin_user: User) -> None:
    run = run_until_it_waits("question")
    request = request_of(run)

    told = cancel_run(run.pk, by=dave, reason="Ordered twice.")

    assert told == "The run was cancelled."
    assert status_of(run) == "cancelled"
    assert run.ended_at
    assert journal_of(run)[-2:] == ["operator", "run.cancelled"]
    for event in run.events.filter(kind__in=["operator", "run.cancelled"]):
        said = {"action": "cancel", "by": "dave", "by_id": dave.pk, "reason": "Ordered twice."}
        assert {**event.content, "proof": {}} == {**said, "proof": {}}
    request.refresh_from_db()
    assert (request.status, request.outcome) == ("withdrawn", "withdrawn")
    with pytest.raises(AlreadyAnsweredError, match="was withdrawn"):
        respond(request.pk, Answer(value=True), by=admin_user)


def test_a_cancelled_run_never_runs_again(dave: User) -> None:
    run = queued("two_steps")
    cancel_run(run.pk, by=dave, reason="No.")
    events = journal_of(run)

    advance_run(run.pk)
    clock.ahead += timedelta(days=1)
    sweep()
    advance_run(run.pk)

    assert status_of(run) == "cancelled"
    assert journal_of(run) == events
    assert procedures.did == []


@pytest.mark.parametrize("status", ["retrying", "quarantined"])
def test_what_stands_still_is_cancelled_at_once(dave: User, status: str) -> None:
    run = run_until_it_waits("question")
    Run.objects.filter(pk=run.pk).update(status=status)

    cancel_run(run.pk, by=dave, reason="No.")

    assert status_of(run) == "cancelled"
    assert not HumanRequest.objects.open().exists()


def test_an_ended_run_cannot_be_cancelled(dave: User) -> None:
    run = run_until_it_waits("two_steps")
    events = journal_of(run)

    with pytest.raises(OperationRefusedError, match="already ended \\(succeeded"):
        cancel_run(run.pk, by=dave, reason="Too late.")

    assert journal_of(run) == events


@pytest.mark.parametrize("reason", ["", " \n", "x" * 1001])
def test_nothing_is_done_without_a_reason(dave: User, reason: str) -> None:
    run = run_until_it_waits("question")

    with pytest.raises(OperationRefusedError, match="reason"):
        cancel_run(run.pk, by=dave, reason=reason)

    assert status_of(run) == "waiting"
    assert not run.run_inputs.exists()


def test_a_working_run_ends_before_its_next_step(dave: User) -> None:
    run = queued("others_act")
    told: list[str] = []
    procedures.interludes.append(lambda: told.append(cancel_run(run.pk, by=dave, reason="Enough.")))

    carry_on_by_hand(run)
    advance_run(run.pk)

    assert told == ["The run is busy right now; it ends at its next step or wait."]
    assert procedures.did == ["before", "let_others_act"]
    assert status_of(run) == "cancelled"
    assert journal_of(run)[-2:] == ["operator", "run.cancelled"]


def test_a_working_run_asks_nobody_any_more(dave: User) -> None:
    run = queued("others_act_then_it_asks")
    procedures.interludes.append(lambda: cancel_run(run.pk, by=dave, reason="Enough."))

    advance_run(run.pk)
    advance_run(run.pk)

    assert status_of(run) == "cancelled"
    assert not HumanRequest.objects.open().exists()


def test_a_working_run_is_asked_to_stop_once(dave: User) -> None:
    run = queued("two_steps")
    claim(run.pk)
    cancel_run(run.pk, by=dave, reason="Enough.")

    with pytest.raises(OperationRefusedError, match="already being cancelled"):
        cancel_run(run.pk, by=dave, reason="Enough!")

    assert run.run_inputs.count() == 1


def test_a_dead_workers_run_is_cancelled_at_once(dave: User) -> None:
    run = queued("two_steps")
    claim(run.pk)
    clock.ahead += timedelta(minutes=1)

    assert cancel_run(run.pk, by=dave, reason="It hangs.") == "The run was cancelled."
    assert status_of(run) == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_of_a_worker_and_a_cancel_one_wins(dave: User) -> None:
    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            run = queued("two_steps")
            barrier = Barrier(2)
            cancel = partial(cancel_run, run.pk, by=dave, reason="Race.")
            work = threads.submit(race, barrier, partial(advance_run, run.pk))
            told = threads.submit(race, barrier, cancel).result()
            work.result()
            wait_until(partial(ended, run), what="one of them to win")
            kinds = journal_of(run)
            assert sum(kind in ENDS for kind in kinds) == 1
            assert kinds[-1] in ENDS
            assert ("already ended" in told) == (run.cancel_requested_at is None)
            assert status_of(run) == "cancelled" or told != "The run was cancelled."


def race(barrier: Barrier, act: Callable[[], object]) -> str:
    barrier.wait()
    try:
        return str(act())
    except OperationRefusedError as refusal:
        return str(refusal)
    finally:
        connection.close()


def ended(run: Run) -> bool:
    advance_run(run.pk)
    return status_of(run) in {"succeeded", "cancelled"}


def refuse(**_: object) -> None:
    raise ValueError("The ledger is closed.")


def test_a_cancel_that_cannot_be_kept_quarantines_and_can_be_repeated(dave: User) -> None:
    run = queued("two_steps")
    claim(run.pk)
    cancel_run(run.pk, by=dave, reason="Enough.")
    clock.ahead += timedelta(minutes=1)
    hooks.run_ended.connect(refuse)
    try:
        advance_run(run.pk)
        advance_run(run.pk)
        with pytest.raises(OperationRefusedError, match="ledger is closed"):
            cancel_run(run.pk, by=dave, reason="Enough!")
    finally:
        hooks.run_ended.disconnect(refuse)

    assert status_of(run) == "quarantined"
    assert "then cancel the run again" in run.error
    assert journal_of(run) == ["run.started", "operator", "run.quarantined"]
    assert cancel_run(run.pk, by=dave, reason="Now.") == "The run was cancelled."
    assert status_of(run) == "cancelled"
