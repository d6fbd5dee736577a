"""What the benchmarks run. Times are taken inside, between two lines of a procedure."""

import time

from procedures.engine import Context, procedure

PROMPT = "Shall it go on? ".ljust(200, "x")


def nothing() -> None:
    pass


@procedure
def empty_steps(ctx: Context, count: int, *, pure: bool = False) -> float:
    """Seconds that so many steps took, each kept before the next."""
    began = time.perf_counter()
    for _ in range(count):
        ctx.step(nothing, pure=pure)
    return time.perf_counter() - began


@procedure
def answered(ctx: Context, checkpoints: int) -> float:
    """When the line after the answer ran, by the machine's clock."""
    for _ in range(checkpoints):
        ctx.step(nothing, pure=True)
    ctx.approve("Go on?")
    return time.time()


@procedure
def resumed(ctx: Context, checkpoints: int) -> tuple[float, float]:
    """When the line after so many steps ran: by the process's own clock, and by its thread's."""
    for _ in range(checkpoints):
        ctx.step(nothing)
    return time.perf_counter(), time.thread_time()


@procedure(roles={"answer": "bench"})
def asking(ctx: Context) -> float:
    """When the line after the answer ran, by the machine's clock."""
    ctx.approve(PROMPT)
    return time.time()
