"""Marks of bells: nothing is lost between the reading of a page's lists and its socket."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from chat.models import HumanRequest, SessionEvent
from chat.services import withdraw_request
from dashboard.live.concerned import RequestNews, RunNews
from dashboard.live.marks import SEALED, inbox_mark, seal, unseal
from dashboard.live.positions import MOST_READ
from procedures.models import Event, Run, RunInput
from procedures.models.clock import clock
from procedures.services import start_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import browser, queries_of

pytestmark = pytest.mark.django_db
MARK = re.compile(r'<live-stream [^>]*stream="(inbox|runs)"[^>]* mark="([^"]+)"')
FACT = re.compile(
    r'id="(request-[0-9a-f-]{36})" data-status="(\w+)"'
    r'|id="(run-row-[0-9a-f-]{36})"[^>]*data-look="(\w+)"'
    r'|id="(waiting-\w+)" of="\w+" data-count="(\d+)"'
)
Marks = dict[str, str]


@dataclass
class Site:
    """A request for finance, a queued run, and what may happen to them."""

    bob: User
    admin: User
    asked: HumanRequest
    queued: Run

    @property
    def changes(self) -> list[Callable[[], object]]:
        return [self.ask, self.withdraw, self.regroup, self.claim]

    def ask(self) -> None:
        run_until_it_waits("question")

    def withdraw(self) -> None:
        withdraw_request(self.asked.pk, by=self.admin, reason="Not needed.")

    def regroup(self) -> None:
        self.bob.groups.clear()

    def claim(self) -> None:
        """Change the run as a worker does that takes it up: no event says so."""
        work = {"status": "running", "reached_at": clock.now(), "queued_at": None, "epoch": 1}
        Run.objects.filter(pk=self.queued.pk).update(**work)


@pytest.fixture
def site(bob: User, admin_user: User, finance: Group) -> Site:
    grant("question", finance, "answer", "see")
    asked = request_of(run_until_it_waits("question"))
    queued = start_run("question", {}, by=None)[0]
    before = clock.now() - timedelta(hours=1)
    Run.objects.filter(pk=queued.pk).update(queued_at=before)
    return Site(bob, admin_user, asked, queued)


class Meanwhile:
    """Makes a change between two statements of a page."""

    def __init__(self, place: int, change: Callable[[], object]) -> None:
        self.left, self._change = place, change

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            self._change()
        return execute(*args)


def drawn(person: User, path: str) -> str:
    return str(browser(person).get(path).content.decode())


def facts(html: str) -> set[tuple[str, ...]]:
    """The page's facts about requests and runs, and the numbers in its menu."""
    return set(FACT.findall(html))


def is_behind(person: User, marks: Marks) -> bool:
    """Return True if the hub tells a page with these marks to read again."""
    user = User.objects.get(pk=person.pk)
    found = RequestNews().read((), [user.pk], marked=[(user.pk, marks["inbox"])]).behind
    if "runs" in marks:
        found |= RunNews().read((), [user], marked=[(user.pk, marks["runs"])]).behind
    return bool(found)


