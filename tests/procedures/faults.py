"""Mistakes of authors."""

import sys
from collections.abc import Callable
from typing import Any

from procedures.engine import Context, Retry, procedure
from tests.procedures.traces import act, saw


@procedure
def leaver(ctx: Context, inside: str) -> None:
    if inside == "step":
        ctx.step(sys.exit, 3, name="leave")
    sys.exit(3)


@procedure
def swallower(ctx: Context) -> str:
    try:
        ctx.approve("Go?")
    except BaseException:  # noqa: BLE001 (that is what is wrong)
        saw.append("swallowed")
    return "went on"


@procedure
def stubborn(ctx: Context) -> None:
    """Calls everything again while its suspension passes."""
    try:
        ctx.approve("Go?")
    finally:
        for call in (
            lambda: ctx.step(act, "while leaving"),
            lambda: ctx.log("while leaving"),
            lambda: ctx.approve("Another?"),
            lambda: ctx.sleep("1h"),
            ctx.now,
            ctx.uuid,
            lambda: ctx.random,
        ):
            try:
                saw.append(call())
            except BaseException as error:  # noqa: BLE001 (they are looked at)
                saw.append(type(error).__name__)


@procedure
def context_in_step(ctx: Context, call: str) -> None:
    def use() -> Any:
        calls: dict[str, Callable[[], Any]] = {
            "step": lambda: ctx.step(act, "within"),
            "approve": lambda: ctx.approve("Go?"),
            "sleep": lambda: ctx.sleep("1h"),
            "log": lambda: ctx.log("within"),
            "state": lambda: ctx.state.update(count=1),
            "now": ctx.now,
            "uuid": ctx.uuid,
            "random": lambda: ctx.random.choice("ab"),
        }
        calls[call]()

    ctx.step(use, retry=Retry(attempts=3))
