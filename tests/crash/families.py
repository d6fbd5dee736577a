"""Children, sets of questions and signals, for processes that die; see `Desk`."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from procedures import hooks
from procedures.engine import Context, Retry, procedure
from procedures.engine.values.canonical import plain
from procedures.models import Run
from tests.crash.doings import add_row
from tests.crash.procedures import ROLES, act, leave_mark, stop_at, write_mark

STUBBORN = Retry(attempts=100, backoff="0.3s", backoff_factor=1)


@procedure(roles=ROLES)
def errand(ctx: Context, folder: str, number: int = 0) -> int:
    """A child's work."""
    ctx.step(write_mark, folder, name="errand", retry=STUBBORN)
    return number


@procedure(roles=ROLES)
def one_errand(ctx: Context, folder: str) -> int:
    ctx.call(errand, folder=folder, number=7)
    ctx.step(act, folder, name="after")
    return 7


@procedure(roles=ROLES)
def helper(ctx: Context) -> bool:
    return bool(ctx.approve("Help?"))


@procedure(roles=ROLES)
def asks_and_calls(ctx: Context, number: int = 1) -> None:
    """Its question is older than its child: what ends both closes the question first."""
    asked = ctx.later.approve("Pay?", name="pay")
    child = ctx.spawn(helper)
    if number < 2 and ctx.approve("Begin anew?", name="anew"):
        ctx.continue_as_new(number=2)
    ctx.wait_all(asked, child)


@procedure(roles=ROLES)
def many_errands(ctx: Context, folder: str, count: int, at_most: int) -> list[int]:
    inputs = [{"folder": folder, "number": number} for number in range(count)]
    results: list[int] = ctx.map(errand, inputs, at_most=at_most)
    return results


@procedure(roles=ROLES)
def either(ctx: Context) -> list[str]:
    first, second = (ctx.later.approve("Pay?", name=name) for name in ("first", "second"))
    won = ctx.wait_any(first, second)
    return [won.key, won.wait().responder]


@procedure(roles=ROLES)
def three_payments(ctx: Context, folder: str) -> list[int]:
    """Signals that come while it works are kept for later."""
    ctx.step(act, folder, name="work")
    return [ctx.signal("paid", int).wait().value for _ in range(3)]


@procedure(roles=ROLES)
def voyage(ctx: Context, folder: str, number: int) -> int:
    """Something of everything: for storms, where a step may find no room for its effect."""
    ctx.step(leave_mark, folder, name="pack", retry=STUBBORN)
    ctx.call(errand, folder=folder, number=number)
    ctx.step(add_row, folder, name="note", retry=STUBBORN, transaction=True)
    ctx.approve(f"Sail, number {number}?")
    ctx.step(leave_mark, folder, name="sail", retry=STUBBORN)
    paid = ctx.signal("paid", int).wait()
    ctx.step(leave_mark, folder, name="arrive", retry=STUBBORN)
    return paid.value


@receiver(hooks.run_ended)
def stop_as_a_child_ends(run: Run, **_: Any) -> None:
    """Stop in the transaction of its end, and between its commit and the report to its parent."""
    if run.procedure.name == errand.name:
        folder = plain(run.inputs)["folder"]
        stop_at(folder, "errand ends")
        transaction.on_commit(lambda: stop_at(folder, "errand to parent"))
