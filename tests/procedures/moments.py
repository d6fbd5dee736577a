"""Time, chance, and what people see meanwhile."""

from procedures.engine import Context, File, procedure
from tests.procedures.traces import act, saw


@procedure
def nap(ctx: Context) -> str:
    ctx.sleep("1h")
    return ctx.step(act, "awake")


@procedure
def talkative(ctx: Context) -> int:
    ctx.stage("Begin")
    ctx.progress("Half.", done=1, total=2)
    ctx.state["count"] = 1
    ctx.log("Counting.", level="debug")
    for _ in range(2):
        ctx.approve("Go on?")
        ctx.state["count"] += 1
        ctx.notify("Counted.")
    return int(ctx.state["count"])


@procedure
def oddly_spoken(ctx: Context) -> str:
    """Says everywhere what a database could not keep as it is."""
    odd = "a\0b\ud800" + "ü" * 300
    ctx.stage(odd)
    ctx.log(odd)
    ctx.notify(odd)
    ctx.state["a\0b" + "ü" * 300] = "a\0b"
    ctx.step(lambda: File.keep("a\0b/" + odd, "a\0b"), name="keep")
    ctx.approve(odd, body="a\0b", evidence={"a\0b": "a\0b"}, yes=odd)
    raise ValueError(odd)


@procedure
def chance(ctx: Context) -> None:
    drawn = [ctx.now(), ctx.uuid(), ctx.random.random()]
    ctx.step(act, "kept")
    drawn += [ctx.now(), ctx.uuid(), ctx.random.random()]
    ctx.log("Noted, and no reason for another time.")
    drawn += [ctx.now()]
    saw.append(drawn)
    ctx.approve("Go on?")
    saw[-1].append(ctx.now())
    ctx.approve("Once more?")
