"""Procedures for the benchmarks, which measure the time between two lines of their code."""

import time

from bench.tasks import tell_time
from procedures.engine import Context, procedure

ANSWERERS = "bench"
"""The group that answers."""
PROMPT = "Shall it go on? ".ljust(200, "x")


def nothing() -> None:
    pass


@procedure
def empty_steps(ctx: Context, count: int, *, pure: bool = False) -> float:
    """Return the seconds that so many steps took, each stored before the next."""
    began = time.perf_counter()
    for _ in range(count):
        ctx.step(nothing, pure=pure)
    return time.perf_counter() - began


@procedure
def answered(ctx: Context, checkpoints: int) -> None:
    """Tell the time when the line after the answer ran, by the machine's clock."""
    for _ in range(checkpoints):
        ctx.step(nothing)
    ctx.approve("Go on?")
    tell_time()


@procedure
def resumed(ctx: Context, checkpoints: int) -> tuple[float, float]:
    """Return the time when the line after the steps ran, by the process's and thread's clocks."""
    for _ in range(checkpoints):
        ctx.step(nothing)
    return time.perf_counter(), time.thread_time()


@procedure(roles={"answer": ANSWERERS})
def asking(ctx: Context) -> float:
    """Return the time when the line after the answer ran, by the machine's clock."""
    ctx.approve(PROMPT)
    return time.time()


@procedure(roles={"answer": "bench_desk"})
def asking_often(ctx: Context, times: int) -> None:
    for turn in range(times):
        ctx.approve(f"Shall it go on for the {turn + 1}. time?")


@procedure(roles={"answer": ANSWERERS})
def steps_and_approval(ctx: Context, count: int) -> bool:
    """Run steps, each stored before the next, then ask."""
    for _ in range(count):
        ctx.step(nothing)
    return bool(ctx.approve(PROMPT))
