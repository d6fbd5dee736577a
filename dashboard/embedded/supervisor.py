"""The supervisor of the demo site's parts."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from dashboard.embedded.errors import StartError, StopRequested
from dashboard.embedded.guard import Guard
from dashboard.embedded.log import Log
from dashboard.embedded.part import Part, RunningPart

TICK = 0.1
GRACE = 4  # seconds a part has to end by itself
STEADY = 30  # seconds of running after which a crash counts as the first one
LONGEST_PAUSE = 10


class Supervisor:
    """A supervisor that starts the parts, prints their output, and restarts and ends them."""

    def __init__(self, log: Log, variables: dict[str, str]) -> None:
        self._log = log
        self._variables = variables
        self._running: list[RunningPart] = []
        self._resting: dict[Part, float] = {}  # when to start it again
        self._crashes: dict[Part, int] = {}
        self._is_asked_to_stop = False
        self._asked_by: int = signal.SIGTERM
        self._is_interruptible = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._ask_to_stop)
        self._guard = Guard()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end([one for one in self._running if not one.part.is_last_to_end])
        self._end(self._running)
        self._guard.dismiss()

    def start(self, part: Part) -> None:
        running = RunningPart(part, self._variables)
        self._guard.watch(running.group)
        self._running.append(running)

    def start_and_wait(self, part: Part, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Start a part and wait until it is ready.

        Raises `StartError` if the part ends, or isn't ready in time.
        """
        try:
            self.start(part)
        except OSError as error:
            raise StartError(f"{part.command[0]} can't be run: {error.strerror}.") from None
        running = self._running[-1]
        deadline = time.monotonic() + seconds
        while not is_ready():
            self._check_for_stop()
            self._listen()
            if running.has_ended:
                self._print(running)
                raise StartError(f"The process {part.name} {running.ending} before it was ready.")
            if time.monotonic() > deadline:
                raise StartError(f"The process {part.name} wasn't ready after {seconds:g} seconds.")

    def watch(self) -> None:
        """Print the parts' output and restart ended parts, until somebody stops the product."""
        while True:
            self._check_for_stop()
            self._listen()
            self._replace_ended()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM raise `StopRequested` in the code inside the block.

        Outside such a block, a signal is only noted, and the supervisor stops at its next check.
        """
        self._check_for_stop()
        self._is_interruptible = True
        try:
            with calling_if_dropped(StopRequested, self._interrupt_later):
                yield
        finally:
            self._is_interruptible = False
        self._check_for_stop()

    def _interrupt_later(self) -> None:
        """Send the same signal again after a tenth of a second.

        This is called when Python has dropped the `StopRequested` that the first signal raised.
        """
        self._is_interruptible = True
        again = threading.Timer(TICK, self._interrupt)
        again.daemon = True
        again.start()

    def _interrupt(self) -> None:
        if self._is_interruptible:
            # The signal is sent to the process, not to this thread: only a signal that the main
            # thread gets ends a call in which the main thread waits.
            os.kill(os.getpid(), self._asked_by)

    def _ask_to_stop(self, number: int, _frame: FrameType | None) -> None:
        self._is_asked_to_stop = True
        self._asked_by = number
        if self._is_interruptible:
            # This comes first, or a second signal would raise again during the clean-up.
            self._is_interruptible = False
            raise StopRequested

    def _check_for_stop(self) -> None:
        if self._is_asked_to_stop:
            raise StopRequested

    def _listen(self) -> None:
        heard, _, _ = select.select([one for one in self._running if not one.is_mute], [], [], TICK)
        for running in heard:
            self._print(running)

    def _print(self, running: RunningPart) -> None:
        for line in running.new_lines():
            self._log.say(running.part.name, line)

    def _replace_ended(self) -> None:
        for running in [one for one in self._running if one.has_ended]:
            self._bury(running)
            if time.monotonic() - running.started_at > STEADY:
                self._crashes.pop(running.part, None)
            self._rest(running.part, because=running.ending)
        for part in [one for one, at in self._resting.items() if at <= time.monotonic()]:
            del self._resting[part]
            self._start_again(part)

    def _rest(self, part: Part, *, because: str) -> None:
        """Schedule the restart of a part, and log `because`, which says how the part has ended.

        The part is restarted at once after its first crash, and after a longer pause after each
        further crash.
        """
        crashes = self._crashes[part] = self._crashes.get(part, 0) + 1
        pause = min(2 ** (crashes - 1) - 1, LONGEST_PAUSE)
        self._resting[part] = time.monotonic() + pause
        when = f"in {pause} s" if pause else "now"
        self._log.say(part.name, f"{because}; restarting {when}")

    def _start_again(self, part: Part) -> None:
        try:
            self.start(part)
        except OSError as error:  # the machine is out of memory or processes
            self._rest(part, because=f"can't be run ({error.strerror})")

    def _end(self, parts: Iterable[RunningPart]) -> None:
        waiting = list(parts)
        for running in waiting:
            running.terminate()
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and not all(one.has_ended for one in waiting):
            self._listen()
        for running in waiting:
            self._bury(running)

    def _bury(self, running: RunningPart) -> None:
        """Remove an ended part: kill its remaining processes, and print its last lines."""
        # The guard may forget the group only after this, because nobody else knows it then.
        running.kill()
        self._guard.forget(running.group)
        while not running.is_mute and running in select.select([running], [], [], 0)[0]:
            self._print(running)
        running.close()
        self._running.remove(running)


@contextmanager
def calling_if_dropped(kind: type[BaseException], call: Callable[[], None]) -> Iterator[None]:
    """Call `call` inside the block whenever Python drops an exception of the class `kind`.

    Python drops an exception that is raised where no code could catch it, such as in a destructor.
    """
    # Python drops an exception that a signal handler raises inside a destructor or a callback of a
    # weak reference; each import runs such a callback.
    print_dropped = sys.unraisablehook

    def hear(dropped: "sys.UnraisableHookArgs") -> None:
        if issubclass(dropped.exc_type, kind):
            call()
        else:
            print_dropped(dropped)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = print_dropped
