"""Waits of each kind, one by one, as procedures of many waits come to them."""

from collections.abc import Callable
from typing import Any

from procedures.engine import (
    ChildFailedError,
    Context,
    Handle,
    RequestExpiredError,
    Retry,
    Step,
    procedure,
)


@procedure
def child(ctx: Context, number: int) -> int:
    return number if ctx.approve(f"Child {number}?") else 0


@procedure
def sleeping_child(ctx: Context, number: int) -> int:
    ctx.sleep(number % 3 + 1)
    return number


@procedure
def failing_child(ctx: Context, number: int) -> int:
    raise ValueError(str(ctx.approve(f"Fail {number}?").value))


@procedure
def talker(ctx: Context, to: str, number: int) -> None:
    ctx.sleep(number % 4)
    ctx.send(to, "paid", number)


def flaky(step: Step) -> int:
    if step.attempt < 3:
        raise ConnectionError("The bank does not answer.")
    return step.attempt


def wait_any(ctx: Context, number: int) -> Any:
    asked = ctx.later.approve(f"Any {number}?")
    return ctx.wait_any(ctx.timer("3m"), asked, ctx.timer("4m")).key


def keep_open(ctx: Context, number: int) -> Any:
    first = ctx.wait_any(ctx.timer("2m"), ctx.signal("paid", int), keep_open=True)
    return first.kind, number


def two_at_once(ctx: Context, number: int) -> Any:
    both = [ctx.later.ask(f"{'long ' * (number % 4)}?", name="one"), ctx.later.ask("?", name="two")]
    return [handle.wait().value for handle in both]


def finished(ctx: Context, number: int) -> Any:
    handles: list[Handle[Any]] = [
        ctx.timer(f"{3 - number % 3}m"),
        ctx.later.approve("Next?"),
        ctx.signal("paid", int),
    ]
    return [one.kind for one in ctx.as_finished(handles)]


def branches(ctx: Context, number: int) -> Any:
    def left(inner: Context) -> Any:
        return inner.ask(f"Left {number}?").value

    def right(inner: Context) -> Any:
        inner.sleep("1m")
        return inner.state.increment("right", 1)

    return ctx.gather(left, right)[0]


def failing(ctx: Context, number: int) -> str:
    try:
        return str(ctx.call(failing_child, number=number))
    except ChildFailedError as error:
        return str(error)


def expired(ctx: Context, _: int) -> str:
    try:
        return ctx.ask("Nobody?", expires="30s", on_timeout="fail").value
    except RequestExpiredError as error:
        return str(error)


def sent(ctx: Context, number: int) -> Any:
    child = ctx.spawn(talker, to=ctx.run_id, number=number)
    return ctx.signal("paid", int).wait().value, child.status


def misfit(ctx: Context, number: int) -> bool:
    ctx.spawn(talker, to=ctx.run_id, number=number)
    return ctx.signal("paid", str, expires="10m").wait().timed_out


def statuses(ctx: Context, _: int) -> list[str]:
    asked = ctx.later.approve("Still open?")
    before = asked.status
    ctx.sleep("2m")
    return [before, asked.status, str(asked.wait().value), asked.status]


KINDS: dict[str, Callable[[Context, int], Any]] = {
    "approve": lambda ctx, number: bool(ctx.approve(f"Go on {number}?", evidence={"n": number})),
    "ask": lambda ctx, number: ctx.ask("Who?", expires="2m", default=str(number)).value,
    "choose": lambda ctx, _: ctx.choose("How?", ["sea", "air"]).value,
    "sleep": lambda ctx, number: ctx.sleep(number % 3),
    "timer": lambda ctx, _: ctx.timer("1m").wait().isoformat(),
    "signal": lambda ctx, _: ctx.signal("paid", int).wait().value,
    "retry": lambda ctx, _: ctx.step(flaky, retry=Retry(3, backoff="1m")),
    "agents": lambda ctx, _: ctx.wait_for_human("approval", "Fine?", 60, default_value=True).value,
    "call": lambda ctx, number: ctx.call(child, number=number),
    "spawn": lambda ctx, number: ctx.spawn(sleeping_child, number=number).wait(),
    "wait_any": wait_any,
    "keep_open": keep_open,
    "two at once": two_at_once,
    "as_finished": finished,
}
RARE: dict[str, Callable[[Context, int], Any]] = {
    "failing": failing,
    "expired": expired,
    "sent": sent,
    "misfit": misfit,
    "statuses": statuses,
    "collect": lambda ctx, number: [
        str(one) for one in ctx.map(failing_child, [{"number": number}], on_failure="collect")
    ],
    "wait_all": lambda ctx, number: len(
        ctx.wait_all(ctx.timer("3m"), ctx.spawn(child, number=number))
    ),
    "abandon": lambda ctx, number: (
        ctx.spawn(sleeping_child, number=number, on_parent_end="abandon").run_id
    ),
    "compensate": lambda ctx, _: ctx.compensate(flaky, retry=Retry(3, backoff="1m")),
    "gather": branches,
    "map": lambda ctx, number: ctx.map(
        child, [{"number": number + more} for more in range(3)], at_most=2
    ),
    "cancel": lambda ctx, number: ctx.spawn(sleeping_child, number=number).cancel("Not needed."),
    "withdraw": lambda ctx, _: ctx.later.approve("Really?").cancel("Not needed."),
    "state": lambda ctx, number: ctx.state.increment("total", number),
    "log": lambda ctx, number: ctx.log(f"At {number}"),
    "chance": lambda ctx, _: [ctx.random.random(), str(ctx.uuid()), ctx.now().isoformat()],
    "pure": lambda ctx, number: ctx.step(divmod, number, 3, name="divide", pure=True),
}
