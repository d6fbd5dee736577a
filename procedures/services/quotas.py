"""Limits on how many runs one person may start, whether on pages, by API or by operations."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from procedures.conf import conf
from procedures.engine.errors import EngineError

A_MINUTE = timedelta(minutes=1)


class QuotaError(EngineError):
    """The user has started too many runs; a later start may succeed."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        self.retry_after = max(ceil(retry_after.total_seconds()), 1)
        """Seconds until another start may succeed."""
        super().__init__(f"{message} No run was started.")


@dataclass(frozen=True)
class Quota:
    """A person's use of the limits on starting runs.

    Child runs don't count: each run has a limit on its own children. Starts at the same time may
    exceed the limits.
    """

    now: datetime
    filled_at: datetime | None = None
    """The time of the start with which a person reached the limit per minute, or None if they
    haven't."""
    is_used_up: bool = False
    """True if the person's runs that haven't ended are as many as the limit allows."""

    def check(self) -> None:
        """Raise `QuotaError` if the person has reached the limit per minute or of open runs."""
        if self.filled_at:
            again = self.filled_at + A_MINUTE - self.now
            words = f"You have started {conf.MOST_STARTS_A_MINUTE:,} runs in the last minute"
            raise QuotaError(f"{words}, which is the limit. Try again soon.", retry_after=again)
        if self.is_used_up:
            words = f"You have {conf.MOST_OPEN_RUNS:,} runs that haven't ended"
            raise QuotaError(
                f"{words}, which is the limit. Cancel some, or wait until they end.",
                retry_after=A_MINUTE,
            )
