"""Steps for workers that are stopped, signalled, or out of memory; see `Desk`."""

import os
import signal
import subprocess
import sys
from typing import Literal

from procedures.engine import Context, Retry, Step, procedure
from tests.crash.doings import add_row
from tests.crash.procedures import ROLES, act, write_mark

Kind = Literal["plain", "once", "transaction"]


def use_program(folder: str, seconds: float, step: Step) -> str:
    """Starts a program that a signal to the whole group reaches, too."""
    write_mark(folder, step)
    subprocess.run(["sleep", str(seconds)], check=True)  # noqa: S607
    return step.name


@procedure(roles=ROLES)
def program(ctx: Context, folder: str, seconds: float = 30) -> str:
    ctx.compensate(act, folder, name="undo")
    return ctx.step(use_program, folder, seconds, name="program")


@procedure(roles={**ROLES, "operate": "operators"})
def three_kinds(ctx: Context, folder: str) -> list[str]:
    """A step of each kind, each of which has an end that can be waited for."""
    ctx.compensate(act, folder, name="undo")
    return [
        ctx.step(act, folder, name="plain"),
        ctx.step(act, folder, name="once", once=True),
        ctx.step(add_row, folder, name="row", transaction=True),
        ctx.step(act, folder, name="last"),
    ]


def leave_by_itself(folder: str, how: str, step: Step) -> None:
    write_mark(folder, step)
    match how:
        case "exit":
            sys.exit("The author's own.")
        case "interrupt":
            raise KeyboardInterrupt
        case "os error":
            raise OSError(28, "The author's own disk is full.")


@procedure(roles=ROLES)
def leaving(ctx: Context, folder: str, how: str) -> None:
    ctx.step(leave_by_itself, folder, how, name="leave", retry=Retry(2, backoff="10ms"))


def run_out_of_memory(folder: str, how: str, step: Step) -> None:
    write_mark(folder, step)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise MemoryError


@procedure(roles=ROLES)
def hungry(ctx: Context, folder: str, how: str) -> None:
    ctx.compensate(act, folder, name="undo")
    ctx.step(run_out_of_memory, folder, how, name="eat", retry=Retry(5, backoff="10ms"))
