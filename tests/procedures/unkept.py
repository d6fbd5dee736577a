"""Steps that do something, and return what cannot be kept."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, SecretStr, computed_field

from procedures.engine import Context, Retry, StepFailedError, procedure
from tests.procedures.traces import act, did, saw


class Reluctant(BaseModel):
    order: str = "A-7"

    @computed_field
    def shown(self) -> str:
        raise OSError("It is not said.")


def deepest() -> Any:
    value: Any = "payment"
    for _ in range(100_000):
        value = [value]
    return value


UNKEEPABLE: dict[str, Callable[[], Any]] = {
    "object": object,
    "nan": lambda: float("nan"),
    "infinity": lambda: [float("inf")],
    "surrogate": lambda: "\ud800",
    "bytes": lambda: b"\xff",
    "nested bytes": lambda: {"reference": [b"\xff"]},
    "deep": deepest,
    "large": lambda: "€" * (64 * 1024**2),
    "reluctant": Reluctant,
    "function": lambda: act,
    "words": lambda: "many",
    "secret": lambda: {"token": SecretStr("hunter2")},
}


def pay_oddly(kind: str) -> Any:
    did.append("pay")
    return UNKEEPABLE[kind]()


def count_oddly(kind: str) -> int:
    did.append("pay")
    return UNKEEPABLE[kind]()  # type: ignore[no-any-return]


async def pay_slowly(kind: str) -> Any:
    return pay_oddly(kind)


@procedure
def unkept(ctx: Context, kind: str = "bytes", once: bool = False, how: str = "pay") -> Any:  # noqa: FBT001, FBT002
    fn: Any = {"pay": pay_oddly, "count": count_oddly, "slowly": pay_slowly}[how]
    ctx.compensate(act, "cancel the order", name="cancel")
    paid = ctx.step(fn, kind, name="pay", once=once, retry=Retry(3, "10ms"), timeout="1m")
    ctx.compensate(act, "pay back", name="pay back")
    saw.append(paid)
    ctx.approve("Go on?")
    return paid


@procedure
def unkept_and_caught(ctx: Context) -> str:
    with suppress(StepFailedError):
        ctx.step(pay_oddly, "bytes", name="pay")
    ctx.approve("Go on?")
    return "went on"


@procedure
def unkept_in_vain(ctx: Context, pure: bool = False) -> None:  # noqa: FBT001, FBT002
    options: Any = {"pure": True} if pure else {"transaction": True}
    ctx.step(pay_oddly, "bytes", name="pay", retry=Retry(3, "10ms"), **options)


@procedure
def unkept_undoing(ctx: Context) -> None:
    ctx.compensate(act, "first", name="first")
    ctx.compensate(pay_oddly, "bytes", name="second", retry=Retry(3, "10ms"))
    ctx.compensate(act, "third", name="third")
    ctx.step(act, "book")
    raise ValueError("No room.")


def ask_and_pay(ctx: Context) -> Any:
    return ctx.step(pay_oddly, "bytes", name="pay")


def ask_only(ctx: Context) -> bool:
    return bool(ctx.approve("Beside?"))


@procedure
def unkept_in_a_branch(ctx: Context) -> list[Any]:
    return ctx.gather(ask_and_pay, ask_only)
