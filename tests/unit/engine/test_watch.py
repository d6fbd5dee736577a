"""The watch over code that computes between two calls of the context."""

import time
from contextlib import suppress

import pytest

from procedures.engine import Context, OptionError, procedure
from procedures.testing import run_procedure

SHORT = 0.02
"""Seconds of processor time."""


def compute(seconds: float = SHORT * 2) -> None:
    ends = time.thread_time() + seconds
    while time.thread_time() < ends:
        pass


@procedure
def endless(ctx: Context, how: str) -> str:
    """Never ends by itself."""
    with ctx.watch(SHORT) as watch:
        while True:
            watch.place = "order.txt, line 7"
            watch.check()
            with watch.resting():
                if how == "in empty rests":
                    compute(SHORT / 10)
            compute(SHORT / 10)


@pytest.mark.parametrize("how", ["alone", "in empty rests"])
def test_code_that_computes_too_long_fails_as_limit_reached(how: str) -> None:
    run = run_procedure(endless, {"how": how})
    assert run.error
    assert run.error["type"] == "LimitReached"
    assert run.error["message"].startswith(
        "order.txt, line 7: the code has computed for more than 0.02 s without a step,"
    )


@procedure
def patient(ctx: Context) -> str:
    with ctx.watch(SHORT) as watch:
        with watch.resting():
            ctx.step(compute)
        watch.check()
        with watch.resting():
            ctx.log("Halfway.")
            compute()
        watch.check()
        with watch.resting():
            return "done" if ctx.approve("Go on?") else "stopped"


def test_the_time_of_calls_doesnt_count() -> None:
    assert run_procedure(patient, humans=lambda _: True).result == "done"


@procedure
def piecewise(ctx: Context) -> str:
    with ctx.watch(SHORT * 10) as watch:
        for number in range(3):
            compute(SHORT * 7)
            watch.check()
            with watch.resting():
                ctx.log(f"Piece {number}")
    return "done"


def test_after_a_call_the_time_is_counted_anew() -> None:
    assert run_procedure(piecewise).result == "done"


@procedure
def catching(ctx: Context) -> str:
    with ctx.watch(SHORT) as watch:
        with suppress(BaseException):
            watch.fail("The program needs too much memory.")
        ctx.log("It goes on.")
    return "done"


def test_whoever_catches_it_gets_it_again() -> None:
    run = run_procedure(catching)
    assert run.error
    assert run.error["message"] == "The program needs too much memory."


@pytest.mark.parametrize("seconds", [0, -1, True, "2s", None, float("nan")])
def test_a_watch_needs_a_number_of_seconds(seconds: object) -> None:
    @procedure
    def watching(ctx: Context) -> None:
        ctx.watch(seconds)  # type: ignore[arg-type]

    error = run_procedure(watching).error
    assert error
    assert error["type"] == OptionError.__name__
