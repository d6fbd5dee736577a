"""The time of a step is up in the very moment in which something that it says is kept."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from procedures import hooks
from procedures.engine.journal.events import RunStatus
from procedures.runner import advance_run
from procedures.services import start_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alarm_after_each_notice() -> Iterator[None]:
    """Raise the alarm between a commit and its writer's next act."""

    def strike(**_: Any) -> None:
        transaction.on_commit(lambda: signal.raise_signal(signal.SIGALRM))

    hooks.notice.connect(strike)
    yield
    hooks.notice.disconnect(strike)


@pytest.mark.usefixtures("alarm_after_each_notice")
def test_the_step_has_failed_and_its_worker_keeps_the_run() -> None:
    run = start_run("greeting", {}, by=None)[0]

    advance_run(run.pk)

    run.refresh_from_db()
    kinds = [event.kind for event in run.events.order_by("seq")]
    assert run.status == RunStatus.FAILED
    assert kinds == ["run.started", "notice", "step.failed", "run.failed"]
