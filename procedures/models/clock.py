"""The database's clock: leases and deadlines follow it, whatever a worker's own clock says."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Func, Value
from django.db.models.expressions import Combinable
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

    @property
    def reading(self) -> Combinable:
        """What `now` answers, as a part of another question."""
        if connection.vendor != "postgresql":
            return Value(self.now(), output_field=DateTimeField())
        asked = Func(function="clock_timestamp", output_field=DateTimeField())
        return ExpressionWrapper(asked + Value(self.ahead), output_field=DateTimeField())


clock = DatabaseClock()
