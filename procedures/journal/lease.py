"""The lease by which a worker holds a run, and its renewal."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from procedures.conf import conf_at_import
from procedures.engine.journal.events import Working
from procedures.models.clock import clock
from procedures.store import sql

LEASE = timedelta(seconds=conf_at_import.RUN_LEASE_SECONDS)
RENEWED_EVERY = min(LEASE.total_seconds() / 3, 5)
"""Seconds between two renewals of a lease."""
LEAST_PATIENCE = 2
"""The shortest time, in seconds, after which libpq can give up opening a connection."""


def renew(run_id: UUID, epoch: int, working: Working | None, reached_at: datetime) -> bool:
    """Let the lease on the run begin again now, and record what the worker is doing.

    `working` is the step that the worker is executing, if any. `reached_at` is the time when the
    code last began a step or stored an event. The current time is the database's. An expired lease
    is renewed, too, as long as no other worker has claimed the run. Returns False if another worker
    has claimed the run, or if somebody else has locked the run's row.
    """
    step, attempt = (working.step, working.attempt) if working else ("", None)
    since, until = working.since if working else None, clock.cell(later=LEASE)
    changed = sql.renew_lease.execute(until, step, attempt, since, reached_at, run_id, epoch)
    return changed > 0


def own_database() -> BaseDatabaseWrapper:
    """Return a connection for one thread alone, whose timeouts are shorter than a lease.

    The connection doesn't come from the pool. After an outage, the pool may take long to connect
    again, because the pool pauses longer after each attempt. The pool also depends on threads of
    its own, which might not get to run.
    """
    known = settings.DATABASES["default"]
    options, patience = {**known.get("OPTIONS", {})}, max(LEAST_PATIENCE, int(RENEWED_EVERY))
    options.pop("pool", None)
    if known["ENGINE"].endswith("sqlite3"):
        # Don't use the site's busy timeout, which may be longer than a lease: a renewal that has
        # waited so long is too late.
        options["timeout"] = RENEWED_EVERY
    else:
        options.setdefault("connect_timeout", patience)
        # A host that has vanished sends no error. Without this option, the system would keep
        # sending for a quarter of an hour, while the lease expires.
        options.setdefault("tcp_user_timeout", patience * 1000)
    return ConnectionHandler({"default": {**known, "OPTIONS": options}})["default"]
