"""Procedures whose steps stop where a test tells them to, and note in a file what they did."""

import os
import signal
import threading
import time
from fcntl import LOCK_SH, flock
from pathlib import Path

from django.db import transaction

from procedures.engine import Context, Step, procedure
from procedures.engine.declaration.roles import Role

ROLES: dict[Role, str] = {"start": "support", "answer": "finance"}
ANSWER_AFTER = 0.1
"""Seconds, in which a process may die between an effect and its commit."""


def stop_at(folder: str, gate: str) -> None:
    """Wait here while the test keeps the gate of that name closed, or die here; see `Desk`."""
    if is_first_at(Path(folder, f"kill {gate}")):
        os.kill(os.getpid(), signal.SIGKILL)
    path = Path(folder, gate)
    if path.exists():
        with path.open() as held, Path(folder, "arrivals").open("a") as arrivals:
            arrivals.write(f"{gate}\n")
            arrivals.flush()
            flock(held, LOCK_SH)


def is_first_at(mark: Path) -> bool:
    try:
        mark.unlink()
    except FileNotFoundError:
        return False
    return True


def act(folder: str, step: Step) -> str:
    """Does its effect once per attempt: a line that says which, by whom and when."""
    name = step.name.replace("/", "-")
    stop_at(folder, f"before {name}")
    write_mark(folder, step)
    stop_at(folder, f"after {name}")
    return name


def leave_mark(folder: str, step: Step) -> str:
    """An effect whose kept result tells which attempt was kept; its answer takes a moment."""
    mark = write_mark(folder, step)
    threading.Event().wait(ANSWER_AFTER)
    return mark


def write_mark(folder: str, step: Step, *, what: str = "") -> str:
    """Tells its effect and who did it."""
    name = what or step.name.replace("/", "-")
    mark = f"{os.getpid()} {time.time()}"
    with Path(folder, "effects").open("a") as effects:
        effects.write(f"{name} {step.idempotency_key} {mark}\n")
    return mark


def read_variable(name: str) -> str | None:
    return os.environ.get(name)


def die(folder: str, step: Step) -> None:
    act(folder, step)
    os.kill(os.getpid(), signal.SIGKILL)


@procedure(roles=ROLES)
def purchase(ctx: Context, folder: str) -> bool:
    """Steps before and after a question."""
    ctx.step(act, folder, name="reserve")
    stop_at(folder, "reserve to question")
    decision = ctx.approve("Buy it?")
    ctx.step(act, folder, name="pay")
    stop_at(folder, "pay to send")
    ctx.step(act, folder, name="send")
    return bool(decision)


@procedure(roles=ROLES)
def one_question(ctx: Context, folder: str) -> bool:
    """Ask one question, and do once what was decided."""
    decision = ctx.approve("Pay 31.20 €?")
    ctx.step(act, folder, name="pay" if decision else "refuse")
    return bool(decision)


@procedure(roles=ROLES)
def one_step(ctx: Context, folder: str) -> str:
    return ctx.step(act, folder, name="work")


@procedure(roles=ROLES)
def variable(ctx: Context, name: str) -> str | None:
    return ctx.step(read_variable, name)


@procedure(roles=ROLES)
def poison(ctx: Context, folder: str) -> None:
    """Kills whichever worker takes it up."""
    ctx.step(die, folder, name="die")


@procedure(roles=ROLES)
def short_sleep(ctx: Context, seconds: float) -> None:
    ctx.sleep(seconds)


@procedure(roles=ROLES)
def short_deadline(ctx: Context, seconds: float) -> bool:
    return bool(ctx.approve("Go on?", expires=seconds, default=True))


@procedure(roles=ROLES)
def wrapped_in_a_transaction(ctx: Context, folder: str) -> str:
    with transaction.atomic():
        return ctx.step(act, folder)
