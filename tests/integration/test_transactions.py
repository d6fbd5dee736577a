"""Steps whose own writes and checkpoint are one commit."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User

from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import retry_run, start_run
from tests import machine, procedures
from tests.procedures import did, saw

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> Iterator[None]:
    procedures.forget()
    yield
    procedures.forget()


def started(name: str, **inputs: object) -> Run:
    return start_run(name, inputs, by=None)[0]


def kinds(run: Run) -> list[str]:
    return [e.kind for e in run.events.order_by("seq") if e.kind.startswith("step.")]


def rows() -> list[str]:
    return list(Group.objects.filter(name__startswith="row").values_list("name", flat=True))


def test_both_are_kept() -> None:
    run = started("writing")

    advance_run(run.pk)

    run.refresh_from_db()
    assert (run.status, rows(), kinds(run)) == (
        RunStatus.SUCCEEDED,
        ["row 1"],
        ["step.succeeded"],
    )


def test_of_a_failure_nothing_is_kept_but_itself() -> None:
    saw.append("fails")
    run = started("writing")

    advance_run(run.pk)

    run.refresh_from_db()
    assert (run.status, rows(), kinds(run)) == (RunStatus.FAILED, [], ["step.failed"])


def test_a_failure_is_tried_again() -> None:
    saw.append("fails")
    run = started("writing", attempts=2)

    advance_run(run.pk)

    run.refresh_from_db()
    assert (run.status, rows()) == (RunStatus.SUCCEEDED, ["row 2"])


def test_a_worker_that_dies_after_the_write_leaves_no_half() -> None:
    saw.append("dies")
    run = started("writing")
    with pytest.raises(KeyboardInterrupt):
        advance_run(run.pk)
    assert (rows(), kinds(run)) == ([], [])

    Run.objects.filter(pk=run.pk).update(leased_until=clock.now())
    advance_run(run.pk)

    run.refresh_from_db()
    assert (run.status, rows(), did) == (RunStatus.SUCCEEDED, ["row 1"], [1, 1])


def test_what_such_a_step_says_is_kept_with_its_end() -> None:
    run = started("talking_transaction")

    advance_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.SUCCEEDED
    said = [event.kind for event in run.events.order_by("seq")][1:-1]
    assert said == ["progress", "notice", "step.succeeded"]


on_postgres = pytest.mark.skipif(
    not machine.DATABASE_URL.startswith("postgres"), reason="SQLite has no connections to lose."
)


def carried_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


@on_postgres
@pytest.mark.parametrize("attempts", [1, 2])
def test_a_connection_lost_within_is_no_failure_and_leaves_one_effect(attempts: int) -> None:
    saw.append("loses")
    run = carried_on(started("losing_the_connection", attempts=attempts))
    assert (run.status, rows(), kinds(run)) == (RunStatus.RUNNING, [], [])

    Run.objects.filter(pk=run.pk).update(leased_until=clock.now())
    carried_on(run)

    assert (run.status, rows(), did) == (RunStatus.SUCCEEDED, ["row"], [1, 1])


@on_postgres
def test_a_connection_lost_unseen_is_found_at_the_checkpoint() -> None:
    saw.append("loses unseen")
    run = carried_on(started("losing_the_connection"))
    assert (run.status, rows(), kinds(run)) == (RunStatus.RUNNING, [], [])

    Run.objects.filter(pk=run.pk).update(leased_until=clock.now())
    carried_on(run)

    assert (run.status, rows(), did) == (RunStatus.SUCCEEDED, ["row"], [1, 1])


def test_a_refused_commit_holds_the_run_until_it_is_mended(dave: User) -> None:
    run = carried_on(started("refused_by_the_commit"))

    assert (run.status, rows(), kinds(run)) == (RunStatus.QUARANTINED, [], ["step.succeeded"])
    assert "IntegrityError" in run.error
    numbers = list(run.events.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, run.head_seq + 1))

    saw.append("mended")
    retry_run(run.pk, by=dave, reason="The row is there.")
    carried_on(run)

    assert (run.status, rows(), did) == (
        RunStatus.SUCCEEDED,
        ["row 3"],
        ["before", "write", "write"],
    )


def test_a_result_that_cannot_be_kept_takes_the_writes_back() -> None:
    run = carried_on(started("writing_oddly"))

    assert (run.status, rows(), kinds(run)) == (RunStatus.FAILED, [], ["step.failed"])
    assert did == ["write"]
