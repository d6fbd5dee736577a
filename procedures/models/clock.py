"""The database's clock: leases and deadlines follow it, whatever a worker's own clock says."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone


class DatabaseClock:
    """One question to the database; on SQLite that is this machine's clock."""

    ahead = timedelta(0)
    """How far the clock is turned forward, for tests that let days pass."""

    def now(self) -> datetime:
        if connection.vendor != "postgresql":
            return timezone.now() + self.ahead
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            now: datetime = cursor.fetchone()[0]
            return now + self.ahead


clock = DatabaseClock()
