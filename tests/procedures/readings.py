"""Values shown to people that differ at each replay."""

import itertools

from procedures.engine import Context, procedure
from tests.procedures.traces import act, saw

clock = itertools.count(1)


def stock_reading() -> dict[str, object]:
    """A stock as somewhere else tells it, each time at another moment."""
    return {"stock": 5, "source": {"read_at": f"12:{next(clock):02}"}}


@procedure
def volatile_evidence(ctx: Context) -> bool:
    decision = ctx.approve("Order more?", evidence=stock_reading(), volatile="source.read_at")
    assert decision.question
    saw.append(decision.question.evidence)
    second = ctx.approve("Really?", evidence=stock_reading(), volatile=["source.read_at"])
    return bool(decision and second)


@procedure
def moving_evidence(ctx: Context) -> bool:
    return bool(ctx.approve("Order more?", evidence=stock_reading()))


@procedure
def headed_evidence(ctx: Context, header: str) -> bool:
    return bool(ctx.approve("Order more?", evidence={header: next(clock)}))


@procedure
def moving_metadata(ctx: Context) -> bool:
    return bool(ctx.approve("Order more?", evidence={"stock": 5}, metadata=stock_reading()))


@procedure
def volatile_act(ctx: Context) -> str:
    """The evidence may differ, the act may not: what is not shown is asked again."""
    bound = ctx.bind(act, f"at {next(clock)}", name="act")
    decision = ctx.approve("Act?", evidence=bound, volatile="what")
    return str(ctx.step(bound, approved_by=decision))
