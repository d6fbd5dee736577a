"""A conversation whose effects a receiver counts, and a worker that dies at each commit."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from chat.models import Message
from procedures import hooks
from procedures.engine import Context, Step, procedure
from procedures.models import Run
from tests.crash.procedures import ROLES, stop_at, write_mark

DEADLY = "DEADLY_COMMITS"
"""The variable that names the folder in which a worker notes at which commits it has died."""
SPARED = "spared"
"""The file in that folder with which nobody dies."""
MOMENT = 0.05
"""Seconds before and after an effect, in which a process may die."""


def order(folder: str, text: str, step: Step) -> str:
    stop_at(folder, text)
    threading.Event().wait(MOMENT)
    mark = write_mark(folder, step, what=text.replace(" ", "-"))
    threading.Event().wait(MOMENT)
    return mark


@procedure(listens=True, roles=ROLES)
def ordering(ctx: Context, folder: str) -> list[str]:
    """Order what people say, and what they add while it works."""
    done: list[str] = []
    while (message := ctx.converse(f"{len(done)} so far. What next?")).text != "done":
        ctx.step(order, folder, message.text, name="order")
        done.append(f"{message.sender}: {message.text}")
        for more in ctx.inbox():
            ctx.step(order, folder, more.text, name="add")
            done.append(f"{more.sender} adds: {more.text}")
    return done


def die_once(mark: str) -> None:
    """Die as of SIGKILL, unless a process has died there already, or none shall die now."""
    folder = Path(os.environ[DEADLY])
    if (folder / SPARED).exists():
        return
    try:
        (folder / f"died {mark}").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_commit(run_id: str) -> None:
    die_once(f"after {Run.objects.get(pk=run_id).head_seq}")


def die_in_commit(ids: list[str], **_: Any) -> None:
    """Die in the transaction in which messages are read, before it is committed."""
    die_once(f"before {Message.objects.get(pk=ids[0]).seq}")


if DEADLY in os.environ:
    hooks.changed.append(die_after_commit)
    hooks.messages_read.connect(die_in_commit)
