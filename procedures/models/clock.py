"""The database's clock: leases and deadlines follow it, whatever a worker's own clock says."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from procedures.store import sql
from procedures.store.cursors import Cell

MICROSECOND = timedelta(microseconds=1)


class DatabaseClock:
    """One question to the database; on SQLite that is this machine's clock."""

    ahead = timedelta(0)
    """How far the clock is turned forward, for tests that let days pass."""

    def now(self) -> datetime:
        if connection.vendor != "postgresql":
            return timezone.now() + self.ahead
        with connection.cursor() as cursor:
            cursor.execute(sql.database_time.text)
            now: datetime = cursor.fetchone()[0]
            return now + self.ahead

    def cell(self, *, later: timedelta = timedelta(0)) -> Cell:
        """Return what {now} in a statement takes, for a time that is so much later."""
        ahead = self.ahead + later
        return ahead // MICROSECOND if connection.vendor == "postgresql" else timezone.now() + ahead

    def read(self, found: Any) -> datetime:
        """Return the time that a statement has found for {now}."""
        if connection.vendor == "postgresql":
            return found  # type: ignore[no-any-return]
        convert: Any = connection.ops.convert_datetimefield_value  # type: ignore[attr-defined]
        return convert(found, None, connection)  # type: ignore[no-any-return]


clock = DatabaseClock()
