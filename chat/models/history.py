"""The history of a request: who did what with the request, when, from where and by which channel.

Entries are numbered and chained like the events of a journal. The request holds the number and the
hash of its last entry, so that a missing entry is noticed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, When

from procedures.engine.journal.events import Event, NewEvent, chain
from procedures.engine.journal.seals import PROOF
from procedures.engine.values import canonical
from procedures.models.proofs import ledger_key
from procedures.models.tallies import tally_proof
from procedures.users import json_key

if TYPE_CHECKING:
    from chat.models.request import HumanRequest
    from procedures.users import User

NOTHING: Mapping[str, Any] = {}
HISTORY = ("history", "history_head", "history_proof")
"""The fields of a request that change with every new entry of the request's history."""


class RequestEventQuerySet(models.QuerySet["RequestEvent"]):
    def with_changed_run(self) -> Self:
        """Annotate each entry with `changed`: the key of the run whose row in lists it changes.

        `changed` is None for entries that change no list. The annotation is needed because votes,
        answers that can still be undone, and escalations change how lists show the request's run,
        although they add no event to the run's journal and no `RunInput`.
        """
        kind = RequestEvent.Kind
        kinds = (
            *(kind.VOTED, kind.ANSWERED, kind.ASKED_BACK, kind.BYPASSED),
            *(kind.UNDONE, kind.ESCALATED),
        )
        changed = Case(When(kind__in=kinds, then="request__wait__run"))
        return self.annotate(changed=changed)


class RequestEvent(models.Model):
    """An entry in a request's history; entries are never changed or removed."""

    class Kind(models.TextChoices):
        CREATED = "created"
        SEEN = "seen"
        CLAIMED = "claimed"
        RELEASED = "released"
        REASSIGNED = "reassigned"
        DELEGATED = "delegated"
        REMINDED = "reminded"
        ESCALATED = "escalated"
        VOTED = "voted"
        ANSWERED = "answered"
        ASKED_BACK = "asked_back", "Sent back"
        BYPASSED = "bypassed"
        REFUSED = "refused"
        UNDONE = "undone"
        OUTDATED = "outdated"
        UNUSED = "unused"
        EXPIRED = "expired"
        WITHDRAWN = "withdrawn"

    request = models.ForeignKey(
        "countersign_chat.HumanRequest", models.CASCADE, db_index=False, related_name="events"
    )
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    name = models.CharField(max_length=254, help_text="The name of the user, or of the system.")
    at = models.DateTimeField()
    data = models.TextField(help_text="Canonical JSON.")
    hash = models.CharField(max_length=64)
    objects = RequestEventQuerySet.as_manager()

    class Meta:
        ordering = ["request", "seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "seq"], name="countersign_one_request_event_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.name}"

    @property
    def content(self) -> dict[str, Any]:
        """The entry's stored details, such as the channel and network address."""
        return dict(canonical.plain(self.data))

    @property
    def chained(self) -> Event:
        return Event(self.seq, self.kind, "", self.name, self.data, self.at, self.hash)


def new_event(
    request: "HumanRequest",
    kind: str,
    *,
    at: datetime,
    by: "User | None" = None,
    name: str = "",
    facts: Mapping[str, Any] = NOTHING,
) -> RequestEvent:
    """Return the unsaved next entry of a request's history.

    The request must be locked. The entry's number and hash are also set on the request, which the
    caller must save. Facts whose value is None or "" are left out.
    """
    values = {"by_id": json_key(by.pk) if by else None, **facts}
    content = {fact: value for fact, value in values.items() if value not in (None, "")}
    draft = NewEvent(str(kind), "", by.get_username() if by else name, content)
    owner, seq, head = str(request.pk), request.history + 1, request.history_head
    event = chain(draft, run_id=owner, seq=seq, at=at, head=head, key=ledger_key())
    request.history, request.history_head = seq, event.hash
    request.history_proof = tally_proof(HISTORY[0], request.pk, seq)
    return RequestEvent(
        request=request,
        seq=seq,
        kind=kind,
        user=by,
        name=event.name,
        at=at,
        data=event.data,
        hash=event.hash,
    )


def end_claim(
    request: "HumanRequest",
    *,
    at: datetime,
    reason: str,
    by: "User | None" = None,
    name: str = "",
) -> RequestEvent:
    """End the claim on a request, and return the unsaved entry of the request's history about it.

    The request must be locked and claimed. The caller must save its `claimed_by`, too.
    """
    assert request.claimed_by
    facts = {"of": request.claimed_by.get_username(), "reason": reason}
    request.claimed_by = None
    return new_event(request, RequestEvent.Kind.RELEASED, at=at, by=by, name=name, facts=facts)


def proofs_in(request: "HumanRequest") -> dict[tuple[datetime, Any], dict[str, str]]:
    """Return the proofs of the answers in the history.

    A key of the result is a pair: the time of an answer, and the key of the user who gave it. A
    value is a dictionary from the names of the answer's fields to their proofs.
    """
    return {
        (one.at, one.user_id): one.content[PROOF]
        for one in request.events.all()
        if PROOF in one.content
    }


def answered_by(request: "HumanRequest") -> RequestEvent | None:
    """Return the history's entry of the last answer, or None if the history has no answer."""
    return next((one for one in reversed(request.events.all()) if PROOF in one.content), None)


def is_unused(request: "HumanRequest") -> bool:
    """Return True if the answer that closed the request was never used by the run."""
    last = request.events.order_by("seq").last()
    return last is not None and last.kind == RequestEvent.Kind.UNUSED
