"""Texts that steps write from other threads than their own."""

import sys
import threading
from collections.abc import Iterator

import pytest

from procedures.engine import Context, Step, procedure
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.payloads import written_in
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import kinds, run_through

HELPERS = 16


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def write_by_helpers(step: Step) -> None:
    gate = threading.Barrier(HELPERS)

    def help_out(number: int) -> None:
        gate.wait()
        step.write(f"{number},")

    helpers = [threading.Thread(target=help_out, args=(number,)) for number in range(HELPERS)]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join()


@procedure
def helped(ctx: Context, times: int) -> None:
    for _ in range(times):
        ctx.step(write_by_helpers)


@pytest.mark.usefixtures("hasty_threads")
def test_helpers_that_write_first_and_at_once_lose_nothing_and_never_touch_the_journal() -> None:
    run = run_through(MemoryStore(), helped, times=5)

    texts = [written_in(one.content) for one in run.events if one.kind == EventKind.NOTICE]
    assert [sorted(text.split(",")) for text in texts] == [
        sorted(["", *map(str, range(HELPERS))])
    ] * 5
    assert EventKind.PROGRESS not in kinds(run)
