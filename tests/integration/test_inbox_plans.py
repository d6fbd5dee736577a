"""A page of the inbox costs as many rows and statements on a large site as on a small one."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.access import most_urgent
from chat.inbox import Filters, Inbox, Tab
from chat.models import Assignment, HumanRequest
from chat.services import newest_requests
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.run_lists import MOST_SINGLE
from procedures.store.merging import HANDFUL
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.integration.test_chat_plans import copy_of, know_the_rows
from tests.pages import browser
from tests.plans import grown, nodes_of, rows_read

FEW, MANY = 300, 3_000
PAGE = 50


@pytest.fixture
def request_(finance: Group, bob: User, alice: User) -> HumanRequest:
    grant("inbox_item", finance, "answer")
    return request_of(run_until_it_waits("inbox_item", prompt="Pay?"))


def add_requests(count: int, like: HumanRequest, **whom: Any) -> None:
    """More open requests of other runs, every second one with a deadline."""
    now, person = clock.now(), User.objects.get_or_create(username="starter")[0]
    runs = [copy_of(like.wait.run, person) for _ in range(count)]
    waits = [Wait(run=run, key="ask", kind="request", opened_seq=1) for run in runs]
    requests = [
        HumanRequest(
            id=uuid7(),
            wait=wait,
            session=like.session,
            kind=like.kind,
            prompt=f"Pay {n}?",
            question=like.question,
            opened_at=now,
            needed_at=now + timedelta(minutes=n) if n % 2 else None,
        )
        for n, wait in enumerate(waits)
    ]
    Run.objects.bulk_create(runs)
    Wait.objects.bulk_create(waits)
    HumanRequest.objects.bulk_create(requests)
    Assignment.objects.bulk_create(
        Assignment(
            request=one,
            run=one.wait.run,
            procedure=one.wait.run.procedure,
            due_at=one.needed_at,
            **whom,
        )
        for one in requests
    )
    if connection.vendor == "postgresql":
        know_the_rows()


def statements_of(
    user: User, tab: Tab, after: Any = None, filters: Filters | None = None
) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        Inbox(User.objects.get(pk=user.pk), tab, filters or Filters()).page(PAGE, after=after)
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("tab", [Tab.MINE, Tab.GROUPS, Tab.UNCLAIMED])
@pytest.mark.parametrize("name", ["bob", "root"])
def test_a_page_needs_as_many_statements_however_many_are_open(
    request_: HumanRequest, bob: User, finance: Group, name: str, tab: Tab
) -> None:
    root = User.objects.create_superuser("root")
    viewer = {"bob": bob, "root": root}[name]
    whom: dict[str, Any] = {"user": viewer} if tab == Tab.MINE else {"group": finance}
    add_requests(2, request_, **whom)
    few = len(statements_of(viewer, tab))

    add_requests(FEW, request_, **whom)

    assert len(statements_of(viewer, tab)) <= few


@pytest.mark.parametrize(("name", "most"), [("bob", 20), ("carol", 15)])
def test_the_page_reads_what_waits_for_a_person_once(
    request_: HumanRequest, bob: User, carol: User, finance: Group, name: str, most: int
) -> None:
    add_requests(9, request_, group=finance)
    client = browser({"bob": bob, "carol": carol}[name])

    with CaptureQueriesContext(connection) as captured:
        client.get("/inbox/")

    said = [query["sql"] for query in captured.captured_queries]
    assert len(said) <= most, said
    # What waits for bob is read with the marks, and what waits for him by name with the list.
    assert sum("NULLS LAST" in one and "assignment" in one for one in said) <= 2


def test_what_is_rare_among_many_is_found_by_few_statements(
    request_: HumanRequest, bob: User, finance: Group
) -> None:
    add_requests(2, request_, group=finance)
    few = len(statements_of(bob, Tab.GROUPS))
    add_requests(MANY // 2, request_, group=finance)
    last = HumanRequest.objects.open().by_urgency().reverse()[1]
    HumanRequest.objects.filter(pk=last.pk).update(prompt="Which lamp?")
    others = HumanRequest.objects.exclude(pk=last.pk)
    lamps = Filters(q="lamp")

    assert Inbox(bob, Tab.GROUPS, lamps).ids(PAGE) == [last.pk]
    assert len(statements_of(bob, Tab.GROUPS, filters=lamps)) <= few + 6
    others.update(claimed_by=create_person("ann", finance))
    assert Inbox(bob, Tab.GROUPS).ids(PAGE) == most_urgent(bob, 1) == [last.pk]
    assert len(statements_of(bob, Tab.GROUPS)) <= few + 6


def test_open_requests_of_own_runs_are_found_behind_those_of_others(
    request_: HumanRequest, alice: User, finance: Group
) -> None:
    Run.objects.filter(pk=request_.wait.run_id).update(started_by=alice)
    Run.objects.bulk_create(copy_of(request_.wait.run, alice) for _ in range(MOST_SINGLE))
    add_requests(2 * HANDFUL, request_, group=finance)

    with CaptureQueriesContext(connection) as captured:
        found = newest_requests(HumanRequest.objects.open(), alice, PAGE, are_open=True)

    assert found == [request_.pk]
    table = HumanRequest._meta.db_table  # noqa: SLF001 (Django documents it)
    read = [one for one in captured if f'FROM "{table}"' in one["sql"]]
    assert len(read) == 3, "the first of all, which of them alice sees, and those of her runs"


def rows_of_page(viewer: User, tab: Tab, place: str) -> int:
    """The rows that are read for the first page of a tab or for its second one."""
    after = None if place == "first" else Inbox(viewer, tab).ids(PAGE)[-1]
    selects = [one for one in statements_of(viewer, tab, after) if one.startswith("SELECT")]
    return rows_read([node for one in selects for node in nodes_of(one)])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows")
@pytest.mark.parametrize("tabs", [(Tab.MINE,), (Tab.GROUPS, Tab.UNCLAIMED)])
def test_a_page_reads_as_much_among_many_requests(
    request_: HumanRequest, bob: User, finance: Group, tabs: tuple[Tab, ...]
) -> None:
    viewers = [bob, User.objects.create_superuser("root")]
    asked: list[dict[str, Any]] = [{"user": one} for one in viewers]
    if tabs != (Tab.MINE,):
        asked = [{"group": finance}]

    def add(count: int) -> dict[Any, int]:
        """Add as many for each who is asked; return what every page then reads."""
        for whom in asked:
            add_requests(count, request_, **whom)
        pages = product(viewers, tabs, ("first", "second"))
        return {page: rows_of_page(*page) for page in pages}

    few = add(FEW)
    many = add(MANY)

    assert grown(few, many) == {}
