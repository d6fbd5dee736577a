"""The work that a retry takes up again, and the work that it must leave."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from chat.models import HumanRequest
from chat.services import Answer, respond
from procedures.engine.execute import advance
from procedures.engine.journal.events import closing
from procedures.files import ContentStore
from procedures.journal import claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.registry import find
from procedures.runner import advance_run
from procedures.services import (
    OperationRefusedError,
    cancel_run,
    resolve_wait,
    retry_run,
    start_run,
)
from tests import procedures
from tests.calls import request_of, run_until_it_waits
from tests.procedures import did, saw
from tests.runs import status_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def carried_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def answer(run: Run, key: str, value: object) -> None:
    wait = run.waits.open().get(key=key)
    with transaction.atomic():
        resolve_wait(wait, closing("answered", value, responder="bob"), at=clock.now())


@pytest.fixture
def failed(admin_user: User) -> Run:
    """Asked, answered, and failed in its step after that."""
    run = run_until_it_waits("broken")
    respond(request_of(run).pk, Answer(value=True), by=admin_user)
    advance_run(run.pk)
    assert status_of(run) == "failed"
    return run


@pytest.fixture
def quarantined(admin_user: User) -> Run:
    """Answered while other code was there, which did not fit."""
    run = run_until_it_waits("question")
    respond(request_of(run).pk, Answer(value=True), by=admin_user)
    journal, other_code = claim(run.pk), find("others_act")
    assert journal
    assert other_code
    advance(other_code, journal, ContentStore())
    assert status_of(run) == "quarantined"
    return run


def test_a_failed_run_tries_its_step_again_and_repeats_nothing(failed: Run, dave: User) -> None:
    procedures.saw.append("mended")

    told = retry_run(failed.pk, by=dave, reason="The disk is back.")
    advance_run(failed.pk)

    assert told == "The run continues and tries work again."
    assert status_of(failed) == "succeeded"
    assert procedures.did == ["before", "attempt 1", "attempt 2"]
    assert HumanRequest.objects.count() == 1
    assert not failed.error
    assert failed.events.get(kind="operator").content == {
        "action": "retry",
        "by": "dave",
        "by_id": dave.pk,
        "reason": "The disk is back.",
    }


def test_a_retry_may_fail_again_and_be_tried_again(failed: Run, dave: User) -> None:
    for _ in range(2):
        retry_run(failed.pk, by=dave, reason="Perhaps now?")
        advance_run(failed.pk)
        assert status_of(failed) == "failed"
    procedures.saw.append("mended")

    retry_run(failed.pk, by=dave, reason="Now.")
    advance_run(failed.pk)

    assert status_of(failed) == "succeeded"
    assert procedures.did[1:] == [f"attempt {number}" for number in range(1, 5)]


def test_a_worker_that_dies_on_a_retry_loses_it_not(failed: Run, dave: User) -> None:
    retry_run(failed.pk, by=dave, reason="The disk is back.")
    claim(failed.pk)
    clock.ahead += timedelta(minutes=1)
    procedures.saw.append("mended")

    advance_run(failed.pk)

    assert status_of(failed) == "succeeded"


def test_a_quarantined_run_goes_on_when_its_code_is_mended_and_asks_nobody_twice(
    quarantined: Run, dave: User
) -> None:
    told = retry_run(quarantined.pk, by=dave, reason="The code is back.")
    advance_run(quarantined.pk)

    assert told == "The run continues from where it stopped."
    assert status_of(quarantined) == "succeeded"
    assert procedures.did == ["before", "after"]
    assert HumanRequest.objects.count() == 1


def test_an_unmended_run_is_quarantined_again(quarantined: Run, dave: User) -> None:
    retry_run(quarantined.pk, by=dave, reason="Perhaps now?")
    journal, other_code = claim(quarantined.pk), find("others_act")
    assert journal
    assert other_code
    advance(other_code, journal, ContentStore())

    assert status_of(quarantined) == "quarantined"


@pytest.mark.parametrize("status", ["waiting", "queued", "running", "succeeded", "cancelled"])
def test_only_what_came_to_a_stop_is_retried(dave: User, status: str) -> None:
    run = run_until_it_waits("question")
    Run.objects.filter(pk=run.pk).update(status=status)

    with pytest.raises(OperationRefusedError, match=status):
        retry_run(run.pk, by=dave, reason="Go on.")

    assert status_of(run) == status
    assert not run.run_inputs.exists()


def test_a_question_that_the_failure_withdrew_is_asked_again(dave: User) -> None:
    run = carried_on(start_run("later_then_broken", {}, by=None)[0])
    assert (run.status, list(run.waits.open())) == ("failed", [])
    saw.append("mended")

    retry_run(run.pk, by=dave, reason="Mended.")
    carried_on(run)
    answer(run, "ask", "this one")

    assert carried_on(run).status == "succeeded"
    assert run.result == '"this one"'


def test_what_was_undone_is_not_taken_up_again(dave: User) -> None:
    run = carried_on(start_run("compensating", {}, by=None)[0])
    answer(run, "approve", value=True)
    assert carried_on(run).status == "failed"
    assert did[-1] == "release the room"

    with pytest.raises(OperationRefusedError, match="Restart it instead"):
        retry_run(run.pk, by=dave, reason="Again.")


def test_the_step_that_failed_in_a_branch_is_named(dave: User) -> None:
    run = carried_on(start_run("broken_branch", {}, by=None)[0])
    assert run.status == "failed"

    told = retry_run(run.pk, by=dave, reason="Again.")

    assert told == "The run continues and tries gather/work_and_break/mend again."


def test_a_run_that_caught_it_goes_on(dave: User) -> None:
    run = carried_on(start_run("broken_then_asking", {}, by=None)[0])
    saw.append("changed")
    Run.objects.filter(pk=run.pk).update(status="queued")
    assert carried_on(run).status == "quarantined"
    saw.clear()

    assert retry_run(run.pk, by=dave, reason="Mended.") == (
        "The run continues from where it stopped."
    )

    assert carried_on(run).status == "waiting"


def child_of(run: Run) -> Run:
    return Run.objects.get(parent_wait__run=run)


def failed_child(name: str, **inputs: object) -> Run:
    """The failed child of a run that has noted the child's end."""
    run = carried_on(start_run(name, inputs, by=None)[0])
    child = carried_on(child_of(run))
    answer(child, "approve", value=False)
    assert carried_on(child).status == "failed"
    carried_on(run)
    return child


