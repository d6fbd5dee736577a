"""Acts elsewhere while a step runs."""

from procedures.engine import Context, Step, procedure
from tests.procedures.traces import act, did, let_others_act, saw


def act_and_tell(step: Step) -> None:
    let_others_act()
    try:
        step.progress("still here")
    except BaseException:  # noqa: BLE001 (a step may be that careless)
        did.append("caught")


@procedure
def tells_after_others_acted(ctx: Context) -> str:
    ctx.step(act_and_tell)
    return ctx.step(act, "next", name="next")


@procedure
def others_act(ctx: Context) -> str:
    ctx.step(act, "before", name="before")
    ctx.step(let_others_act)
    return ctx.step(act, "after", name="after")


def work_once_mended(step: Step) -> str:
    did.append(f"attempt {step.attempt}")
    if "mended" not in saw:
        raise OSError("broken")
    return "worked"


@procedure
def broken(ctx: Context) -> str:
    ctx.step(act, "before", name="before")
    ctx.approve("Begin?")
    return ctx.step(work_once_mended, name="work")


@procedure
def others_act_then_it_asks(ctx: Context) -> bool:
    ctx.step(let_others_act)
    return bool(ctx.approve("Go on?"))


@procedure
def last_word(ctx: Context) -> str:
    return ctx.step(let_others_act)
