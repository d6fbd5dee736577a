"""The procedure of the races: steps, a question, a step that may fail, and a compensation."""

from collections import Counter

from procedures.engine import Context, Step, procedure

happened: Counter[tuple[str, str]] = Counter()
"""The number of times that each step has happened, by its run and its name."""


def happen(step: Step, *, fails: bool = False) -> str:
    run_id, _, name = step.idempotency_key.partition(":")
    happened[run_id, name] += 1
    if fails and happened[run_id, name] == 1:
        raise OSError("It is broken.")
    return name


def happen_or_fail(step: Step) -> str:
    return happen(step, fails=True)


@procedure
def raced(ctx: Context, undoes: bool = False, fails: bool = False) -> str:  # noqa: FBT001, FBT002
    if undoes:
        ctx.compensate(happen, name="undone")
    ctx.step(happen, name="first")
    ctx.step(happen, name="second")
    ctx.approve("Go on?")
    ctx.step(happen_or_fail if fails else happen, name="third")
    return ctx.step(happen, name="last")
