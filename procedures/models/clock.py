"""The database's clock, by which leases and deadlines are measured on all hosts."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from procedures.store import sql
from procedures.store.prepared import Cell

MICROSECOND = timedelta(microseconds=1)


class DatabaseClock:
    """The clock of the database; for SQLite, the clock of this machine."""

    ahead = timedelta(0)
    """The time by which the clock runs ahead; tests set it to let days pass."""

    def now(self) -> datetime:
        if connection.vendor != "postgresql":
            return timezone.now() + self.ahead
        with connection.cursor() as cursor:
            cursor.execute(sql.database_time.text)
            now: datetime = cursor.fetchone()[0]
            return now + self.ahead

    def moment(self) -> Combinable:
        """Return the current time as an expression that a query can contain.

        This saves a separate query for the time. On PostgreSQL, the expression is evaluated
        when the query is executed.
        """
        if connection.vendor != "postgresql":
            return Value(self.now())
        return Now() + self.ahead if self.ahead else Now()

    def cell(self, *, later: timedelta = timedelta(0)) -> Cell:
        """Return the parameter for {now} in an SQL statement: the current time plus `later`."""
        ahead = self.ahead + later
        # The parameter is a number of microseconds, because the server would read an interval as
        # text by its own settings.
        return ahead // MICROSECOND if connection.vendor == "postgresql" else timezone.now() + ahead

    def read(self, found: Any) -> datetime:
        """Return the time that a query has selected as {now}."""
        if connection.vendor == "postgresql":
            return found  # type: ignore[no-any-return]
        convert: Any = connection.ops.convert_datetimefield_value  # type: ignore[attr-defined]
        return convert(found, None, connection)  # type: ignore[no-any-return]


clock = DatabaseClock()
