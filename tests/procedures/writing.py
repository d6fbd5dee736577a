"""Procedures whose steps write texts."""

from collections.abc import Callable

from procedures.engine import Context, Retry, Step, procedure

__all__ = [
    "author",
    "report_before_a_question",
    "report_in_pieces",
    "report_written_again",
    "writes_after_its_end",
]

REPORT = ["# Report\n\n", "Three ", "orders, 12 €", ".\n"]


class Author:
    """What the steps write, and what happens to them while they do."""

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
def writes_after_its_end(ctx: Context) -> None:
    ctx.step(write_report, name="write")
    assert author.step
    author.step.write("Too late.")


@procedure
def report_before_a_question(ctx: Context) -> bool:
    ctx.step(write_report, name="write")
    return bool(ctx.approve("Send it?"))
