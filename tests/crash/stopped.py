"""Steps for workers that are stopped, signalled, or out of memory; see `Desk`."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal

from procedures.engine import Context, Retry, Step, procedure
from tests.crash.doings import add_row
from tests.crash.procedures import ROLES, act, write_mark

Kind = Literal["plain", "once", "transaction"]


PASS_THE_GATE = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_SH)"


def use_program(folder: str, step: Step) -> str:
    """Starts a program that waits at a gate, and that a signal to the whole group reaches, too."""
    write_mark(folder, step)
    gate = Path(folder, "program")
    subprocess.run([sys.executable, "-c", PASS_THE_GATE, str(gate)], check=True)
    return step.name


@procedure(roles=ROLES)
def program(ctx: Context, folder: str) -> str:
    ctx.compensate(act, folder, name="undo")
    return ctx.step(use_program, folder, name="program")


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


def burn() -> None:
    """Gives no other thread of Python a turn: one call in C, for minutes."""
    hang(10**9)


def hang(seconds: int) -> None:
    ctypes.PyDLL(None).sleep(seconds)  # which keeps Python's lock


def wait_for_ever() -> None:
    while True:
        threading.Event().wait(60)


@procedure(roles={**ROLES, "operate": "operators"})
def never_back(ctx: Context, where: Literal["step", "between", "in Python", "in C"]) -> None:
    ctx.step(str, where, name="begin")
    match where:
        case "step":
            ctx.step(wait_for_ever)
        case "in C":
            ctx.step(burn)
        case "between":
            wait_for_ever()
        case "in Python":
            while True:
                pass


def use_processes(how: str) -> list[int]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(how)) as executor:
        return list(executor.map(abs, [1, -4, 9]))


@procedure(roles=ROLES)
def parallel(ctx: Context, how: str) -> list[int]:
    return ctx.step(use_processes, how)
