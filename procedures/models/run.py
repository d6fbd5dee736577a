"""Runs; each is one execution of a procedure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from procedures.engine.journal.events import RunStatus
from procedures.engine.journal.seals import PROOF, seals_of
from procedures.engine.lifecycle.runs import SUSPENDED
from procedures.engine.values.files import File, named
from procedures.models.head import Head
from procedures.models.ids import uuid7
from procedures.models.procedure import Procedure, ProcedureVersion
from procedures.models.proofs import ledger_key
from procedures.models.run_queries import RunQuerySet, silence
from procedures.models.tallies import HEARD, tally_proof
from procedures.store import sql
from procedures.users import json_key

KEPT = "Canonical JSON; for a large value, the address of its file (sha256:DIGEST SIZE)."
HAS_LARGE_VALUES = Q(inputs__startswith="sha256:") | Q(result__startswith="sha256:")
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
    *("program", "webhook"),
    *("parent_wait_id", "parent_number", "depth", "origin_id", "forked_at", "subject"),
)
"""The fields that are sealed in the run's first event, besides the version of the code."""


class Run(models.Model):
    """One execution of a procedure."""

    SUSPENDED = SUSPENDED

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    procedure = models.ForeignKey(Procedure, models.PROTECT, db_index=False, related_name="runs")
    version = models.ForeignKey(ProcedureVersion, models.PROTECT, related_name="runs")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="started_runs",
    )
    program = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text="The name of the token with which a program started the run; empty for people.",
    )
    webhook = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="The webhook to which the run's end, and the ends of its requests, are reported.",
    )
    status = models.CharField(
        max_length=12,
        choices=[(status, status) for status in RunStatus],
        default=RunStatus.QUEUED,
    )
    is_asking = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if the run waits for people; only kept up to date while the status is "
        "waiting.",
    )
    subject = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The line that distinguishes the run from others of its procedure; written when "
        "the run starts.",
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
        max_length=12, blank=True, help_text="The status the run gets back when it is resumed."
    )
    parent_wait = models.ForeignKey(
        "countersign_procedures.Wait", models.SET_NULL, null=True, related_name="children"
    )
    parent_number = models.PositiveIntegerField(
        default=0, help_text="The run's place among the children of one ctx.map."
    )
    depth = models.PositiveSmallIntegerField(
        default=0, help_text="The number of ancestors: the parent, that run's parent, and so on."
    )
    origin = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="copies",
        help_text="The run of which this one is a restart or a fork.",
    )
    forked_at = models.CharField(
        max_length=200,
        blank=True,
        help_text="The step or wait of the origin at which a fork begins.",
    )
    carried_seq = models.PositiveBigIntegerField(
        default=0, help_text="The number of the last event that a fork copied from its origin."
    )

    epoch = models.PositiveIntegerField(
        default=0,
        help_text="The number of the run's latest claim, which fences off earlier workers.",
    )
    leased_until = models.DateTimeField(null=True)
    base_seq = models.PositiveBigIntegerField(
        default=0, help_text="The number of the last event that a replay skips; 0 for none."
    )
    wake_at = models.DateTimeField(
        null=True, help_text="The time of the next attempt of a failed step."
    )
    ends_at = models.DateTimeField(
        null=True, help_text="The time at which the run exceeds its maximum duration."
    )
    queued_at = models.DateTimeField(null=True, help_text="The time at which the run was queued.")
    working_on = models.CharField(max_length=200, blank=True)
    working_attempt = models.PositiveIntegerField(null=True)
    working_since = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(
        null=True, help_text="The time at which the code last reached a step or a wait."
    )
    heard = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="The number of signals and operations that the run has received.",
    )
    heard_proof = models.CharField(max_length=32, blank=True, default="", db_default="")
    is_left_without_storage = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if the run's last worker couldn't reach the storage; "
        "the next one checks it first.",
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("operate_run", "Can operate all runs")]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "started_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="countersign_one_run_per_idempotency_key",
            ),
            # In a database, NULL equals nothing, so the constraint above doesn't apply to runs that
            # the system starts.
            models.UniqueConstraint(
                fields=["procedure", "idempotency_key"],
                condition=Q(started_by=None) & ~Q(idempotency_key=""),
                name="countersign_one_run_per_key_without_starter",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queued_at"], condition=Q(status="queued"), name="countersign_queued_runs"
            ),
            models.Index(
                fields=["leased_until"],
                condition=Q(status="running"),
                name="countersign_running_runs",
            ),
            models.Index(
                fields=["wake_at"],
                condition=Q(wake_at__isnull=False),
                name="countersign_runs_to_wake",
            ),
            models.Index(
                fields=["ends_at"],
                condition=Q(ends_at__isnull=False),
                name="countersign_runs_to_end",
            ),
            models.Index(
                fields=["procedure", "status", "is_asking", "id"],
                name="countersign_runs_by_procedure",
            ),
            models.Index(
                fields=["started_by", "procedure", "status", "is_asking", "id"],
                name="countersign_runs_by_starter",
            ),
            models.Index(fields=["status", "id"], name="countersign_runs_by_status"),
            models.Index(
                fields=["ended_at"],
                condition=Q(status="failed"),
                name="countersign_failures_by_end",
            ),
            models.Index(
                fields=["procedure", "ended_at", "id"],
                condition=Q(parent_wait=None, ended_at__isnull=False),
                name="countersign_ended_runs",
            ),
            models.Index(
                fields=["id"], condition=HAS_LARGE_VALUES, name="countersign_runs_with_files"
            ),
            models.Index(
                fields=["id"],
                condition=Q(is_left_without_storage=True),
                name="countersign_left_runs",
            ),
            models.Index(
                fields=["started_by", "created_at", "parent_wait"],
                condition=Q(parent_wait=None),
                name="countersign_starts_of_people",
            ),
            models.Index(
                fields=["started_by", "parent_wait", "ended_at"],
                condition=Q(parent_wait=None, ended_at=None),
                name="countersign_open_starts",
            ),
            models.Index(
                fields=["origin"],
                condition=Q(origin__isnull=False),
                name="countersign_runs_by_origin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.procedure} {str(self.pk)[-8:]}"

    @property
    def starter(self) -> str:
        return self.started_by.get_username() if self.started_by else "system"

    @property
    def heading(self) -> str:
        """The run's subject, or else the procedure's title."""
        return self.subject or self.procedure.title

    @property
    def head_seq(self) -> int:
        """The number of the last event in the run's journal."""
        return self.head.seq

    @property
    def head_hash(self) -> str:
        return self.head.hash

    @property
    def parent_id(self) -> UUID | None:
        """The id of the run that started this run as a child; None if people started this run."""
        return self.parent_wait.run_id if self.parent_wait else None

    def beginning(self, files: Iterable[File]) -> dict[str, Any]:
        """Return the data of the run's first event.

        The data names the starter of the run, the version of the code and the files, and seals of
        the values that never change.
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
        """Return the values of the fields that never change, by name."""
        named = {name: getattr(self, name) for name in FACTS}
        return {**named, "procedure": self.procedure.name, "version": self.version.version}

    def begin(self, seq: int, mark: str) -> Head:
        """Prepare a new, queued run for its insertion; return the head to be inserted with the run.

        `seq` and `mark` are the number and the hash of the run's last event.
        """
        self.queued_at = self.created_at
        # Even a count of zero is sealed. Otherwise, signals could be removed together with their
        # count.
        self.heard_proof = tally_proof(HEARD, self.pk, self.heard)
        return Head(run=self, seq=seq, hash=mark)

    def ids_above(self) -> Iterator[UUID]:
        """Yield the ids of the run's ancestors, from its parent up."""
        wait, seen = self.parent_wait_id, set[int]()
        while wait and wait not in seen:  # rows that were tampered with may form a circle
            seen.add(wait)
            [(run, wait)] = sql.parent_of_wait.fetch(wait) or [(None, None)]
            if run:
                yield UUID(str(run))

    def top(self) -> UUID:
        """Return the id of the run's topmost ancestor, or of the run itself if it has no parent."""
        *_, top = self.pk, *self.ids_above()
        return top

    def is_silent(self, now: datetime) -> bool:
        """Return True if a worker executes the run and its code is silent for too long.

        Code is silent if it doesn't return to the engine. It may be silent for
        `RUN_SILENT_SECONDS`.
        """
        since = self.reached_at
        return self.status == RunStatus.RUNNING and since is not None and since <= now - silence()

    def is_called(self) -> bool:
        """Return True if the run has a `RunInput` that isn't journaled yet."""
        return sql.any_untaken_input.is_true(self.pk)

    def left_at_end(self) -> tuple[bool, bool]:
        """Return two flags about a run that ends.

        The first flag is True if an operation isn't journaled yet, and the second one if a wait is
        open.
        """
        [(is_told_more, is_waiting)] = sql.left_at_end.fetch(self.pk, self.pk)
        return bool(is_told_more), bool(is_waiting)

    def is_asked_to_stop(self) -> bool:
        """Return True if a cancel or a pause of the run is pending.

        This queries the database, so it also finds a cancel or a pause that came after the claim.
        """
        return sql.asked_to_stop.is_true(self.pk)
