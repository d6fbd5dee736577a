"""Lists page by key, whatever is added meanwhile, and cost the same for any number of rows."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from procedures.library import JOBS
from procedures.models import Event, Procedure, Run
from tests.calls import caller, grant, request_of, respond, run_until_it_waits


@pytest.fixture
def alices(alice: User, support: Group) -> Client:
    grant("question", support, "see", "start", "answer")
    return caller(alice)


def items(client: Client, path: str) -> list[Any]:
    response = client.get(path)
    assert response.status_code == 200, response.content
    rows = response.json()["items"]
    assert isinstance(rows, list)
    return rows


def walk(client: Client, path: str, between: Callable[[], object]) -> Iterator[Any]:
    """Every row of a list, page by page; something happens between two pages."""
    after = ""
    while True:
        page = client.get(f"{path}{after}").json()
        yield from page["items"]
        if page["next"] is None:
            return
        after = f"&after={page['next']}"
        between()


def add_runs(count: int) -> list[Run]:
    """All of one moment: only their ids tell them apart."""
    model = run_until_it_waits("question")
    fields = {field.attname: getattr(model, field.attname) for field in Run._meta.fields}  # noqa: SLF001
    del fields["id"]
    return Run.objects.bulk_create([Run(**fields) for _ in range(count)])


def test_a_walk_over_runs_meets_each_once(alices: Client) -> None:
    made = add_runs(119)
    before = {str(pk) for pk in Run.objects.values_list("pk", flat=True)}

    seen = [run["id"] for run in walk(alices, "/api/runs?limit=25", lambda: add_runs(2))]

    assert len(before) == 120
    assert len(seen) == len(set(seen))
    assert set(seen) == before
    assert seen == sorted(seen, reverse=True)
    assert str(made[0].pk) in seen


def test_rows_that_go_meanwhile_shift_nothing(alices: Client) -> None:
    add_runs(20)
    newest = Run.objects.order_by("-pk")

    def remove_two() -> None:
        Run.objects.filter(pk__in=[run.pk for run in newest[:2]]).update(procedure=other)

    other = Procedure.objects.get(name="two_steps")
    before = {str(run.pk) for run in newest}

    seen = [run["id"] for run in walk(alices, "/api/runs?limit=5", remove_two)]

    assert sorted(seen) == sorted(before)


def test_a_walk_over_a_journal_meets_each_event_once(alices: Client) -> None:
    run = run_until_it_waits("question")
    event = run.events.latest("pk")
    fields = {"run": run, "kind": event.kind, "data": event.data, "at": event.at, "hash": "x"}
    Event.objects.bulk_create([Event(seq=seq, **fields) for seq in range(event.seq + 1, 121)])

    def grow() -> None:
        Event.objects.create(seq=run.events.latest("seq").seq + 1, **fields)

    seen = [line["seq"] for line in walk(alices, f"/api/runs/{run.pk}/events?limit=25", grow)]

    assert seen[:120] == list(range(1, 121))
    assert seen == list(range(1, len(seen) + 1))


def test_a_walk_over_requests_meets_each_once(alices: Client) -> None:
    runs = [run_until_it_waits("question") for _ in range(7)]

    seen = list(walk(alices, "/api/requests?limit=3", lambda: run_until_it_waits("question")))

    assert [row["run_id"] for row in seen] == [str(run.pk) for run in reversed(runs)]


def test_the_last_page_says_so(alices: Client) -> None:
    add_runs(3)

    assert alices.get("/api/runs?limit=4").json()["next"] is None
    assert alices.get("/api/runs?limit=3").json()["next"] is not None
    assert alices.get("/api/runs?limit=0").json()["next"] is not None
    assert len(items(alices, "/api/runs?limit=100000")) == 4


def test_nobody_gets_more_than_a_large_page(alices: Client) -> None:
    add_runs(501)

    assert len(items(alices, "/api/runs?limit=100000")) == 500
    assert len(items(alices, "/api/runs")) == 50


def test_procedures_are_listed_by_name(admin_user: User) -> None:
    root = caller(admin_user)
    names = [row["name"] for row in walk(root, "/api/procedures?limit=7", lambda: None)]

    assert names == sorted(Procedure.objects.exclude(name__in=JOBS).values_list("name", flat=True))


def test_lists_are_filtered(alices: Client, alice: User) -> None:
    waiting = run_until_it_waits("question", by=alice)
    answered = run_until_it_waits("question", by=alice)
    respond(alices, request_of(answered), value=True)

    def ids(path: str) -> set[UUID]:
        return {UUID(row["id"]) for row in items(alices, path)}

    assert ids("/api/runs?status=waiting") == {waiting.pk}
    assert ids("/api/runs?status=queued&procedure=question") == {answered.pk}
    assert ids("/api/runs?procedure=two_steps") == set()
    assert ids("/api/runs?procedure=unknown") == set()
    assert ids("/api/requests?status=open") == {request_of(waiting).pk}
    assert ids("/api/requests?status=answered") == {request_of(answered).pk}
    assert ids(f"/api/requests?run={answered.pk}") == {request_of(answered).pk}
    assert ids(f"/api/requests?run={answered.pk}&status=open") == set()


@pytest.mark.parametrize(
    "path", ["runs", "runs/{run}", "runs/{run}/events", "requests", "requests/{request}"]
)
def test_it_costs_the_same_for_any_number_of_rows(alices: Client, alice: User, path: str) -> None:
    run = run_until_it_waits("question", by=alice)
    request = request_of(run)
    respond(alices, request, value=True)
    path = f"/api/{path.format(run=run.pk, request=request.pk)}"

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert alices.get(path).status_code == 200
        return len(captured)

    before = queries()
    for _ in range(3):
        respond(alices, request_of(run_until_it_waits("question", by=alice)), value=True)

    assert queries() == before
    assert before < 16


def test_a_request_tells_all_that_is_needed_to_answer_it(alices: Client, alice: User) -> None:
    grant("deadline_with_default", Group.objects.get(name="support"), "answer")
    run = run_until_it_waits("deadline_with_default")
    request = request_of(run)

    told = alices.get(f"/api/requests/{request.pk}").json()

    assert told["run_id"] == str(run.pk)
    assert told["kind"] == "approval"
    assert told["prompt"] == "Go?"
    assert told["schema"] == {"type": "boolean"}
    assert told["labels"] == {"true": "Approve", "false": "Reject"}
    assert told["silence"] == "If nobody answers in time, that counts as “Approve”."
    assert told["assigned"] == ["support"]
    assert told["status"] == "open"
    opened, due = request.opened_at, request.wait.due_at
    assert due
    assert due - opened == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=1))
