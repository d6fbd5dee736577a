"""Procedures whose steps write texts."""

from collections.abc import Callable
from typing import Any

from procedures.engine import Context, File, Retry, Step, procedure

__all__ = [
    "author",
    "posts_everything",
    "posts_what_is_asked",
    "report_before_a_question",
    "report_in_a_transaction",
    "report_in_pieces",
    "report_that_may_be_repeated",
    "report_written_again",
    "writes_after_its_end",
]

REPORT = ["# Report\n\n", "Three ", "orders, 12 €", ".\n"]


class Author:
    """The pieces that the steps write, and the events meanwhile."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.pieces: list[str] = [*REPORT]
        self.fails_in: tuple[int, ...] = ()
        """The attempts that fail after their last piece."""
        self.between: Callable[[], None] = lambda: None
        self.step: Step | None = None


author = Author()


def write_report(step: Step) -> int:
    author.step = step
    for piece in author.pieces:
        step.write(piece)
        author.between()
    if step.attempt in author.fails_in:
        raise RuntimeError("The pen broke.")
    return len(author.pieces)


@procedure
def report_in_pieces(ctx: Context) -> int:
    return ctx.step(write_report, name="write")


@procedure
def report_written_again(ctx: Context) -> int:
    return ctx.step(write_report, name="write", retry=Retry(2, backoff="1ms"))


@procedure
def report_in_a_transaction(ctx: Context) -> int:
    return ctx.step(write_report, name="write", transaction=True)


@procedure
def report_that_may_be_repeated(ctx: Context) -> int:
    return ctx.step(write_report, name="write", pure=True)


@procedure
def writes_after_its_end(ctx: Context) -> None:
    ctx.step(write_report, name="write")
    assert author.step
    author.step.write("Too late.")


@procedure
def report_before_a_question(ctx: Context) -> bool:
    ctx.step(write_report, name="write")
    return bool(ctx.approve("Send it?"))


def keep_list() -> File:
    return File.keep("list of orders.csv", "2024-1187\n")


@procedure
def posts_everything(ctx: Context) -> None:
    ctx.stage("Count")
    file = ctx.step(keep_list)
    ctx.notify(
        "The orders <b>of the week</b>",
        body="There is **one** order.\n\n[Its page](javascript:alert(1))",
        data=[{"order": "2024-1187", "amount": "12.00 €"}],
        files=[file],
        cites=["keep_list", "a/b#2"],
    )
    ctx.stage("Send")
    ctx.approve("Send it?")


@procedure
def posts_what_is_asked(ctx: Context, parts: dict[str, Any]) -> None:
    ctx.notify("So far", **parts)
