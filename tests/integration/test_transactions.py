"""Steps whose own writes and checkpoint are one commit."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group

from procedures.engine.journal import RunStatus
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run
from tests import procedures
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
