"""The rows of the site that `bench.live` measures: signed-in people, a session and requests."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bench.pages_process import PagePlan

GROUP = "bench"
"""The group that answers the requests of `bench.procedures.asking`."""


class LiveSite:
    """People with open pages, all of them members of one session."""

    def __init__(self, people: int, concerned: int) -> None:
        from django.conf import settings
        from django.contrib.auth.models import Group, User

        from tests.sockets import session_of

        self.admin = User.objects.create_superuser("bench")
        Group.objects.get_or_create(name="bench_desk")[0].user_set.add(self.admin)
        self.people = [User.objects.create_user(f"page-{number}") for number in range(people)]
        self.concerned = self.people[:concerned]
        Group.objects.get_or_create(name=GROUP)[0].user_set.add(*self.concerned)
        name = settings.SESSION_COOKIE_NAME
        self.cookies = [f"{name}={session_of(person)}" for person in self.people]
        self.session = self.talk("Everybody")

    def talk(self, title: str) -> Any:
        """Return a new session of which everybody is a member."""
        from django.utils import timezone

        from chat.models import Session

        session = Session.new(title, at=timezone.now())
        session.save(force_insert=True)
        self.join(session)
        return session

    def join(self, session: Any) -> None:
        from django.utils import timezone

        from chat.models import Member

        for person in self.people:
            Member.join(session, person, at=timezone.now())

    def chat_pages(self, count: int, session: Any = None) -> list[PagePlan]:
        """Return chat pages on one session, each of somebody else."""
        session = session or self.session
        session.refresh_from_db()
        follows = [(f"session:{session.pk}", "page", session.last_seq), ("inbox", "page", 0)]
        return self._plans(count, follows)

    def home_pages(self, count: int) -> list[PagePlan]:
        return self._plans(count, [("inbox", "cards", 0), ("runs", "overview", 0)])

    def _plans(self, count: int, follows: list[tuple[str, str, int]]) -> list[PagePlan]:
        """Return the pages of the first people, each with the marks that it is drawn with."""
        from dashboard.live.marks import inbox_mark, runs_mark

        made: dict[str, Callable[[Any], object]] = {
            "inbox": lambda person: inbox_mark(person)[0],
            "runs": runs_mark,
        }
        bells = [name for name, *_ in follows if name in made]
        return [
            PagePlan(cookie, follows, marks={bell: str(made[bell](person)) for bell in bells})
            for cookie, person in zip(self.cookies[:count], self.people, strict=False)
        ]

    def post(self, number: int) -> tuple[int, float]:
        """Post a message; return its number in the session, and the time of the commit."""
        return self.post_all(1, number)[-1]

    def post_all(self, count: int, first: int = 0) -> list[tuple[int, float]]:
        """Post messages in one commit."""
        from chat.services import post_message

        def post() -> None:
            for number in range(first, first + count):
                post_message(self.session, f"message {number}", by=self.people[0])

        at = committed(post)
        self.session.refresh_from_db()
        last = self.session.last_seq
        return [(seq, at) for seq in range(last - count + 1, last + 1)]

    def asking(self, times: int) -> Any:
        """Return a run that everybody may read, and that has asked the first of some questions."""
        from procedures.services import start_run

        run, _ = start_run("asking_often", {"times": times}, by=self.admin)
        opened(run.pk)
        return run


@dataclass(frozen=True)
class Change:
    """A change of a request that some people learn about."""

    kind: str
    """The status of the request's card afterwards."""
    request: str
    at: float
    learners: range
    """The places of the people who learn of it."""
    badges: tuple[int, int]
    """The number of requests that wait then for the first person, and for each of the others."""


class Desk:
    """A source of changes: it opens, answers and reassigns requests of a group in this process."""

    def __init__(self, site: LiveSite) -> None:
        from chat.access import answerable_requests

        self._site = site
        self._everybody = range(len(site.concerned))
        first, other = site.concerned[:2]
        self._waiting = (answerable_requests(first).count(), answerable_requests(other).count())

    def changes(self) -> Iterator[Change]:
        """Make one change after another."""
        while True:
            one = yield from self._open()
            yield self._closed(one, "answered", self._answer(one), self._everybody, (-1, -1))
            other = yield from self._open()
            yield self._closed(other, "lost", self._reassign(other), self._everybody[1:], (0, -1))
            yield self._closed(other, "answered", self._answer(other), self._everybody[:1], (-1, 0))

    def _open(self) -> Generator[Change, None, str]:
        from chat.models import HumanRequest
        from procedures.services import start_run

        run, _ = start_run("asking", {}, by=None)
        at = opened(run.pk)
        request = str(HumanRequest.objects.get(wait__run=run).pk)
        yield self._closed(request, "open", at, self._everybody, (1, 1))
        return request

    def _closed(
        self, request: str, kind: str, at: float, learners: range, more: tuple[int, int]
    ) -> Change:
        self._waiting = (self._waiting[0] + more[0], self._waiting[1] + more[1])
        return Change(kind, request, at, learners, self._waiting)

    def _answer(self, request: str) -> float:
        return answer(request, self._site.people[0])

    def _reassign(self, request: str) -> float:
        """Assign the request to the first person alone."""
        from chat.services import reassign_request

        to, why = f"@{self._site.people[0].get_username()}", "One is enough."
        by = self._site.admin
        return committed(lambda: reassign_request(UUID(request), to=to, by=by, reason=why))


def answer(request: str, by: Any) -> float:
    """Answer a request, and return the time of the commit."""
    from chat.services import Answer, respond

    return committed(lambda: respond(UUID(request), Answer(value=True), by=by))


def committed(change: Callable[[], object]) -> float:
    """Make a change, and return the time of its commit."""
    from django.db import transaction

    times = list[float]()
    with transaction.atomic():
        transaction.on_commit(lambda: times.append(time.time()))
        change()
    return times[0]


def opened(run: UUID) -> float:
    """Advance a run until it asks, and return the time of that commit."""
    from django.db import transaction

    from procedures import hooks
    from procedures.runner import advance_run

    times = list[float]()

    def note(**_: Any) -> None:
        transaction.on_commit(lambda: times.append(time.time()))

    hooks.wait_opened.connect(note)
    advance_run(run)
    hooks.wait_opened.disconnect(note)
    return times[0]
