"""The time limit of a call, and the pauses between its tries."""

import random
import time
from typing import Any

import httpx

from countersign_client.calls import Call
from countersign_client.errors import (
    CountersignError,
    UnreachableError,
    UnreadableError,
    WaitTimeoutError,
)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Deadline:
    """The time limit of a wait. A wait without a time limit has a deadline that never passes."""

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float | None:
        """The seconds until the deadline, at least 0; None without a time limit."""
        return None if self._at is None else max(self._at - time.monotonic(), 0)

    def check(self) -> None:
        """Raise `WaitTimeoutError` if the deadline has passed."""
        if self.left == 0:
            raise WaitTimeoutError("The wait has timed out. You can wait again.")

    def cut(self, seconds: float) -> float:
        """Return `seconds`, or the seconds until the deadline if these are fewer."""
        return seconds if self.left is None else min(seconds, self.left)


class Pauses:
    """The pauses between tries. Each is longer than the one before, and partly random.

    Because of the random part, many clients don't all try again at the same time.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Make the next pause as short as the first one."""
        self._next = FIRST_PAUSE

    def take(self) -> float:
        """Return the seconds to pause now."""
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1)  # noqa: S311 (no secret)


class Tries:
    """The tries of one call.

    After a failed try, another one follows only if that can do no harm.
    """

    def __init__(self, call: Call[Any], deadline: Deadline) -> None:
        self._call = call
        self._deadline = deadline
        self._pauses = Pauses()

    def pause_after(self, error: Exception) -> float:
        """Return the seconds to pause before the next try; without a next try, raise the error."""
        was_sent = not isinstance(error.__cause__, NEVER_SENT)
        pause = self._pauses.take()
        is_last = self._deadline.cut(pause) < pause
        if is_last or (was_sent and not self._call.may_be_repeated):
            raise error
        return pause


def failed_request(error: httpx.RequestError) -> CountersignError:
    """Return the error for a site that couldn't be reached or whose response can't be decoded."""
    found: CountersignError = UnreachableError(
        f"The site can't be reached: {type(error).__name__} {error}".rstrip()
    )
    if isinstance(error, httpx.DecodingError):
        found = UnreadableError("The response can't be decoded. Is this the site's address?")
    found.__cause__ = error
    return found
