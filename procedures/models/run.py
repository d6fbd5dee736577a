"""Runs: one execution of a procedure each."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from procedures.conf import conf
from procedures.engine.journal.events import RunStatus
from procedures.engine.journal.seals import PROOF, seals_of
from procedures.engine.lifecycle.runs import SUSPENDED
from procedures.engine.values.files import File, named
from procedures.models.besides import Exclusions
from procedures.models.cells import exists, fetched, rows_of
from procedures.models.clock import clock
from procedures.models.head import Head
from procedures.models.ids import uuid7
from procedures.models.procedure import Procedure, ProcedureVersion
from procedures.models.proofs import ledger_key
from procedures.models.tallies import HEARD, tally_proof
from procedures.users import json_key

if TYPE_CHECKING:
    from procedures.users import User

if TYPE_CHECKING:
    pass

KEPT = "Canonical JSON; a large text lies beside it: sha256:DIGEST SIZE."
CALL_AGAIN = timedelta(seconds=5)
"""After so long in the queue the message that called for a worker may be lost."""
HELD = [
    "status",
    "leased_until",
    "epoch",
    "wake_at",
    "queued_at",
    "reached_at",
]
RELEASED = [
    "status",
    "wake_at",
    "ends_at",
    "result",
    "error",
    "leased_until",
    "queued_at",
    "ended_at",
    "working_on",
    "working_attempt",
    "working_since",
    "reached_at",
    "is_left_without_storage",
]

FACTS = (
    *("started_by_id", "inputs", "seed", "idempotency_key", "created_at"),
    *("parent_wait_id", "parent_number", "depth", "origin_id", "forked_at"),
)
"""What a run's first event proves of its row, besides which code it runs."""

CLAIMABLE = (
    "FROM procedures_run WHERE id = %s"
    " AND (status = 'queued' OR status = 'running' AND leased_until <= {now}) {lock}"
)
ABOVE = (
    "SELECT r.id, r.parent_wait_id FROM procedures_run r JOIN procedures_wait w ON w.run_id = r.id"
    " WHERE w.id = %s"
)
ONE = "FROM procedures_run WHERE id = %s"
QUEUED = (
    ", p.name, own.file, own.version,"
    " (SELECT v.version FROM procedures_procedureversion v WHERE v.procedure_id = p.id"
    " ORDER BY v.registered_at DESC, v.id DESC LIMIT 1),"
    " EXISTS (SELECT 1 FROM procedures_run other"
    " WHERE other.status = 'queued' AND other.id <> procedures_run.id),"
    " EXISTS (SELECT 1 FROM procedures_runinput i"
    " WHERE i.run_id = procedures_run.id AND i.taken_at IS NULL){now}"
    " FROM procedures_run JOIN procedures_procedure p ON p.id = procedures_run.procedure_id"
    " JOIN procedures_procedureversion own ON own.id = procedures_run.version_id"
    " WHERE procedures_run.status = 'queued'{besides}"
    " ORDER BY procedures_run.queued_at LIMIT 1 {lock}"
)
NOW = "clock_timestamp() + %s * interval '1 microsecond'"
LOCK = "FOR NO KEY UPDATE OF procedures_run"
UNTAKEN = "SELECT 1 FROM procedures_runinput WHERE run_id = %s AND taken_at IS NULL"
LEFT_AT_END = (
    f"SELECT EXISTS ({UNTAKEN} AND kind = 'operator'),"  # noqa: S608
    " EXISTS (SELECT 1 FROM procedures_wait WHERE run_id = %s AND closed_at IS NULL)"
)
ASKED_TO_STOP = (
    "SELECT 1 FROM procedures_run WHERE id = %s"
    " AND (cancel_requested_at IS NOT NULL OR pause_requested_at IS NOT NULL)"
)


def values_of(path: str) -> list[str]:
    """What of a run at the end of that path may be large: for `defer` where it is not shown."""
    return [f"{path}__{name}" for name in ("inputs", "result", "error", "seed")]


def silence() -> timedelta:
    """How long code may work without coming back to the engine before it counts as stuck."""
    return timedelta(seconds=conf.RUN_SILENT_SECONDS)


