"""One migration an app makes all tables, and takes them all back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from chat.models import Assignment, HumanRequest
from procedures.databases import OURS
from procedures.models import Procedure, Run
from procedures.runner import advance_run
from tests.calls import request_of, run_until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newest() -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def our_tables() -> list[str]:
    return [
        name for name in connection.introspection.table_names() if name.startswith("countersign_")
    ]


@pytest.mark.usefixtures("newest")
def test_all_tables_can_be_taken_back_and_made_again() -> None:
    run_until_it_waits("question")
    before = our_tables()

    for app in sorted(OURS):
        call_command("migrate", app, "zero", verbosity=0)
    assert our_tables() == []
    call_command("migrate", verbosity=0)

    assert our_tables() == before
    assert len(before) > len(OURS)
    assert Procedure.objects.filter(name="question").exists()
    advance_run(run_until_it_waits("question").pk)
    assert Run.objects.get().status == "waiting"


CASES: list[dict[str, Any]] = [
    {"due": "1h", "expires": "2h", "default": True, "risk": "high"},
    {"due": "1h", "risk": "low"},
    {"due": "1h"},
    {"expires": "1h", "default": True},
    {},
]


@pytest.mark.usefixtures("newest", "finance")
def test_requests_that_were_open_before_the_inbox_stand_where_they_belong() -> None:
    runs = [run_until_it_waits("inbox_item", prompt="Pay?", options=one) for one in CASES]
    requests = [request_of(run).pk for run in runs]
    rows = [HumanRequest.objects.filter(pk=pk).values("needed_at", "rank").get() for pk in requests]
    assigned = Assignment.objects.order_by("pk").values_list("pk", "due_at", "rank")
    before = list(assigned)
    assert [row["rank"] for row in rows] == [0, 2, 1, 1, 1]
    assert [row["needed_at"] is None for row in rows] == [False, False, False, False, True]

    call_command("migrate", "countersign_chat", "0005", verbosity=0)
    HumanRequest.objects.update(needed_at=None, rank=1)
    Assignment.objects.update(due_at=None, rank=1)
    call_command("migrate", verbosity=0)

    after = HumanRequest.objects.values("needed_at", "rank")
    assert [after.get(pk=pk) for pk in requests] == rows
    assert list(assigned.all()) == before