def losses(site: Site, path: str, marks_of: Callable[[str, str], Marks]) -> Iterator[int]:
    """The places among a page's statements at which a change remains unseen."""
    client = browser(site.bob)
    for place in range(len(queries_of(client, path)) + 1):
        with rolled_back():
            meanwhile = Meanwhile(place, site.changes[place % len(site.changes)])
            with connection.execute_wrapper(meanwhile):
                html = client.get(path).content.decode()
            fresh = drawn(site.bob, path)
            if facts(html) != facts(fresh) and not is_behind(site.bob, marks_of(html, fresh)):
                yield place


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo in the end what was written inside, also by steps, which open no transaction here."""
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]  # noqa: SLF001 (as TestCase does)
    with around:
        yield
        transaction.set_rollback(True)


def marks_in(html: str, _fresh: str = "") -> Marks:
    return dict(MARK.findall(html))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/runs"])
def test_a_change_at_any_moment_of_the_drawing_is_in_the_page_or_told_to_it(
    site: Site, path: str
) -> None:
    assert list(losses(site, path, marks_in)) == []


@pytest.mark.slow
def test_a_mark_that_is_taken_after_the_lists_loses_changes(site: Site) -> None:
    assert next(losses(site, "/", lambda _, fresh: marks_in(fresh)), None) is not None


@pytest.mark.parametrize("path", ["/", "/runs", "/chat", "/procedures", "/profile"])
def test_a_page_that_is_current_is_told_nothing(site: Site, path: str) -> None:
    html = drawn(site.bob, path)

    assert marks_in(html).keys() == ({"inbox", "runs"} if path in ("/", "/runs") else {"inbox"})
    assert not is_behind(site.bob, marks_in(html))


def test_only_those_whom_a_change_concerns_are_told(site: Site, carol: User) -> None:
    pages = {person: marks_in(drawn(person, "/")) for person in (site.bob, site.admin, carol)}

    site.ask()

    assert {person.username: is_behind(person, marks) for person, marks in pages.items()} == {
        "bob": True,
        "admin": True,
        "carol": False,
    }


@pytest.mark.parametrize("change", ["ask", "withdraw", "regroup", "claim"])
def test_each_change_since_the_mark_is_told_once(site: Site, change: str) -> None:
    user = site.bob

    def told(marks: Marks) -> Marks:
        """The new marks that the frames bring to a page with these."""
        requests = RequestNews().read((), [user.pk], marked=[(user.pk, marks["inbox"])])
        runs = RunNews().read((), [user], marked=[(user.pk, marks["runs"])])
        return {"inbox": requests.frames[user.pk]["mark"], "runs": runs.marks[user.pk]}

    marks = marks_in(drawn(user, "/"))
    getattr(site, change)()
    user = User.objects.get(pk=user.pk)

    assert is_behind(user, marks)
    # A run that is taken up or queued is told for some seconds: its time is older than the commit.
    assert is_behind(user, told(marks)) == (change in ("claim", "withdraw"))


def test_a_page_with_a_mark_that_is_not_ours_is_told_to_read(site: Site, carol: User) -> None:
    good = inbox_mark(carol)[0].waiting
    wrong = ("", "0-0-0.x", f"{'9' * 19}-0-0.{good}", f"1-1-\u0661.{good}", f"0-0-0.{good[1:]}")

    for mark in ("", "nonsense", f"7-9-3.{good}", "\u0661", *map(seal, wrong)):
        assert is_behind(carol, {"inbox": mark}), mark
    assert not is_behind(carol, {"inbox": seal(f"7-9-3.{good}")})


def test_a_mark_tells_people_nothing_of_what_happens_on_the_site() -> None:
    texts = ["0-0-0.a", "123456-9876543-500.b"] * 20

    marks = [seal(text) for text in texts]

    assert len({*marks}) == len(marks)
    assert {len(mark) for mark in marks} == {SEALED}
    assert [unseal(mark) for mark in marks] == texts


def test_a_page_that_lacks_more_changes_than_are_read_is_told(site: Site, carol: User) -> None:
    old = marks_in(drawn(carol, "/"))
    session, given = site.asked.session, {"kind": "request", "object": str(site.asked.pk)}
    numbers = range(1_000, 1_000 + MOST_READ)
    changes = [SessionEvent(session=session, seq=n, whom='["user:0"]', **given) for n in numbers]

    SessionEvent.objects.bulk_create(changes[:-1])
    new = marks_in(drawn(carol, "/"))
    SessionEvent.objects.bulk_create(changes[-1:])

    assert is_behind(carol, old)
    assert not is_behind(carol, new)


# Rows that become visible out of the order of their keys, as on PostgreSQL.


def test_a_change_that_is_committed_after_a_later_one_is_told(site: Site) -> None:
    session, seq = site.asked.session, site.asked.session.last_seq + 100
    newest = SessionEvent.objects.latest("pk").pk

    def change(key: int, whom: str) -> None:
        # It alters nothing else, so that only the row can tell of it.
        SessionEvent.objects.create(
            pk=key,
            session=session,
            seq=seq + key,
            kind="request",
            object=str(site.asked.pk),
            whom=whom,
        )

    change(newest + 9, "[]")
    marks = marks_in(drawn(site.bob, "/"))
    assert not is_behind(site.bob, marks)
    change(newest + 5, f'["user:{site.bob.pk}"]')

    assert is_behind(site.bob, marks)


@pytest.mark.parametrize("table", [Event, RunInput])
def test_an_event_that_is_committed_after_a_later_one_is_told(
    site: Site, table: type[Event] | type[RunInput]
) -> None:
    hidden = start_run("two_steps", {}, by=None)[0]
    Run.objects.update(queued_at=clock.now() - timedelta(hours=1))
    newest = max(table._base_manager.values_list("pk", flat=True), default=0)  # noqa: SLF001

    def add(key: int, run: Run) -> None:
        given: dict[str, Any] = {"kind": "log", "name": "", "data": "{}"}
        if table is Event:
            given |= {"seq": key, "hash": "", "at": clock.now()}
        table._base_manager.create(pk=key, run=run, **given)  # noqa: SLF001

    add(newest + 9, hidden)
    marks = marks_in(drawn(site.bob, "/"))
    assert not is_behind(site.bob, marks)
    add(newest + 7, hidden)
    add(newest + 5, site.queued)

    assert is_behind(site.bob, marks)