class RunQuerySet(models.QuerySet["Run"]):
    def lock_claimable(self, run_id: UUID) -> "Claimable | None":
        """The run, if it is queued or a worker's lease on it has passed."""
        if connection.vendor == "postgresql":
            ahead = clock.ahead // timedelta(microseconds=1)
            rest = f", {NOW} {CLAIMABLE.format(now=NOW, lock=LOCK)}"
            rows = rows_of((Run,), rest, ahead, run_id, ahead)
            return next(map(Claimable._make, rows), None)
        now = clock.now()
        rows = rows_of((Run,), CLAIMABLE.format(now="%s", lock=""), run_id, now)
        return next((Claimable(run, now) for (run,) in rows), None)

    def lock_queued(self, besides: Exclusions, *, waits: bool = False) -> "Queued | None":
        """The one that was queued first, besides some, and those whose rows others hold.

        `waits`: for these.
        """
        if connection.vendor == "postgresql":
            ahead = clock.ahead // timedelta(microseconds=1)
            lock = LOCK if waits else f"{LOCK} SKIP LOCKED"
            rest = QUEUED.format(now=f", {NOW}", besides=besides.condition, lock=lock)
            rows = rows_of((Run,), rest, ahead, *besides.cells)
            return next(map(Queued._make, rows), None)
        rest = QUEUED.format(now="", besides=besides.condition, lock="")
        rows = rows_of((Run,), rest, *besides.cells)
        return next((Queued._make((*row, clock.now())) for row in rows), None)

    def locked(self) -> Self:
        """Until the end of the transaction, as an update locks them.

        A stronger lock would hold up children, whose ends refer to their parent, and two that
        hold each other up are a deadlock.
        """
        return self.select_for_update(no_key=True)

    def lock(self, run_id: UUID) -> "Run":
        """That one, locked in the same way."""
        lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
        run: Run
        for (run,) in rows_of((Run,), f"{ONE}{lock}", run_id):
            return run
        raise Run.DoesNotExist(f"There is no run {run_id}.")

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
        return self.filter(status__in=Run.SUSPENDED, wake_at__lte=now)

    def out_of_time(self, now: datetime) -> Self:
        """Suspended, and they have lasted as long as they may."""
        return self.filter(status__in=Run.SUSPENDED, ends_at__lte=now)

    def queued(self) -> Self:
        return self.filter(status=RunStatus.QUEUED)

    def queued_besides(self, some: Exclusions) -> Self:
        return self.queued().exclude(procedure__in=some.procedures).exclude(pk__in=some.runs)

    def with_news_of_children(self) -> Self:
        """Suspended or paused, and a child's end was lost on its way to them."""
        news = {"run_inputs__kind": "child.ended", "run_inputs__taken_at": None}
        return self.filter(status__in=[*Run.SUSPENDED, RunStatus.PAUSED], **news).distinct()

    def with_mail(self) -> Self:
        """Not ended, and what another run has sent them was lost on its way."""
        sent = {"run_inputs__kind": "sent", "run_inputs__taken_at": None}
        return self.unended().filter(**sent).distinct()

    def unended(self) -> Self:
        return self.exclude(status__in=[status for status in RunStatus if status.is_end])

    def ended_above_others(self) -> Self:
        """Failed or succeeded, and had children, which may go on."""
        below = Run.objects.filter(parent_wait__run=OuterRef("pk"))
        return self.filter(Exists(below), status__in=[RunStatus.FAILED, RunStatus.SUCCEEDED])


