"""Home pages in frames: for many people at once the same that each of them would read."""

from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Assignment, Delegation, HumanRequest
from chat.services import reassign_request
from dashboard.live.homes import homes_for
from dashboard.live.marks import grounds_of, grounds_of_one
from dashboard.overview import outlook as outlook_lists
from dashboard.overview.outlook import MOST_STUCK, Outlook
from dashboard.overview.outlooks import Outlooks
from procedures.access import is_operator
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.run_lists import MOST_SINGLE
from procedures.services import start_run
from procedures.store.merging import GLANCE, HANDFUL
from procedures.viewers import People, operators
from tests.calls import grant
from tests.integration.test_chat_plans import copy_of
from tests.pages import HTMX, ask, browser
from tests.storm.elements import elements_of

pytestmark = pytest.mark.django_db
STATUSES: tuple[dict[str, Any], ...] = (
    {},
    {"status": "failed", "ended_at": "now", "error": '{"message":"No ink.","type":"OSError"}'},
    {"status": "queued", "queued_at": "now"},
    {"status": "quarantined", "error": '{"message":"Unfit.","type":"Mismatch"}'},
    {"status": "paused"},
    {"status": "succeeded", "ended_at": "now"},
)


@pytest.fixture
def people(alice: User, bob: User, carol: User, dave: User, admin_user: User) -> list[User]:
    """Alice starts, bob answers, carol is given one request, dave operates; runs of all sorts."""
    grant("one_of_each", Group.objects.get(name="operators"), "operate")
    statuses = cycle(STATUSES)
    for kind in ("told", "approval", "fleeting") * 6:
        asked, fields = ask(kind, by=alice), next(statuses)
        now = {name: clock.now() for name, value in fields.items() if value == "now"}
        Run.objects.filter(pk=asked.wait.run_id).update(**fields | now)
    open_ones = HumanRequest.objects.open().filter(wait__run__status="waiting")
    given, lonely = open_ones.order_by("pk")[:2]
    reassign_request(given.pk, to="@carol", by=dave, reason="Away.")
    Assignment.objects.filter(request=lonely).delete()
    HumanRequest.objects.filter(pk=lonely.pk).update(is_unasked=True)
    return [alice, bob, carol, dave, admin_user]


def test_the_lists_of_all_are_the_lists_of_each(people: list[User]) -> None:
    now = clock.now()

    outlooks = Outlooks(People(people), now)

    lists = {one.username: outlooks.lists_of(one.pk) for one in people}
    assert lists == {one.username: Outlook(one, now).lists() for one in people}
    assert len(set(lists.values())) > 2


def test_a_frame_brings_what_the_home_page_would_read(people: list[User]) -> None:
    found = homes_for(People(people))

    assert found.keys() == {one.pk for one in people if not is_operator(one)}
    for one in people:
        if one.pk in found:
            html = browser(one).get("/overview", headers=HTMX).content.decode()
            assert without_space(found[one.pk]["overview"]) == without_space(html)


def without_space(html: str) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in elements_of(html).items()}


def test_who_operates_is_the_same_for_one_and_for_all(people: list[User]) -> None:
    assert operators(People(people)) == {one.pk for one in people if is_operator(one)}


def test_what_ones_view_of_runs_depends_on_is_the_same_for_one_and_for_all(
    people: list[User],
) -> None:
    alice, bob, *_ = people
    now, day = clock.now(), timedelta(days=1)
    Delegation.objects.create(user=alice, to=bob, from_at=now - day, until=now + day)

    found = {one.pk: grounds_of_one(User.objects.get(pk=one.pk)) for one in people}

    assert {key: one.seen for key, one in found.items()} == grounds_of(People(people))
    assert {key for key, one in found.items() if one.is_operator} == operators(People(people))
    assert len({one.seen for one in found.values()}) > 3


def test_a_person_who_sees_little_of_a_large_site_reads_the_page(
    alice: User, bob: User, finance: Group
) -> None:
    grant("question", finance, "see", "start")
    for _ in range(HANDFUL):
        start_run("question", {}, by=bob)
    outlooks = Outlooks(People([alice, bob]), clock.now())

    assert outlooks.lists_of(alice.pk) is None
    assert outlooks.lists_of(bob.pk) == Outlook(bob, clock.now()).lists()


def test_what_is_stuck_is_found_behind_many_stuck_runs_of_others(
    alice: User, bob: User, finance: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlook_lists, "MOST_AT_FIRST", HANDFUL)
    grant("question", finance, "see", "start")
    Group.objects.create(name="starters").user_set.add(alice)
    grant("question", Group.objects.get(name="starters"), "start")
    queued, late = (start_run("question", {}, by=alice)[0].pk for _ in range(2))
    before = clock.now() - timedelta(hours=1)
    Run.objects.filter(pk=late).update(status="retrying", wake_at=before, queued_at=None)
    for _ in range(HANDFUL):
        start_run("question", {}, by=bob)
    Run.objects.filter(started_by=bob).update(status="failed", ended_at=clock.now())
    outlook, of_other = Outlook(alice, clock.now()), Outlook(bob, clock.now())
    newest = of_other.stuck(MOST_STUCK + 1)

    assert outlook.stuck(MOST_STUCK + 1) == [late]
    assert len(newest) == MOST_STUCK + 1
    for one, found in ((outlook, [late]), (of_other, newest)):
        assert one.working(7, stuck=found) == one.working(7) == [queued]


def test_what_comes_next_is_found_behind_what_others_wait_for(alice: User, bob: User) -> None:
    [wait] = Wait.objects.filter(pk=ask("fleeting", by=alice).wait_id)
    runs = [copy_of(wait.run, bob) for _ in range(4 * GLANCE)]
    Run.objects.bulk_create(runs)
    earlier = [Wait(run=run, key="a", kind="time", opened_seq=1) for run in runs]
    for one in earlier:
        one.due_at = (wait.due_at or clock.now()) - timedelta(seconds=1)
    Wait.objects.bulk_create(earlier)
    copies = [copy_of(wait.run, alice) for _ in range(MOST_SINGLE)]
    Run.objects.bulk_create(copies)
    outlook = Outlook(User.objects.get(pk=alice.pk), clock.now())

    with CaptureQueriesContext(connection) as captured:
        assert [one.wait for one in outlook.due_next(6)] == [wait.pk]

    # Only the waits of alice's own runs are looked at.
    table = Wait._meta.db_table  # noqa: SLF001 (Django documents it)
    assert sum(table in one["sql"] for one in captured) == 1


def test_homes_cost_as_many_statements_for_many_people_as_for_one(people: list[User]) -> None:
    def statements(some: list[User]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(homes_for(People(some))) == len(some)
        return len(captured)

    assert statements(people[:1]) == statements(people[:3]) <= 29


def test_of_what_nobody_can_answer_only_the_first_are_read(people: list[User]) -> None:
    now = clock.now()
    with CaptureQueriesContext(connection) as together:
        Outlooks(People(people), now)
    with CaptureQueriesContext(connection) as alone:
        Outlook(people[-1], now).alone(7)

    for queries in (together, alone):
        orders = [one["sql"].rpartition("ORDER BY")[2] for one in queries if is_urgent(one["sql"])]
        assert orders
        assert all("LIMIT" in order for order in orders)


def is_urgent(sql: str) -> bool:
    """Return True for a statement that reads requests by urgency."""
    requests = HumanRequest._meta.db_table  # noqa: SLF001 (Django documents it)
    return f'FROM "{requests}"' in sql and "needed_at" in sql.rpartition("ORDER BY")[2]
