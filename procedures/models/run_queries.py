"""Which runs are meant: by how they stand, whose they are, and what is due."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef

from procedures.conf import conf
from procedures.engine.journal.events import RunStatus
from procedures.models.clock import clock
from procedures.store import sql
from procedures.store.exclusions import Exclusions

if TYPE_CHECKING:
    from procedures.models.run import Run
    from procedures.users import User

CALL_AGAIN = timedelta(seconds=5)
"""After so long in the queue the message that called for a worker may be lost."""


def values_of(path: str) -> list[str]:
    """What of a run at the end of that path may be large: for `defer` where it is not shown."""
    return [f"{path}__{name}" for name in ("inputs", "result", "error", "seed")]


def silence() -> timedelta:
    """How long code may work without coming back to the engine before it counts as stuck."""
    return timedelta(seconds=conf.RUN_SILENT_SECONDS)


class RunQuerySet(models.QuerySet["Run"]):
    def lock_claimable(self, run_id: UUID) -> "Claimable | None":
        """Lock the run, if it is queued or a worker's lease on it has passed."""
        now = clock.cell()
        for run, at in sql.lock_claimable.rows(now, run_id, now):
            return Claimable(run, clock.read(at))
        return None

    def lock_queued(self, besides: Exclusions, *, waits: bool = False) -> "Queued | None":
        """Lock the one that was queued first, besides some, and those whose rows others hold.

        `waits`: for these.
        """
        statement = sql.await_next if waits else sql.claim_next
        for *found, at in statement.rows(clock.cell(), *besides.cells):
            return Queued._make((*found, clock.read(at)))
        return None

    def locked(self) -> Self:
        """Until the end of the transaction, as an update locks them.

        A stronger lock would hold up children, whose ends refer to their parent, and two that
        hold each other up are a deadlock.
        """
        return self.select_for_update(no_key=True)

    def lock(self, run_id: UUID) -> "Run":
        """Lock that one in the same way, and return it."""
        run: Run
        for (run,) in sql.lock_run.rows(run_id):
            return run
        raise self.model.DoesNotExist(f"There is no run {run_id}.")

    def lost(self, now: datetime) -> Self:
        return self.filter(status=RunStatus.RUNNING, leased_until__lte=now)

    def silent(self, now: datetime) -> Self:
        """In a worker's hands, and its code has not come back to the engine for long."""
        return self.filter(status=RunStatus.RUNNING, reached_at__lte=now - silence())

    def stale(self, now: datetime) -> Self:
        """Queued for so long that the message about it may be lost."""
        return self.queued().filter(queued_at__lte=now - CALL_AGAIN)

    def started_by(self, user: "User") -> Self:
        """What a person started: no children of it."""
        return self.filter(started_by=user, parent_wait=None)

    def for_lists(self) -> Self:
        """Loads what a row shows, without a query a row, and without what may be large."""
        shown = self.select_related("procedure", "started_by", "version")
        return shown.defer("inputs", "result", "seed", "version__source")

    def due_for_retry(self, now: datetime) -> Self:
        return self.filter(status__in=self.model.SUSPENDED, wake_at__lte=now)

    def out_of_time(self, now: datetime) -> Self:
        """Suspended, and they have lasted as long as they may."""
        return self.filter(status__in=self.model.SUSPENDED, ends_at__lte=now)

    def queued(self) -> Self:
        return self.filter(status=RunStatus.QUEUED)

    def queued_besides(self, some: Exclusions) -> Self:
        return self.queued().exclude(procedure__in=some.procedures).exclude(pk__in=some.runs)

    def with_news_of_children(self) -> Self:
        """Suspended or paused, and a child's end was lost on its way to them."""
        news = {"run_inputs__kind": "child.ended", "run_inputs__taken_at": None}
        return self.filter(status__in=[*self.model.SUSPENDED, RunStatus.PAUSED], **news).distinct()

    def with_mail(self) -> Self:
        """Not ended, and what another run has sent them was lost on its way."""
        sent = {"run_inputs__kind": "sent", "run_inputs__taken_at": None}
        return self.unended().filter(**sent).distinct()

    def unended(self) -> Self:
        return self.exclude(status__in=[status for status in RunStatus if status.is_end])

    def ended_above_others(self) -> Self:
        """Failed or succeeded, and had children, which may go on."""
        below = self.model.objects.filter(parent_wait__run=OuterRef("pk"))
        return self.filter(Exists(below), status__in=[RunStatus.FAILED, RunStatus.SUCCEEDED])


class Claimable(NamedTuple):
    """A locked run that a worker may take, and when it was found."""

    run: "Run"
    at: datetime


class Queued(NamedTuple):
    """A locked run at the head of the queue, what there is to know of it, and when it was found."""

    run: "Run"
    procedure: str
    file: str
    """The one whose text it was started with; "" where it is Python code."""
    version: str
    """The version of the code that it was started with."""
    newest: str
    """The version of the procedure's code that was registered last."""
    are_others: bool
    """Whether others are queued, too."""
    has_news: bool
    at: datetime