class Run(models.Model):
    """One execution of a procedure."""

    SUSPENDED = SUSPENDED

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    procedure = models.ForeignKey(Procedure, models.PROTECT, db_index=False, related_name="runs")
    version = models.ForeignKey(ProcedureVersion, models.PROTECT, related_name="runs")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="started_runs"
    )
    status = models.CharField(
        max_length=12,
        choices=[(status, status) for status in RunStatus],
        default=RunStatus.QUEUED,
    )
    inputs = models.TextField(help_text=KEPT)
    result = models.TextField(null=True, help_text=KEPT)  # noqa: DJ001 ("null" is a result)
    error = models.TextField(blank=True, help_text="Canonical JSON.")
    seed = models.CharField(max_length=32)
    idempotency_key = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    pause_requested_at = models.DateTimeField(null=True)
    paused_as = models.CharField(
        max_length=12, blank=True, help_text="The status in which it goes on when it is unpaused."
    )
    parent_wait = models.ForeignKey(
        "procedures.Wait", models.SET_NULL, null=True, related_name="children"
    )
    parent_number = models.PositiveIntegerField(default=0, help_text="Its place in a map.")
    depth = models.PositiveSmallIntegerField(default=0, help_text="How many runs stand above it.")
    origin = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="copies",
        help_text="The run that it is a restart or a fork of.",
    )
    forked_at = models.CharField(
        max_length=200, blank=True, help_text="The step or wait of that one which a fork begins at."
    )
    carried_seq = models.PositiveBigIntegerField(
        default=0, help_text="A fork's last event that it has from that one."
    )

    epoch = models.PositiveIntegerField(default=0, help_text="Fences off earlier workers.")
    leased_until = models.DateTimeField(null=True)
    base_seq = models.PositiveBigIntegerField(
        default=0, help_text="It is read from the event after this one on."
    )
    wake_at = models.DateTimeField(null=True, help_text="When a failed step is tried again.")
    ends_at = models.DateTimeField(
        null=True, help_text="When it has lasted as long as it may, as its code said last."
    )
    queued_at = models.DateTimeField(null=True, help_text="Since when it is queued.")
    working_on = models.CharField(max_length=200, blank=True)
    working_attempt = models.PositiveIntegerField(null=True)
    working_since = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(
        null=True, help_text="When its code last came back to the engine, in a worker's hands."
    )
    heard = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How many signals and operators' acts it was told."
    )
    heard_proof = models.CharField(max_length=32, blank=True, default="", db_default="")
    is_left_without_storage = models.BooleanField(
        default=False, db_default=False, help_text="Its last worker lost the storage: look first."
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("operate_run", "Can operate all runs")]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "started_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_run_per_idempotency_key",
            )
        ]
        indexes = [
            models.Index(fields=["queued_at"], condition=Q(status="queued"), name="queued_runs"),
            models.Index(
                fields=["leased_until"], condition=Q(status="running"), name="running_runs"
            ),
            models.Index(
                fields=["wake_at"], condition=Q(wake_at__isnull=False), name="runs_to_wake"
            ),
            models.Index(
                fields=["ends_at"], condition=Q(ends_at__isnull=False), name="runs_to_end"
            ),
            models.Index(fields=["procedure", "status", "id"], name="runs_by_procedure"),
            models.Index(fields=["status", "id"], name="runs_by_status"),
            models.Index(
                fields=["started_by", "created_at", "parent_wait"],
                condition=Q(parent_wait=None),
                name="starts_of_people",
            ),
            models.Index(
                fields=["started_by", "parent_wait", "ended_at"],
                condition=Q(parent_wait=None, ended_at=None),
                name="open_runs_of_people",
            ),
            models.Index(
                fields=["origin"], condition=Q(origin__isnull=False), name="runs_by_origin"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.procedure} {str(self.pk)[-8:]}"

    @property
    def starter(self) -> str:
        return self.started_by.get_username() if self.started_by else "system"

    @property
    def head_seq(self) -> int:
        """The number of the last event of its journal."""
        return self.head.seq

    @property
    def head_hash(self) -> str:
        return self.head.hash

    @property
    def parent_id(self) -> UUID | None:
        """The id of the run that started it as a child; read from its parent's wait."""
        return self.parent_wait.run_id if self.parent_wait else None

    def beginning(self, files: Iterable[File]) -> dict[str, Any]:
        """Return what its first event holds: its starter, files, and seals of what never changes.

        `files`: what it was given.
        """
        who = {
            "by": self.starter,
            "by_id": json_key(self.started_by_id),
            "code": self.version.version,
        }
        sealed = seals_of(self.facts(), owner=str(self.pk), key=ledger_key())
        given = [named(file) for file in dict.fromkeys(files)]
        return {**who, "files": given, PROOF: sealed}

    def facts(self) -> dict[str, Any]:
        """What never changes about it, by the names of its fields."""
        named = {name: getattr(self, name) for name in FACTS}
        return {**named, "procedure": self.procedure.name, "version": self.version.version}

    def insert(self, *, head_seq: int, head_hash: str) -> None:
        """Keep a new run, queued."""
        self.queued_at = self.created_at
        self.heard_proof = tally_proof(HEARD, self.pk, self.heard)
        self.save(force_insert=True)
        Head(run=self, seq=head_seq, hash=head_hash).begin()

    def top(self) -> UUID:
        """The run that people have started: itself, or what stands above all of it."""
        run, above, seen = self.pk, self.parent_wait_id, set[int]()
        while above and above not in seen:  # rows that were tampered with may stand in a circle
            seen.add(above)
            [(run, above)] = fetched(ABOVE, above) or [(run, None)]
        return UUID(str(run))

    def is_silent(self, now: datetime) -> bool:
        """Whether its code has not come back to the engine for `RUN_SILENT_SECONDS`."""
        since = self.reached_at
        return self.status == RunStatus.RUNNING and since is not None and since <= now - silence()

    @property
    def is_suspended(self) -> bool:
        return self.status in self.SUSPENDED

    def is_called(self) -> bool:
        """Whether something has come from outside that is not in the journal yet."""
        return exists(f"{UNTAKEN} LIMIT 1", self.pk)

    def left_at_end(self) -> tuple[bool, bool]:
        """Whether an operator has said what its journal lacks, and whether something is open."""
        [(is_told_more, is_waiting)] = fetched(LEFT_AT_END, self.pk, self.pk)
        return bool(is_told_more), bool(is_waiting)

    def is_asked_to_stop(self) -> bool:
        """For good, or for now: since it was claimed, too."""
        return exists(ASKED_TO_STOP, self.pk)


class Claimable(NamedTuple):
    """A locked run that a worker may take, and when it was found."""

    run: Run
    at: datetime


class Queued(NamedTuple):
    """A locked run at the head of the queue, what there is to know of it, and when it was found."""

    run: Run
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
