"""The rule that says whose fault an exception is: the author's, the storage's or the platform's.

No other module decides this. If the author isn't responsible, the exception is never stored as a
failure, never counts for `Retry` and never causes compensations. The worker releases the run, and
another claim continues it later. docs/how_it_works.md has a table of the cases.
"""

import signal
from collections.abc import Iterator
from datetime import datetime

from procedures.engine.errors import Interruption, OutOfMemory, WorkerStops
from procedures.engine.journal.protocol import Journal
from procedures.engine.replay.timeouts import TimeIsUp
from procedures.engine.values.files import open_desk


def excuse_for(error: BaseException, journal: Journal, *, since: datetime) -> Interruption | None:
    """Return the interruption to end the claim with, if the author isn't responsible.

    Returns None if the author's code is responsible for the error, and so has failed. `since` is
    the time at which this claim began to execute the code. A worker that is to stop is recognized
    by the signals that its process has received. The type of the exception doesn't count, so that
    `sys.exit()` in the author's code is a failure.
    """
    # Check this first, because the code may have caught the loss and raised another exception.
    if (lost := open_desk().lost) is not None:
        return lost
    if any(isinstance(one, MemoryError) for one in _grouped(error)):
        return OutOfMemory("The worker's process ran out of memory.")
    if journal.was_told_since(since):
        return WorkerStops(
            "The worker is stopping, or its platform has sent its processes a signal."
        )
    for one in _chain(error):
        if isinstance(one, TimeIsUp) and one.stood_still:
            return WorkerStops("The worker's process was frozen while the step's timeout elapsed.")
        if lost := journal.storage_fault(one):
            return lost
    return None


def is_interrupt(error: BaseException) -> bool:
    """Return True if somebody pressed Ctrl+C in this process's terminal; False in a worker."""
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, KeyboardInterrupt) and is_usual


def _grouped(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _grouped(one)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, the errors in it if it is a group, and the causes of all of these."""
    for one in _grouped(error):
        cause: BaseException | None = one
        # The causes may form a circle, because an author's code can link exceptions in any way.
        seen = set[int]()
        while cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
