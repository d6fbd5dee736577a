"""Queries that are compiled once give the rows that the ORM gives for the same values."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery, Value

from procedures.among import is_among
from procedures.models import Event, Run
from procedures.services import start_run
from procedures.store.compiled import CompiledRows, Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(alice: User) -> list[Run]:
    return [start_run("repeated_steps", {"times": 3}, by=None)[0] for _ in range(3)]


def selected(condition: Any, since: Any) -> QuerySet[Run, Any]:
    first = Event.objects.filter(run=OuterRef("pk")).order_by("seq").values("at")[:1]
    found = Run.objects.filter(condition, created_at__gte=since).order_by()
    return found.annotate(is_new=Q(status="queued"), first=Subquery(first)).values_list(
        "pk", "procedure__name", "created_at", "started_by", "is_new", "first"
    )


def of_both(condition: Any, since: Any) -> QuerySet[Run, Any]:
    nothing = (
        Run.objects.filter(condition)
        .order_by()
        .values_list(*("pk", "status", "created_at", "started_by", Value(value=False), "ended_at"))
    )
    return selected(condition, since).union(nothing, all=True).order_by("pk", "procedure__name")


@pytest.mark.parametrize("make", [selected, of_both])
def test_a_compiled_query_gives_the_rows_of_the_orm_for_all_values(
    runs: list[Run], make: Any
) -> None:
    kept = CompiledRows(
        lambda: make(is_among("pk", Place("keys")), Place("since", DateTimeField()))
    )

    def are_the_same(keys: Collection[UUID], since: datetime) -> bool:
        found = kept.fetch(keys=list(keys), since=since)
        return sorted(found) == sorted(make(Q(pk__in=keys), since)) and bool(found)

    at = min(run.created_at for run in runs)
    assert are_the_same([run.pk for run in runs], at)
    assert are_the_same([runs[1].pk, uuid4()], at)
    assert are_the_same([runs[2].pk], runs[2].created_at)
    assert kept.fetch(keys=[], since=at) == []
    assert make is of_both or kept.fetch(keys=[runs[0].pk], since=at + timedelta(days=1)) == []


def test_texts_in_a_list_are_sent_as_they_are(runs: list[Run]) -> None:
    every = Run.objects.order_by("pk").values_list("pk")
    kept = CompiledRows(lambda: every.filter(is_among("status", Place("words"))))

    assert kept.fetch(words=['a "b", {c}\\', "queued"]) == [(run.pk,) for run in runs]
    assert kept.fetch(words=['a "queued", {c}\\']) == []