def failed_above(name: str) -> tuple[Run, Run]:
    """A run that failed by its child, and that child."""
    run = carried_on(start_run(name, {}, by=None)[0])
    child = carried_on(child_of(run))
    if run.waits.open().filter(kind="request").exists():
        answer(run, "approve", value=True)
    assert carried_on(run).status == "failed"
    return run, child


def test_who_retries_a_run_reads_what_becomes_of_its_child(dave: User) -> None:
    run, child = failed_above("above_broken")

    told = retry_run(run.pk, by=dave, reason="Mended.")

    assert told == f"The run continues. It retries {child}."
    for one in (run, child):
        assert one.run_inputs.get(kind="operator").content["reason"] == "Mended."
    assert retry_told(run, child, dave) == f"The run continues. It waits for {child}."


def retry_told(run: Run, child: Run, dave: User) -> str:
    """The child fails again, and is retried alone before its parent is."""
    carried_on(child)
    carried_on(run)
    alone = retry_run(child.pk, by=dave, reason="Mended.")
    assert alone.endswith(
        f"Its parent {run} has failed. Retry {run} too, so that it gets the new result."
    )
    return retry_run(run.pk, by=dave, reason="Mended.")


def test_a_child_that_has_succeeded_since_is_taken_in(dave: User) -> None:
    run, child = failed_above("above_broken")
    saw.append("mended")
    retry_run(child.pk, by=dave, reason="Mended.")
    assert carried_on(child).status == "succeeded"

    told = retry_run(run.pk, by=dave, reason="Mended.")

    assert told == "The run continues. It gets the new result of broken_child."
    assert carried_on(run).status == "succeeded"


def test_a_child_that_is_still_ending_must_have_ended_first(dave: User) -> None:
    run, child = failed_above("above_broken")
    Run.objects.filter(pk=child.pk).update(status="running", cancel_requested_at=clock.now())

    with pytest.raises(OperationRefusedError, match="is still ending"):
        retry_run(run.pk, by=dave, reason="Again.")

    assert status_of(run) == "failed"


@pytest.mark.parametrize("is_held", [True, False])
def test_a_child_whose_grandparent_ends_is_not_retried(dave: User, is_held: bool) -> None:  # noqa: FBT001
    top = carried_on(start_run("above_failures", {}, by=None)[0])
    middle = carried_on(child_of(top))
    child = carried_on(child_of(middle))
    assert child.status == "failed"
    carried_on(middle)
    Run.objects.filter(pk=top.pk).update(
        status="running" if is_held else "cancelled", cancel_requested_at=clock.now()
    )

    words = "is being cancelled" if is_held else "was cancelled"
    with pytest.raises(OperationRefusedError, match=f"The run's parent .* {words}"):
        retry_run(child.pk, by=dave, reason="Again.")

    assert status_of(child) == "failed"


def test_the_child_of_a_cancelled_run_is_not_retried(dave: User) -> None:
    child = failed_child("outliving", number=4)
    assert child.parent_wait
    cancel_run(child.parent_wait.run_id, by=dave, reason="Enough.")

    with pytest.raises(OperationRefusedError, match="was cancelled"):
        retry_run(child.pk, by=dave, reason="Again.")

    assert carried_on(child).status == "failed"


def test_a_child_whose_failure_is_known_goes_on_alone_and_that_is_told(dave: User) -> None:
    child = failed_child("outliving", number=4)

    told = retry_run(child.pk, by=dave, reason="Again.")

    assert told.endswith("has recorded the failure and won't get the new result.")
    assert carried_on(child).status == "failed"


def test_a_child_that_fails_again_counts_once_for_its_map(admin_user: User) -> None:
    run = run_until_it_waits("mapping", by=admin_user, numbers=[-1, -2], collect=True)
    first, second = Run.objects.filter(parent_wait__run=run).order_by("pk")
    for child in (first, second):
        carried_on(child)
    respond(request_of(first).pk, Answer(value=False), by=admin_user)
    carried_on(first)

    retry_run(first.pk, by=admin_user, reason="Once more.")

    assert carried_on(first).status == "failed"
    assert carried_on(run).status == "waiting"
    respond(request_of(second).pk, Answer(value=True), by=admin_user)
    carried_on(second)
    assert carried_on(run).result == '["doubled[1] failed: -1 was refused.",-4]'
