"""A watch over a worker's slots; it asks them to stop, and kills those that don't."""

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
from procedures.board import InHand, board
from procedures.conf import conf
from procedures.slot import STOP

logger = logging.getLogger(__name__)
EVERY = 1.0
"""The seconds between two checks of the slots."""
LAST_LOOKS = 0.2
"""The seconds between two checks of the slots while the worker is stopping."""
LEAVES_WITHIN = 1.0
"""The seconds within which a slot must leave a run whose claim it has lost."""
LAST_WORDS = 2.0
"""The seconds within which the main process must exit after its slots have ended."""


class Claims:
    """A reader of claims, with a database connection that no forked process shares."""

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

    def taken(self, held: Sequence[InHand]) -> set[InHand]:
        """Return the claims that are no longer valid, out of those held by slots."""
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
        self._taken: dict[InHand, float] = {}
        """The lost claims on which a slot still works, each with the time when that was noticed."""
        self._ends_at: float | None = None
        """The monotonic time at which working slots are killed; None while the worker goes on."""

    def start(self) -> None:
        threading.Thread(target=self._watch, name="pool-watch", daemon=True).start()

    def stop(self, *, within: float) -> None:
        """Ask each slot to release its run after the current step; a signal handler calls this.

        A step that still runs after `within` seconds is killed together with its process.
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
        """Kill slots that still work on a run whose claim they lost; the pool replaces them."""
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
        """Kill the slots that are still busy and exit: the pool might wait for them forever."""
        for pid in [pid for pid in self.pids if is_alive(pid)]:
            logger.warning(
                "A step didn't end within %g s, so its process is killed.", self._patience
            )
            kill_tree(pid)
        time.sleep(LAST_WORDS)
        logger.warning("The worker didn't exit after its slots had ended.")
        # `sys.exit` might never end the process, because threads of the pool wait for killed slots.
        os._exit(0)

    @property
    def _patience(self) -> float:
        return float(conf.STOP_SECONDS)


def kill_tree(pid: int) -> None:
    """Kill a process and then its descendants, in this order so that it can't start more."""
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
    """Yield the process ids of a process's descendants; none on systems without /proc."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _below(child)
