"""What a retry takes up again, and what it must leave."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from procedures.engine.journal import closing
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import OperationRefusedError, resolve_wait, retry_run, start_run
from tests import procedures
from tests.procedures import did, saw

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> Iterator[None]:
    procedures.forget()
    yield
    procedures.forget()


def carried_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def answer(run: Run, key: str, value: object) -> None:
    wait = run.waits.open().get(key=key)
    with transaction.atomic():
        resolve_wait(wait, closing("answered", value, responder="bob"), at=clock.now())


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

    with pytest.raises(OperationRefusedError, match="has been undone: start another run"):
        retry_run(run.pk, by=dave, reason="Again.")
