"""A watch over a worker's slots: it asks them to stop, and kills slots that don't stop in time."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.utils import ConnectionHandler

from procedures import dispatch
from procedures.board import ClaimEntry, board
from procedures.conf import conf
from procedures.slot import STOP

logger = logging.getLogger(__name__)
EVERY = 1.0
"""The seconds between two checks of the slots while the worker runs."""
LAST_LOOKS = 0.2
"""The seconds between two checks of the slots while the worker is stopping."""
LEAVES_WITHIN = 1.0
"""The seconds after which a slot is killed if it still works on a run whose claim it has lost."""
LAST_WORDS = 2.0
"""The seconds within which the main process must exit after its slots were killed."""


class Claims:
    """A reader of the claims in the database, with its own connection, which no fork inherits."""

    def __init__(self) -> None:
        options = {**settings.DATABASES["default"].get("OPTIONS", {})}
        options.pop("pool", None)  # a fork would share it
        database = {**settings.DATABASES["default"], "OPTIONS": options}
        self._databases = ConnectionHandler({"default": database})
        self._lock = threading.Lock()
        os.register_at_fork(
            before=self._lock.acquire,  # no slot is forked while the driver holds an inner lock
            after_in_parent=self._lock.release,
            after_in_child=self._lock.release,
        )

    def taken(self, held: Sequence[ClaimEntry]) -> set[ClaimEntry]:
        """Return those of the claims `held` by slots that the database doesn't contain any more."""
        # Here, since Celery imports this module before there are settings.
        from procedures.store import sql  # noqa: PLC0415
        from procedures.store.rows import adapted  # noqa: PLC0415

        if not held:
            return set()
        with self._lock:
            database = self._databases["default"]
            # Django does this at the end of requests and tasks, which this thread doesn't have.
            # After an outage, the thread would keep a dead connection forever.
            database.close_if_unusable_or_obsolete()
            with database.cursor() as cursor:
                runs = adapted([one.run for one in held])
                cursor.execute(sql.running_claims.text, [runs])
                current = {(UUID(str(run)), epoch) for run, epoch in cursor.fetchall()}
        return {one for one in held if (one.run, one.epoch) not in current}


class PoolWatch:
    """A thread in a worker's main process that watches the slots."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._wakes = threading.Event()
        self._ledger = Claims()
        self._taken: dict[ClaimEntry, float] = {}
        """The lost claims of slots that still work, and for each when the loss was noticed."""
        self._ends_at: float | None = None
        """The monotonic time at which slots are killed; None until the worker is asked to stop."""

    def start(self) -> None:
        threading.Thread(target=self._watch, name="pool-watch", daemon=True).start()

    def stop(self, *, within: float) -> None:
        """Ask each slot to release its run after its current step.

        After `within` seconds, slots that still work are killed. A signal handler calls this.
        """
        self._ends_at = time.monotonic() + within
        self._tell_to_stop()
        self._wakes.set()

    @property
    def pids(self) -> list[int]:
        """The process ids of the slots."""
        pool = self._pool._pool  # noqa: SLF001 (Celery's own pool_info reads it, too)
        return [process.pid for process in list(pool._pool)] if pool else []  # noqa: SLF001

    def _watch(self) -> None:
        while self._ends_at is None or time.monotonic() < self._ends_at:
            if self._ends_at is not None:
                self._tell_to_stop()  # including slots forked since the last time
            self._end_the_taken()
            # The main process reports the worker, because all slots may be busy for hours.
            dispatch.WORKERS.keep(os.getpid())
            self._wakes.wait(EVERY if self._ends_at is None else LAST_LOOKS)
            self._wakes.clear()
        self._end()

    def _end_the_taken(self) -> None:
        """Kill slots that still work on a run whose claim they have lost.

        Celery then starts new slots.
        """
        held = list(board.in_hand())
        try:
            taken = self._ledger.taken(held)
        except Exception as error:  # noqa: BLE001 (whatever the driver raises, the watch goes on)
            logger.debug("Couldn't read which runs this worker's processes hold: %s", error)
            return
        now = time.monotonic()
        self._taken = {one: self._taken.get(one, now) for one in taken}
        # A claim must have been missing for a second: by then, a slot that has just released its
        # run, or an entry that was read half-written, is gone from the board.
        for one, since in self._taken.items():
            if now - since >= LEAVES_WITHIN and one.pid in self.pids:
                logger.warning(
                    "Run %s was taken away from process %s, which is being stopped.",
                    one.run,
                    one.pid,
                )
                kill_tree(one.pid)
                dispatch.call_workers()

    def _tell_to_stop(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, STOP)

    def _end(self) -> None:
        """Kill the slots that still work, and exit.

        Celery might wait for these slots without a limit.
        """
        for pid in [pid for pid in self.pids if is_alive(pid)]:
            logger.warning(
                "Process %s is still working on a step, but the worker must stop now (STOP_SECONDS "
                "is %g). So the process is killed.",
                pid,
                self._patience,
            )
            kill_tree(pid)
        time.sleep(LAST_WORDS)
        logger.warning(
            "The worker is still running although its pool's processes have ended. It exits now."
        )
        # `sys.exit` might never end the process, because threads of the pool wait for killed slots.
        os._exit(0)

    @property
    def _patience(self) -> float:
        return float(conf.STOP_SECONDS)


def kill_tree(pid: int) -> None:
    """Kill a process, and then its descendants.

    The process dies first, so that it can't start further ones.
    """
    # Listed before anything is killed, because orphans get another parent at once.
    below = list(_below(pid))
    for one in (pid, *below):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _below(pid: int) -> Iterator[int]:
    """Yield the ids of all descendants of a process; on a system without /proc, yield none."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _below(child)
