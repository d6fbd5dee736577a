"""Signals: named messages to runs."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from procedures.models.proofs import proof_field, reseal, seal
from procedures.models.run import Run
from procedures.models.tallies import next_heard
from procedures.models.wait import Wait
from procedures.users import json_key


class Signal(models.Model):
    """A named message to a run, stored until the run waits for it."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="signals")
    name = models.CharField(max_length=100)
    signal_id = models.CharField(
        max_length=200,
        help_text="The id that the sender gave the signal. If the signal is sent again with the "
        "same id and value, it counts only once.",
    )
    value = models.TextField(help_text="Canonical JSON.")
    error = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The error that the waiting code raises instead of getting a value.",
    )
    sender = models.CharField(max_length=254, help_text="The sender's name at the time.")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()
    wait = models.OneToOneField(Wait, models.SET_NULL, null=True, related_name="received")

    skipped = models.TextField(
        blank=True, help_text="The reason why the run didn't accept the signal."
    )
    read_seq = models.PositiveBigIntegerField(
        null=True,
        help_text="For a message: the number of the event that records that the run has read it.",
    )
    proof = proof_field()
    SEALED: ClassVar = (
        *("run", "name", "signal_id", "value", "error", "sender", "sent_by"),
        *("at", "wait", "skipped", "read_seq"),
    )

    class Meta:
        ordering = ["run", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "name", "signal_id"], name="countersign_one_signal_per_id"
            )
        ]
        indexes = [
            models.Index(
                fields=["run", "name"],
                condition=Q(wait=None, skipped="", read_seq=None),
                name="countersign_unread_signals",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.signal_id}"

    @property
    def status(self) -> str:
        """The status: "kept" until the run waits for the signal, then "received" or "skipped"."""
        if self.skipped:
            return "skipped"
        return "received" if self.wait_id or self.read_seq else "kept"

    @property
    def responder_id(self) -> Any:
        """The id of the person who sent the signal, in the form that JSON has.

        It is None if a run sent the signal.
        """
        return json_key(self.sent_by_id)

    def keep(self) -> None:
        """Lock the run, give the signal its number, and insert it."""
        seal(self, number=next_heard(self.run_id))
        self.save(force_insert=True)

    def save_proven(self, *names: str) -> None:
        """Save the fields called `names`, and renew their seals in the row's proof."""
        reseal(self, *names)
        self.save(update_fields=[*names, "proof"])
