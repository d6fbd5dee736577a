"""The Unix signals that this process has received as a child process of a worker (a slot).

A worker's main process forks the slots; each slot advances one run at a time. Signals never raise
inside an author's code here: handlers only record a signal, and the code that advances a run reads
the record.
"""

import logging
import multiprocessing
import signal
import time
from multiprocessing.process import AuthenticationString  # type: ignore[attr-defined]
from types import FrameType

from procedures.engine.execution.process import State
from procedures.engine.execution.rare import around_turns

logger = logging.getLogger(__name__)

STOP = signal.SIGUSR2
"""The Unix signal that the main process sends to each slot when the worker is to stop."""
NOTED = tuple(
    number
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGXCPU")
    if (number := getattr(signal, name, None)) is not None
)
"""Unix signals for the main process that reach its whole process group; they don't end a slot."""
SETTLES_AFTER = 2.0
"""Seconds for which a slot claims no run after a Unix signal that could stop the worker."""
REPLACED_AFTER = 60.0
"""The age in seconds that a process must have before it may be replaced by a new one."""


class Slot:
    """The state of this process as a slot; in a process that isn't a slot, it never changes."""

    def __init__(self) -> None:
        self.is_open = False
        """True if this process is a slot of a worker."""
        self.is_stopping = False
        """True if the worker is stopping; then no further step begins."""
        self.spent_by = ""
        """The reason why this process must be replaced; "" if it needn't be."""
        self._began_with: State | None = None
        """The settings that this process had when its first turn began; None until then."""
        self.settings: State | None = None
        """The settings of this process since the turn began; None if they must be read again.

        Each run restores what it has changed, so they are the same before each run of the turn.
        """
        self._told_at = float("-inf")
        self._opened_at = time.monotonic()

    def replace(self, why: str) -> None:
        """Let this process be replaced as soon as it has released its run and is a minute old."""
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

        It ignores the Unix signals in `NOTED` and `STOP` at first: for signals that aren't
        ignored, the pool would install handlers that raise.
        """
        self.is_open, self.is_stopping, self.spent_by = True, False, ""
        self._opened_at, self._began_with, self.settings = time.monotonic(), None, None
        for number in (*NOTED, STOP):
            # This comes first: the pool installs its own handlers afterwards, except for ignored
            # signals. `begin_turn` replaces them with ours.
            signal.signal(number, signal.SIG_IGN)
        _let_steps_start_processes()

    def begin_turn(self) -> None:
        """Restore the process's settings and signal handlers before a run is advanced.

        Each run restores what its own code has changed. This function restores what others have
        changed: the pool (signal handlers), and threads that an author's code has left behind.
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
        self.settings = around_turns.read()
        if self.settings == self._began_with:
            return
        changed, stuck = around_turns.set_back(self._began_with)
        self.settings = None
        if changed:
            logger.warning(
                "A run changed settings of its worker process; these were restored: %s.",
                ", ".join(changed),
            )
        if stuck:
            self.replace(f"settings that couldn't be restored: {', '.join(stuck)}")

    @property
    def may_claim(self) -> bool:
        """True if this process may claim another run."""
        return not self.is_leaving and time.monotonic() - self._told_at >= SETTLES_AFTER

    def was_told_since(self, moment: float) -> bool:
        """Return True if a Unix signal came since `moment` (monotonic) or the worker is stopping.

        The same signal may have ended programs that a step had started.
        """
        return self.is_stopping or self._told_at >= moment

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._told_at = time.monotonic()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_stopping = True


def _let_steps_start_processes() -> None:
    """Let steps start processes, which the pool forbids by marking its own processes as daemons.

    The pool's authentication key is replaced too, because its type can't be sent to a new process.
    """
    # There is no public way, because `Process.daemon` can't be changed once the process has
    # started.
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined] # noqa: SLF001
    config["daemon"] = False
    config["authkey"] = AuthenticationString(bytes(config["authkey"]))


def _handle(number: signal.Signals, handler: object) -> None:
    """Install a handler for a Unix signal that was ignored until now.

    Programs that a step starts would inherit that the signal is ignored, but inherit no handler.
    """
    signal.signal(number, handler)  # type: ignore[arg-type]
    signal.siginterrupt(number, False)  # noqa: FBT003 (libraries in C see no interrupted calls)


slot = Slot()
