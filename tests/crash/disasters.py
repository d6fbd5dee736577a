"""A run of every kind of step, and a receiver that counts what it is sent; see `Desk`."""

import threading
from pathlib import Path

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User

from procedures.engine import Context, File, Step, procedure
from tests.crash.procedures import ROLES, write_mark

ENOUGH = "enough"
"""The file that ends all runs, each after the leg that it is on."""
LONGEST = 0.15
"""Seconds that a step takes, so that a kill at any moment falls inside one."""


def send(folder: str, step: Step) -> str:
    """Has an effect outside, and a while before and after it."""
    _take_time(step)
    mark = write_mark(folder, step)
    _take_time(step)
    return mark


def send_file(folder: str, step: Step) -> File:
    """The same, with a file of its own: no two of them are kept once."""
    mark = send(folder, step)
    return File.keep("receipt.txt", f"{step.idempotency_key} {mark}\n" * 40)


def send_large(folder: str, step: Step) -> str:
    """The same, with a result too large for the journal itself."""
    return f"{step.idempotency_key} {send(folder, step)}\n" * 40


def note(folder: str, step: Step) -> str:
    """A row of the database's, and no effect elsewhere."""
    _take_time(step)
    LogEntry.objects.create(
        user=User.objects.get(username="alice"),
        action_flag=ADDITION,
        object_repr=step.idempotency_key,
    )
    _take_time(step)
    return Path(folder).name


def is_enough(folder: str) -> bool:
    """Return True if the test has done all its damage."""
    return Path(folder, ENOUGH).exists()


def _take_time(step: Step) -> None:
    threading.Event().wait(LONGEST * (sum(step.idempotency_key.encode()) % 7) / 14)


@procedure(roles={**ROLES, "operate": "operators"})
def journey(ctx: Context, folder: str, legs: int) -> None:
    """Undoes nothing unless it fails; what it does once, operators must allow to be repeated."""
    ctx.compensate(send, folder, name="undo")
    for leg in range(legs):
        ctx.step(send, folder, name="plain")
        ctx.step(note, folder, name="row", transaction=True)
        ctx.step(send_file, folder, name="file")
        ctx.step(send_large, folder, name="large")
        if leg % 2 == 0:
            ctx.step(send, folder, name="once", once=True)
        if ctx.step(is_enough, folder):
            return
