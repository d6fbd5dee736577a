"""Steps that get stuck, take turns, write rows, happen once or are undone; see `Desk`."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from procedures.engine import Context, Retry, Step, procedure
from tests.crash.procedures import ROLES, act, stop_at

TIMEOUT = "0.5s"


@contextmanager
def deafness() -> Iterator[None]:
    """No alarm comes through inside the block, which leaves the process as it was."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def get_stuck(folder: str, step: Step) -> str:
    """Waits at a closed gate, deaf to the signal that would stop it."""
    with deafness():
        return act(folder, step)


def add_row(folder: str, step: Step) -> str:
    """Leaves a row in a table of Django's."""
    stop_at(folder, f"before {step.name}")
    LogEntry.objects.create(
        user=User.objects.get(username="alice"),
        action_flag=ADDITION,
        object_repr=step.idempotency_key,
    )
    stop_at(folder, f"after {step.name}")
    return step.name


def add_row_and_fail(folder: str, step: Step) -> None:
    add_row(folder, step)
    raise ValueError("Too late.")


def add_row_and_get_stuck(folder: str, step: Step) -> str:
    with deafness():
        return add_row(folder, step)


def leave_a_thread() -> None:
    """Leaves a thread behind that holds a row, and on SQLite the whole database, for ever."""
    holds = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            User.objects.filter(username="alice").update(last_name="Held")
            holds.set()
            threading.Event().wait()

    threading.Thread(target=hold, daemon=True).start()
    holds.wait()


@procedure(roles=ROLES)
def thread_that_holds(ctx: Context, folder: str) -> None:
    ctx.step(leave_a_thread)


@procedure(roles=ROLES)
def slow_step(ctx: Context, folder: str) -> str:
    return ctx.step(act, folder, name="work", timeout=TIMEOUT)


@procedure(roles=ROLES)
def stuck_step(ctx: Context, folder: str, name: str, attempts: int = 1) -> str:
    retry = Retry(attempts=attempts, backoff="2s")
    return ctx.step(get_stuck, folder, name=name, timeout=TIMEOUT, retry=retry)


@procedure(roles=ROLES)
def stuck_transaction(ctx: Context, folder: str) -> str:
    retry = Retry(attempts=2, backoff="2s")
    return ctx.step(
        add_row_and_get_stuck, folder, name="note", timeout=TIMEOUT, retry=retry, transaction=True
    )


@procedure(roles=ROLES)
def three_steps(ctx: Context, folder: str) -> None:
    for _ in range(3):
        ctx.step(act, folder, name="work")


@procedure(roles=ROLES)
def row_and_step(ctx: Context, folder: str) -> str:
    """A row that is written with its step's result, and a step after it."""
    ctx.step(add_row, folder, name="note", transaction=True)
    return ctx.step(act, folder, name="work")


@procedure(roles=ROLES)
def failing_row(ctx: Context, folder: str) -> None:
    ctx.step(add_row_and_fail, folder, name="note", transaction=True)


@procedure(roles={**ROLES, "operate": "operators"})
def once_only(ctx: Context, folder: str, name: str) -> str:
    return ctx.step(act, folder, name=name, once=True)


@procedure(roles={**ROLES, "operate": "operators"})
def undone(ctx: Context, folder: str, how: Literal["failed", "cancelled"]) -> None:
    for name in ("a", "b", "c"):
        ctx.step(act, folder, name=name)
        ctx.compensate(act, folder, name=name)
    if how == "failed":
        raise ValueError("Too late.")
    ctx.approve("Go on?")


def chunk(number: int) -> str:
    """A piece of a text, short, and often with characters of several bytes."""
    return f"{number} {('é', '…', '😀', 'שלום', '')[number % 5]}\n"


def write_chunks(folder: str, parts: int, size: int, step: Step) -> int:
    """Writes a text in parts of so many pieces, each behind a gate."""
    for part in range(parts):
        stop_at(folder, f"part {part}")
        for number in range(part * size, (part + 1) * size):
            step.write(chunk(number))
    return parts * size


@procedure(roles=ROLES)
def writer(ctx: Context, folder: str, parts: int, size: int) -> int:
    return ctx.step(write_chunks, folder, parts, size, name="write")
