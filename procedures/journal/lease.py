"""The lease by which a worker holds a run, and its renewal."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from procedures.conf import conf
from procedures.engine.journal.events import Working
from procedures.models.cells import adapted
from procedures.models.clock import clock
from procedures.models.cursors import kept_cursor

LEASE = timedelta(seconds=conf.RUN_LEASE_SECONDS)
RENEWED_EVERY = min(LEASE.total_seconds() / 3, 5)
"""Seconds between two renewals of a lease."""
LEAST_PATIENCE = 2
"""Seconds: what libpq waits for a connection at least."""
HELD = "id = %s AND epoch = %s AND status = 'running'"
SHOWN = "working_on = %s, working_attempt = %s, working_since = %s, reached_at = %s"
# An update would wait for whoever holds the row, however long; this passes by, to come again soon.
ON_SERVER = (
    "UPDATE procedures_run SET leased_until = clock_timestamp()"  # noqa: S608 (constants only)
    f" + %s * interval '1 microsecond', {SHOWN} WHERE id ="
    f" (SELECT id FROM procedures_run WHERE {HELD} FOR NO KEY UPDATE SKIP LOCKED)"
)
IN_FILE = f"UPDATE procedures_run SET leased_until = %s, {SHOWN} WHERE {HELD}"  # noqa: S608


def renew(run_id: UUID, epoch: int, working: Working | None, reached_at: object) -> bool:
    """Hold the run for another lease from now on, and show what is worked on.

    By the database's clock as it is now. A lease that has passed is renewed, too, as long as
    nobody has taken the run. False when somebody has, or holds its row at this moment.
    """
    cells = [
        working.step if working else "",
        working.attempt if working else None,
        working.since if working else None,
        reached_at,
        run_id,
        epoch,
    ]
    cursor, is_server = kept_cursor(), connection.vendor == "postgresql"
    until = (LEASE + clock.ahead) // timedelta(microseconds=1) if is_server else clock.now() + LEASE
    statement = ON_SERVER if is_server else IN_FILE
    cursor.execute(statement, [adapted(cell) for cell in (until, *cells)])  # type: ignore[arg-type]
    return bool(cursor.rowcount > 0)


def own_database() -> BaseDatabaseWrapper:
    """Return a connection to the database for one thread, which waits no longer than it may.

    Not of the pool: that pauses ever longer between its attempts after an outage, and has
    threads of its own that must get a turn.
    """
    known = settings.DATABASES["default"]
    options, patience = {**known.get("OPTIONS", {})}, max(LEAST_PATIENCE, int(RENEWED_EVERY))
    options.pop("pool", None)
    if known["ENGINE"].endswith("sqlite3"):
        options["timeout"] = RENEWED_EVERY
    else:
        options.setdefault("connect_timeout", patience)
        options.setdefault("tcp_user_timeout", patience * 1000)
    return ConnectionHandler({"default": {**known, "OPTIONS": options}})["default"]
