"""What the benchmarks run. Times are taken inside, between two lines of a procedure."""

import time

from procedures.engine import Context, procedure


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
def three_steps(ctx: Context) -> None:
    for _ in range(3):
        ctx.step(nothing)


@procedure
def answered(ctx: Context, checkpoints: int) -> list[float]:
    """When the code began again after the answer, and when its next line ran."""
    began = time.time()
    for _ in range(checkpoints):
        ctx.step(nothing, pure=True)
    ctx.approve("Go on?")
    return [began, time.time()]
