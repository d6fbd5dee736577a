"""The signals this process has received as a slot of a worker.

A worker's main process forks slots; each slot advances one run at a time. Signals never raise
inside an author's code here: handlers only record them, and the code that advances a run checks the
records.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Sequence
from multiprocessing.process import AuthenticationString  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

from procedures.engine.execution.rare import around_turns

logger = logging.getLogger(__name__)

STOP = signal.SIGUSR2
"""The signal the main process sends each slot when the worker is to stop."""
NOTED = tuple(
    number
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGXCPU")
    if (number := getattr(signal, name, None)) is not None
)
"""Signals meant for the main process that reach its whole process group; a slot survives them."""
SETTLES_AFTER = 2.0
"""The seconds for which a slot claims nothing after a signal that may stop the worker."""
REPLACED_AFTER = 60.0
"""The age in seconds from which a process may be replaced by another."""


class Slot:
    """The state of this process as a slot; it never changes in other processes."""

    def __init__(self) -> None:
        self.is_open = False
        """True if this process is a worker's slot."""
        self.is_stopping = False
        """True if the worker is stopping, so that no further step begins."""
        self.spent_by = ""
        """The reason why the process must be replaced, or "" if it need not be."""
        self._began_with: Sequence[Any] | None = None
        """The settings of the process before its first turn, or None if it has had no turn yet."""
        self._told_at = float("-inf")
        self._opened_at = time.monotonic()

    def replace(self, why: str) -> None:
        """Have this process replaced once it has released its run and is at least a minute old."""
        # The first reason is the one to report, because later ones often follow from it.
        self.spent_by = self.spent_by or why

    @property
    def is_leaving(self) -> bool:
        """True if this process is to exit: its worker is stopping, or it must be replaced."""
        # Forking is expensive: a procedure that spoils its process in each turn must not make the
        # worker fork all the time.
        is_old = time.monotonic() - self._opened_at >= REPLACED_AFTER
        return self.is_stopping or bool(self.is_open and self.spent_by and is_old)

    def open(self) -> None:
        """Turn a newly forked process into a slot.

        Signals are ignored at first, because the pool leaves ignored signals alone; for all others,
        it installs handlers that raise.
        """
        self.is_open, self.is_stopping, self.spent_by = True, False, ""
        self._opened_at, self._began_with = time.monotonic(), None
        for number in (*NOTED, STOP):
            # This comes first: the pool installs its own handlers afterwards, except for ignored
            # signals. `begin_turn` replaces them with ours.
            signal.signal(number, signal.SIG_IGN)
        _let_steps_start_processes()

    def begin_turn(self) -> None:
        """Restore the process's settings and signal handlers before a turn.

        Each run restores what its own code changed. This restores what others changed: the pool,
        which installs signal handlers, and threads left behind by an author's code.
        """
        if not self.is_open:
            return
        for number in NOTED:
            _handle(number, self._note)
        _handle(STOP, self._stop)
        # This is in the first turn, after the code was imported, so that settings which its modules
        # set at their import are kept.
        if self._began_with is None:
            self._began_with = around_turns.read()
        changed, stuck = around_turns.set_back(self._began_with)
        if changed:
            logger.warning("Settings of this process were restored: %s.", ", ".join(changed))
        if stuck:
            self.replace(f"settings that couldn't be restored: {', '.join(stuck)}")

    @property
    def may_claim(self) -> bool:
        """True if this process may claim another run."""
        return not self.is_leaving and time.monotonic() - self._told_at >= SETTLES_AFTER

    def was_told_since(self, moment: float) -> bool:
        """Return True if a signal came since that monotonic time, or if the worker is stopping.

        The signal may also have ended programs that a step had started.
        """
        return self.is_stopping or self._told_at >= moment

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._told_at = time.monotonic()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_stopping = True


def _let_steps_start_processes() -> None:
    """Let steps start processes, which the pool's daemon flag would forbid.

    It also replaces the pool's authentication key, whose type can't be sent to a spawned process.
    """
    # There is no public way, because `Process.daemon` can't be changed once the process has
    # started.
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined] # noqa: SLF001
    config["daemon"] = False
    config["authkey"] = AuthenticationString(bytes(config["authkey"]))


def _handle(number: signal.Signals, handler: object) -> None:
    """Install a handler instead of SIG_IGN, which programs started by a step would inherit."""
    signal.signal(number, handler)  # type: ignore[arg-type]
    signal.siginterrupt(number, False)  # noqa: FBT003 (libraries in C see no interrupted calls)


slot = Slot()
