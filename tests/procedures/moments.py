"""Time, chance, and what people see meanwhile."""

from contextlib import suppress

from procedures.engine import BranchFailedError, Context, File, Retry, Step, procedure
from tests.procedures.traces import act, let_others_act, saw


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


@procedure
def times_of_failures(ctx: Context) -> None:
    """Looks at the clock after a pure step that failed at first, and after a gather that failed."""
    times = [ctx.now()]
    ctx.step(look_at_last, name="look", pure=True, retry=Retry(2, backoff="1ms"))
    times.append(ctx.now())
    with suppress(BranchFailedError):
        ctx.gather(break_after_a_while)
    saw.append([*times, ctx.now()])
    ctx.approve("Go on?")


def look_at_last(step: Step) -> None:
    let_others_act()
    if step.attempt == 1:
        raise OSError("Not yet.")


def break_after_a_while(ctx: Context) -> None:
    ctx.step(let_others_act, name="wait")
    raise ValueError("It broke.")


def look_and_tell(step: Step) -> str:
    step.say("I look.")
    step.progress("line 1")
    step.progress("line 2")
    return act("look")


@procedure
def telling_what_it_looks_at(ctx: Context) -> None:
    ctx.step(look_and_tell, pure=True)
    for _ in range(2):
        ctx.approve("Go on?")


@procedure
def given_anew(ctx: Context) -> None:
    first, second = saw
    ctx.step(act, first, name="load")
    ctx.step(act, second, name="send")
    ctx.log("Both are done.")
    for _ in range(3):
        ctx.approve("Go on?")
