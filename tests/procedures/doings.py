"""The options of steps, undoing, beginning anew, changed code."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

from procedures.engine import Context, Retry, Step, StepFailedError, procedure
from tests.procedures.traces import act, did, let_others_act, saw


async def later_done(what: str) -> str:
    await asyncio.sleep(0)
    return act(what)


@procedure
def asynchronous(ctx: Context) -> str:
    return ctx.step(later_done, "async", name="later")


async def talk_later(step: Step) -> str:
    step.progress("Half", done=1, total=2)
    step.say("The run continues.")
    return await later_done("talked")


@procedure
def asynchronous_talk(ctx: Context) -> str:
    return ctx.step(talk_later)


@procedure
def pure_steps(ctx: Context, count: int) -> int:
    total: int = sum(ctx.step(abs, number, name="abs", pure=True) for number in range(count))
    ctx.step(act, "effect", name="effect")
    ctx.step(abs, -1, name="last", pure=True)
    ctx.approve("Enough?")
    return total


def charge(step: Step) -> str:
    did.append(step.idempotency_key.partition(":")[2])
    if "dies" in saw:
        saw.remove("dies")
        raise KeyboardInterrupt
    return "charged"


@procedure
def charging(ctx: Context) -> str:
    result = ctx.step(charge, once=True)
    ctx.approve("More?")
    return f"{result}, {ctx.step(charge, once=True, name='more')}"


def charge_in_vain(step: Step) -> None:
    charge(step)
    raise OSError("The bank is closed.")


@procedure
def charging_in_vain(ctx: Context) -> None:
    with suppress(StepFailedError):
        ctx.step(charge_in_vain, name="charge", once=True)
    ctx.approve("Go on without?")


@procedure
def strictly(ctx: Context, strict: bool = True) -> str:  # noqa: FBT001, FBT002
    ctx.step(act, saw[-1], name="load", strict=strict)
    ctx.approve("Go on?")
    return "done"


def pay(order: str, amount: int, currency: str = "EUR") -> str:
    return act(f"pay {order} {amount} {currency}")


@procedure
def approved_payment(ctx: Context) -> str:
    payment = ctx.bind(partial(pay, amount=31), order="A-1")
    decision = ctx.approve("Pay?", evidence=payment)
    if "more" in saw:
        payment = ctx.bind(partial(pay, amount=31_000), order="A-1")
    return ctx.step(payment, approved_by=decision)


def break_down() -> None:
    did.append("break down")
    raise ValueError("It broke.")


@procedure
def compensating(ctx: Context, fails: bool = True) -> None:  # noqa: FBT001, FBT002
    ctx.compensate(act, "release the room", name="release")
    ctx.step(act, "book a room", name="book")
    ctx.compensate(act, "take back the money", name="refund")
    ctx.step(act, "take money", name="take")
    ctx.approve("Go on?")
    if fails:
        ctx.step(break_down)


@procedure
def slowly_undone(ctx: Context) -> None:
    ctx.compensate(fail_once, name="refund", retry=Retry(3, backoff="10m"))
    ctx.approve("Go on?")


def fail_once(step: Step) -> None:
    did.append(step.attempt)
    if step.attempt == 1:
        raise OSError("down")


@procedure
def doubtfully_undone(ctx: Context) -> None:
    ctx.compensate(charge, name="refund", once=True)
    ctx.approve("Go on?")


@procedure
def slowly_done(ctx: Context) -> None:
    ctx.compensate(act_at_last, "back out", name="back out", retry=Retry(2, backoff="10m"))
    ctx.step(act_at_last, "go in", name="go in", retry=Retry(2, backoff="10m"))


def act_at_last(what: str, step: Step) -> None:
    did.append((what, step.attempt))
    if step.attempt < 2:
        raise OSError("Not yet.")


@procedure
def undone_by_mortals(ctx: Context) -> None:
    ctx.compensate(die_as_often_as_told, name="last")
    ctx.compensate(act, "first", name="first")
    ctx.approve("Go on?")


def die_as_often_as_told() -> None:
    if saw:
        saw.pop()
        raise KeyboardInterrupt
    act("last")


@procedure
def booked_generations(ctx: Context, number: int = 1) -> int:
    ctx.compensate(act, f"unbook {number}", name="unbook")
    ctx.step(let_others_act)
    if number < 2:
        ctx.continue_as_new(number=number + 1)
    return number


@procedure
def forgetful(ctx: Context, number: int = 1) -> None:
    saw.append(dict(ctx.state))
    ctx.state["number"] = number
    ctx.compensate(act, f"undo {number}", name="undo")
    ctx.step(act, f"work {number}", name="work")
    ctx.signal("more").wait()
    if number < 2:
        ctx.continue_as_new(number=number + 1)
    raise ValueError("No.")


@procedure
def half_undone(ctx: Context) -> None:
    ctx.compensate(act, "first", name="first")
    ctx.compensate(break_down, name="second")
    raise ValueError("No.")


@procedure
def generations(ctx: Context, number: int = 1) -> int:
    ctx.step(act, f"generation {number}", name="work")
    ctx.later.ask("Anything else?")
    ctx.approve(f"Another one after {number}?")
    if number < 3:
        ctx.continue_as_new(number=number + 1)
    return number


@procedure
def leaves_a_question(ctx: Context, number: int = 1) -> int:
    ctx.later.ask("Anything else?")
    ctx.step(let_others_act)
    if number < 2:
        ctx.continue_as_new(number=number + 1)
    return number


@procedure
def choosy(ctx: Context) -> str:
    return ctx.step(fail_choosily, retry=Retry(5, backoff="1ms", non_retryable=(KeyError,)))


def fail_choosily(step: Step) -> str:
    did.append(step.attempt)
    raise OSError if step.attempt < 3 else KeyError("no such order")


@procedure
def impatient(ctx: Context) -> str:
    return ctx.step(fail_always, retry=Retry(50, backoff="10m", backoff_factor=1, deadline="25m"))


def fail_always(step: Step) -> str:
    did.append(step.attempt)
    raise OSError("down")


@procedure
def large_values(ctx: Context) -> list[int]:
    text = ctx.step(make_large, name="large")
    ctx.approve("Go on?")
    handle = ctx.signal("more", str)
    return [len(text), len(handle.wait().value)]


def make_large() -> str:
    did.append("large")
    return "x" * 100_000


def before_the_patch(ctx: Context) -> str:
    ctx.step(act, "old", name="old")
    ctx.approve("Go on?")
    return "old"


def after_the_patch(ctx: Context) -> str:
    is_new = ctx.patched("check first")
    if is_new:
        ctx.step(act, "check", name="check")
    ctx.step(act, "old", name="old")
    ctx.approve("Go on?")
    return "new" if is_new else "old"


patching = procedure(name="patching")(before_the_patch)
patched = procedure(name="patched")(after_the_patch)


@procedure
def agent_program(ctx: Context) -> list[Any]:
    seen: list[Any] = [ctx.checkpoint_exists("draft")]
    draft = ctx.step_run("draft", lambda: act("draft"))
    ctx.step_run("check", lambda: act("check"))
    seen.append(ctx.checkpoint_get("draft"))
    review = ctx.wait_for_human("review", "Good?", metadata={"artifact": draft, "tone": "calm"})
    seen.append(review.value)
    ctx.checkpoint_clear_after("draft")
    seen += [ctx.checkpoint_exists("draft"), ctx.checkpoint_exists("check")]
    ctx.step_run("check", lambda: act("check again"))
    said = ctx.wait_for_human("approval", "Send?", timeout_seconds=60, default_value=False)
    seen.append((said.value, said.timed_out))
    ctx.checkpoint_clear_all()
    seen.append(ctx.checkpoint_exists("draft"))
    return seen


def first_code(ctx: Context) -> str:
    ctx.step(act, "load", name="load")
    ctx.step(act, "check", name="check")
    ctx.approve("Pay?")
    return ctx.step(act, "pay", name="pay")


def without_a_step(ctx: Context) -> str:
    ctx.step(act, "load", name="load")
    ctx.approve("Pay?")
    return ctx.step(act, "pay", name="pay")


def with_another_question(ctx: Context) -> str:
    ctx.step(act, "load", name="load")
    ctx.step(act, "check", name="check")
    ctx.approve("Pay twice?")
    return ctx.step(act, "pay", name="pay")


shop = procedure(name="shop_before")(first_code)
shop_without_a_step = procedure(name="shop_without_a_step")(without_a_step)
shop_with_another_question = procedure(name="shop_with_another_question")(with_another_question)
