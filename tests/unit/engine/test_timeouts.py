"""A step that takes too long is stopped in the middle."""

import signal
from threading import Event

import pytest

from procedures.engine import Context, Retry, Step, procedure
from procedures.engine.journal.events import Batch, EventKind, RunStatus
from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.memory import MemoryRun
from procedures.testing.memory import MemoryStore
from tests.processes import run_python
from tests.unit.engine.running import kinds, message, run_through

NEVER = Event()


def test_it_fails_with_what_it_was_given(store: MemoryStore) -> None:
    @procedure
    def stuck(ctx: Context) -> None:
        ctx.step(NEVER.wait, 60, name="wait", timeout=0.05)

    run = run_through(store, stuck)

    assert run.status == RunStatus.FAILED
    assert message(run) == (
        "wait: StepTimeoutError: The step wait took longer than its timeout of 0.05 s."
    )


def test_it_is_tried_again_as_its_retry_says(store: MemoryStore) -> None:
    def stuck_at_first(step: Step) -> int:
        if step.attempt == 1:
            NEVER.wait(60)
        return step.attempt

    @procedure
    def stuck_once(ctx: Context) -> int:
        return ctx.step(stuck_at_first, timeout=0.05, retry=Retry(2, backoff="1ms"))

    assert run_through(store, stuck_once).result == "2"


def test_careless_code_cannot_keep_the_end_of_its_time(store: MemoryStore) -> None:
    def careless() -> str:
        try:
            NEVER.wait(60)
        except Exception:  # noqa: BLE001 (authors do that)
            return "caught"
        return "done"

    @procedure
    def stuck(ctx: Context) -> str:
        return ctx.step(careless, timeout=0.05)

    assert run_through(store, stuck).status == RunStatus.FAILED


def test_a_coroutine_is_stopped_too(store: MemoryStore) -> None:
    async def endless() -> None:
        while True:
            NEVER.wait(0.01)

    @procedure
    def stuck(ctx: Context) -> None:
        ctx.step(endless, timeout=0.05)

    assert "timeout of 0.05 s" in message(run_through(store, stuck))


def test_a_quick_step_is_not_stopped(store: MemoryStore) -> None:
    @procedure
    def quick(ctx: Context) -> int:
        result: int = ctx.step(abs, -1, timeout="1m")
        return result

    assert run_through(store, quick).result == "1"


@pytest.mark.parametrize("doing", [{"pure": True, "once": True}, {"timeout": "soon"}])
def test_options_that_cannot_be_are_refused(store: MemoryStore, doing: dict[str, object]) -> None:
    @procedure
    def wrong(ctx: Context) -> None:
        ctx.step(abs, -1, **doing)  # type: ignore[call-overload]

    assert run_through(store, wrong).status == RunStatus.FAILED


class LateStore(MemoryStore):
    """The time is up when a notice is kept, and its writer does not know it yet."""

    def write(self, run: MemoryRun, batch: Batch) -> list[JournalEvent]:
        events = super().write(run, batch)
        if events[0].kind == EventKind.NOTICE:
            signal.raise_signal(signal.SIGALRM)
        return events


def test_what_is_kept_as_the_time_is_up_is_counted_first() -> None:
    def greet(step: Step) -> None:
        step.say("Hello.")
        step.say("I go on.")

    @procedure
    def greeting(ctx: Context) -> None:
        ctx.step(greet, timeout="1h")

    run = run_through(LateStore(), greeting)

    assert run.status == RunStatus.FAILED
    assert kinds(run) == ["run.started", "notice", "step.failed", "run.failed"]


STOPPED = """
import os, signal, subprocess, sys
from threading import Event
from procedures.engine.replay.timeouts import TimeIsUp, time_limit

def be_stopped():
    again = f"sleep 3; kill -CONT {os.getpid()}"
    with subprocess.Popen(["sh", "-c", again]):
        os.kill(os.getpid(), signal.SIGSTOP)
        Event().wait(60)

def call_c():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as a call in C holds it back
    Event().wait(3)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    Event().wait(60)

def work_in_c():
    pow(7, 12_000_000)
    Event().wait(60)

try:
    with time_limit(0.3, lambda: None):
        globals()[sys.argv[1]]()
except TimeIsUp as up:
    print(up.stood_still)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "stood_still"), [("be_stopped", "True"), ("call_c", "False"), ("work_in_c", "False")]
)
def test_time_that_a_stopped_process_did_not_have_is_told(how: str, stood_still: str) -> None:
    assert run_python(STOPPED, how).strip() == stood_still
