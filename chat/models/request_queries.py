"""Queries for requests by state, urgency and assignees."""

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from chat.models.assignment import Assignment
from chat.store import sql
from procedures.models import Run
from procedures.models.clock import clock
from procedures.models.run_queries import values_of

if TYPE_CHECKING:
    from chat.models.request import HumanRequest
    from procedures.users import User


def assignees_and_responses() -> "list[models.Prefetch[str]]":
    """Return prefetches of the assignees and responses of requests."""
    asked = Assignment.objects.select_related("user", "group").order_by("pk")
    given = apps.get_model("countersign_chat", "HumanResponse").objects.order_by("pk")
    return [
        models.Prefetch("assignments", asked),
        models.Prefetch("responses", given.select_related("user", "for_user")),
    ]


class HumanRequestQuerySet(models.QuerySet["HumanRequest"]):
    def open(self) -> Self:
        return self.filter(status=self.model.Status.OPEN)

    def with_what_is_shown(self) -> Self:
        """Load everything that lists and cards show, without a query per row."""
        return (
            self.select_related("session", "wait__run__procedure", "wait__run__started_by")
            .select_related("claimed_by")
            .prefetch_related(*assignees_and_responses(), "wait__part_of__parts")
            .defer(*values_of("wait__run"))
        )

    def mark_unasked(self) -> None:
        """Set `is_unasked` of each of these requests that is open and has no assignment left."""
        asked = Assignment.objects.filter(request=OuterRef("pk")).order_by()
        self.open().filter(~Exists(asked), is_unasked=False).update(is_unasked=True)

    def run_of(self, request_id: UUID) -> UUID:
        for (run,) in sql.run_of_request.fetch(request_id):
            return UUID(str(run))
        raise self.model.DoesNotExist(f"There is no request {request_id}.")

    def lock_run_of(self, request_id: UUID) -> Run:
        """Lock and return the run of a request; call this before taking any other lock."""
        for (run,) in sql.lock_run_of_request.rows(request_id):
            locked: Run = run
            return locked
        raise self.model.DoesNotExist(f"There is no request {request_id}.")

    def lock(self, request_id: UUID) -> "tuple[HumanRequest, datetime]":
        """Lock a request; return the request, with its wait loaded, and the current time.

        The caller must have locked the request's run already.
        """
        request: HumanRequest
        for request, request.wait, at in sql.lock_request.rows(clock.cell(), request_id):
            return request, clock.read(at)
        raise self.model.DoesNotExist(f"There is no request {request_id}.")

    def by_urgency(self) -> Self:
        """Order requests by when an answer is needed, then by risk (highest first), then by age.

        Requests that need an answer at no particular time come last; among equals, the oldest comes
        first.
        """
        return self.order_by(F("needed_at").asc(nulls_last=True), "rank", "id")

    def assigned_to(self, user: "User") -> Self:
        """Return the requests, open or closed, assigned to a user; a superuser gets all requests.

        The query tests every request separately, so narrow the query to the keys of a few requests.
        """
        return self.all() if user.is_superuser else self.filter(is_assigned_to(user))


def is_assigned_to(user: "User") -> Q:
    """Return a `Q` that matches requests, open or closed, with an assignment to the user.

    An assignment to the user's group or permission, or to somebody who has the user as a deputy,
    counts.
    """
    asked = Assignment.objects.to(user).filter(request=OuterRef("pk"))
    return Q(Exists(asked.order_by()))


def may_take_votes() -> Q:
    """Return a `Q` that matches requests that can stay open after a person's answer.

    If a request stays open, the answer is a vote, and other people must answer, too.
    """
    return Q(quorum__gt=1) | Q(four_eyes=True)
