"""A row that the sweep can't mend keeps nobody else waiting."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import OperationalError

from procedures import hooks
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.services import sweep
from tests.calls import run_until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)
TIMERS = 3


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with more waits than a sweep takes at once, each of which is due first of all."""
    monkeypatch.setattr(import_module("procedures.services.sweep"), "LARGEST_SWEEP", TIMERS - 1)
    return run_until_it_waits("three_timers")


def test_a_locked_run_is_tried_once_and_crowds_nobody_out(held: Run) -> None:
    tried: list[str] = []

    def refuse(wait: Wait, **_: object) -> None:
        if wait.run_id == held.pk:
            tried.append(wait.key)
            raise OperationalError("canceling statement due to lock timeout")

    other = run_until_it_waits("three_timers")
    clock.ahead = timedelta(hours=3)
    hooks.wait_closed.connect(refuse)
    try:
        sweep()
        assert len(tried) == 1
        sweep()
    finally:
        hooks.wait_closed.disconnect(refuse)

    assert len(tried) == 2
    assert not other.waits.open().exists()
    assert held.waits.open().count() == TIMERS + 1

    for _ in range(2):
        sweep()

    assert not held.waits.open().exists()
