"""Queries for runs by state, starter and due time."""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef

from procedures.conf import conf
from procedures.engine.journal.events import RunStatus
from procedures.models.clock import clock
from procedures.models.head import Head
from procedures.models.pending_input import PendingInput, inputs_in
from procedures.store import sql
from procedures.store.exclusions import Exclusions

if TYPE_CHECKING:
    from procedures.models.run import Run
    from procedures.users import User

CALL_AGAIN = timedelta(seconds=5)
"""The time in the queue after which the message that called a worker counts as lost."""


def values_of(path: str) -> list[str]:
    """Return the names of a run's large fields, such as "wait__run__inputs", for a query to defer.

    `path` leads from the queried model to the run: "wait__run".
    """
    return [f"{path}__{name}" for name in ("inputs", "result", "error", "seed")]


def silence() -> timedelta:
    """Return how long code may run without returning to the engine before it counts as stuck."""
    return timedelta(seconds=conf.RUN_SILENT_SECONDS)


class RunQuerySet(models.QuerySet["Run"]):
    def lock_claimable(self, run_id: UUID) -> "Claimable | None":
        """Lock the run, and return the run with the database's current time.

        Returns None unless the run is queued or its lease has expired.
        """
        now = clock.cell()
        for run, at in sql.lock_claimable.rows_at_begin(now, run_id, now):
            return Claimable(run, clock.read(at))
        return None

    def lock_queued(self, excluded: Exclusions, *, waits: bool = False) -> "Queued | None":
        """Lock and return the first queued run that `excluded` doesn't exclude.

        Runs that others have locked are skipped; with `waits`, this waits for their locks instead.
        Returns None if there is no such run.
        """
        statement = sql.await_next if waits else sql.claim_next
        for *cells, at in statement.rows_at_begin(clock.cell(), *excluded.cells):
            return Queued._make((*cells, clock.read(at)))
        return None

    def locked(self) -> Self:
        """Lock the rows until the end of the transaction, as strongly as an UPDATE does.

        The stronger lock of a DELETE would block transactions that insert children, because the
        rows of children refer to the row of their parent. Deadlocks would be possible.
        """
        return self.select_for_update(no_key=True)

    def lock(self, run_id: UUID) -> "Run":
        """Lock the run with this id as `locked` does, and return the run."""
        run: Run
        for (run,) in sql.lock_run.rows(run_id):
            return run
        raise self.model.DoesNotExist(f"There is no run {run_id}.")

    def lost(self, now: datetime) -> Self:
        return self.filter(status=RunStatus.RUNNING, leased_until__lte=now)

    def silent(self, now: datetime) -> Self:
        """Return running runs whose code hasn't returned to the engine for too long."""
        return self.filter(status=RunStatus.RUNNING, reached_at__lte=now - silence())

    def stale(self, now: datetime) -> Self:
        """Return runs that have been queued so long that the message to a worker may be lost."""
        return self.queued().filter(queued_at__lte=now - CALL_AGAIN)

    def started_by(self, user: "User") -> Self:
        """Return the runs that a person started, without child runs."""
        return self.filter(started_by=user, parent_wait=None)

    def for_lists(self) -> Self:
        """Load the fields that a list of runs shows, without large values.

        Related rows are loaded by the same query, and not by one query for each run.
        """
        shown = self.select_related("procedure", "started_by", "version")
        return shown.defer("inputs", "result", "seed", "version__source")

    def with_head(self) -> Self:
        """Load the head of the journal by the same query as the run.

        If the head were read later, it could be newer than the status of the run. Somebody who
        follows the journal from that head on would then miss the events that changed the status.
        """
        return self.select_related("head")

    def due_for_retry(self, now: datetime) -> Self:
        return self.filter(status__in=self.model.SUSPENDED, wake_at__lte=now)

    def out_of_time(self, now: datetime) -> Self:
        """Return suspended runs that have exceeded their maximum duration."""
        return self.filter(status__in=self.model.SUSPENDED, ends_at__lte=now)

    def queued(self) -> Self:
        return self.filter(status=RunStatus.QUEUED)

    def queued_except(self, excluded: Exclusions) -> Self:
        return (
            self.queued().exclude(procedure__in=excluded.procedures).exclude(pk__in=excluded.runs)
        )

    def with_news_of_children(self) -> Self:
        """Return suspended and paused runs to which the end of a child hasn't been reported yet."""
        news = {"run_inputs__kind": "child.ended", "run_inputs__taken_at": None}
        # Queued and running runs collect the ends of their children at their next claim or release.
        return self.filter(status__in=[*self.model.SUSPENDED, RunStatus.PAUSED], **news).distinct()

    def with_mail(self) -> Self:
        """Return unfinished runs to which another run has sent something, still undelivered."""
        sent = {"run_inputs__kind": "sent", "run_inputs__taken_at": None}
        return self.unended().filter(**sent).distinct()

    def unended(self) -> Self:
        return self.exclude(status__in=[status for status in RunStatus if status.is_end])

    def ended_above_others(self) -> Self:
        """Return failed and succeeded runs that have child runs, which may still be running."""
        below = self.model.objects.filter(parent_wait__run=OuterRef("pk"))
        return self.filter(Exists(below), status__in=[RunStatus.FAILED, RunStatus.SUCCEEDED])


class Claimable(NamedTuple):
    """A locked run that a worker may claim, with the database's time at the query."""

    run: "Run"
    at: datetime


class Queued(NamedTuple):
    """A locked run from the front of the queue, with the data that a claim needs."""

    run: "Run"
    procedure: str
    file: str
    """The file whose text the run was started with; "" for Python code."""
    version: str
    """The version of the run's code when the run was started."""
    newest: str
    """The version of the procedure that was registered last."""
    are_others: bool
    """True if more runs are queued."""
    head_as_json: str | None
    """The epoch and the head of the run at the beginning of the query; None if there is no head."""
    news_as_json: str | None
    """The inputs of the run that weren't journaled at the beginning of the query, if any."""
    at: datetime

    def read_head_and_news(self) -> tuple[Head | None, list[PendingInput] | None]:
        """Return the head of the run's journal, and its inputs that aren't journaled yet.

        Something that was sent while the run was being locked may be missing. Returns None for
        both if they must be read again. Raises an error if they are damaged: a caller that knows
        the run by then can pass it by.
        """
        if self.head_as_json is None:
            return None, None
        epoch, *cells = json.loads(self.head_as_json)
        # If the run was claimed and queued again before it was locked here, only its own row is
        # new, and the rest must be read again.
        if epoch != self.run.epoch:
            return None, None
        return Head(self.run.pk, *cells), inputs_in(self.news_as_json)
