"""A long conversation: its worker dies at every commit, and the page that follows it is cut."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils.html import strip_tags

from chat.models import Message, Session
from chat.services import post_message
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, RunStatus
from procedures.files import ContentStore
from procedures.journal import claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.registry import find
from tests.calls import run_until_it_waits
from tests.conformance.seeds.watched import WatchedJournal
from tests.pages import grant_to_both
from tests.procedures import booked

TURNS = 20
CUTS = 10
Moment = Literal["never", "before", "after"]
TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d?:\d\d(:\d\d)?|[0-9a-f-]{36}")


class MortalJournal(WatchedJournal):
    """The journal of a worker that dies once at each commit, before it or after it."""

    deaths: Counter[Moment]
    moment: Moment
    struck: set[int]

    def commit(self, batch: Batch) -> list[Event]:
        at = Run.objects.get(pk=self.run.run_id).head_seq
        if self.moment == "before" and at not in self.struck:
            self.struck.add(at)
            self.die()
        events = super().commit(batch)
        if self.moment == "after":
            self.die()
        return events

    def die(self) -> None:
        self.deaths[self.moment] += 1
        raise KeyboardInterrupt


@dataclass
class OpenPage:
    """A page that follows a session, and whose connection may be cut in the middle of frames."""

    session: UUID
    cursor: int = 0
    shown: dict[str, str] = field(default_factory=dict)
    cuts: int = 0

    def catch_up(self, *, is_cut: bool = False) -> None:
        found = frames(Stream("session", self.session), "page", [WHOLE], after=self.cursor)
        if is_cut and self.cuts < CUTS and found:
            self.cuts += 1
            found = found[: len(found) // 2]
        for frame in found:
            html = frame.content.get("html", "")
            if names := re.findall(r'id="message-([^"]+)"', html):
                self.shown[names[0]] = html
            self.cursor = frame.seq


@dataclass
class Conversation:
    """The results of one conversation."""

    result: str | None
    transcript: list[tuple[str, str, str]]
    effects: dict[str, int]
    deaths: int
    page: OpenPage


def hold(moment: Moment, *, by: User) -> Conversation:
    """Hold the conversation, with a worker that dies at that moment of every commit."""
    booked.clear()
    run = run_until_it_waits("booking", by=by)
    card = run.messages.cards().select_related("run__procedure", "run__version").get()
    session, page = Session.objects.get(pk=card.session_id), OpenPage(card.session_id)
    deaths, struck = Counter[Moment](), set[int]()
    for turn in range(TURNS):
        post_message(session, f"{turn} chairs", by=by, reply_to=card)
        if turn % 4 == 0:
            post_message(session, f"and {turn} tables", by=by, reply_to=card)
        while Run.objects.get(pk=run.pk).status != RunStatus.WAITING:
            work(run, moment, deaths, struck)
            page.catch_up(is_cut=True)
    post_message(session, "done", by=by, reply_to=card)
    while not RunStatus(Run.objects.get(pk=run.pk).status).is_end:
        work(run, moment, deaths, struck)
    page.catch_up()
    said = session.messages.order_by("seq").values_list("kind", "text", "delivery")
    number = {key: place for place, key in enumerate(booked)}
    effects = {f"{number[key]}: {what}": len(done) for key, (what, done) in booked.items()}
    result = Run.objects.get(pk=run.pk).result
    return Conversation(result, list(said), effects, deaths.total(), page)


def work(run: Run, moment: Moment, deaths: Counter[Moment], struck: set[int]) -> None:
    Run.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(
        leased_until=clock.now() - timedelta(seconds=1)
    )
    code, held = find("booking"), claim(run.pk)
    assert code
    assert held
    journal = MortalJournal(held)
    journal.moment, journal.deaths, journal.struck = moment, deaths, struck
    try:
        advance(code, journal, ContentStore())
    except KeyboardInterrupt:
        return


def read(page: OpenPage) -> list[str]:
    """The texts of a page without times and ids, in the order of the transcript."""
    found = Message.objects.filter(session=page.session).order_by("seq")
    texts = [strip_tags(page.shown[str(one.pk)]) for one in found if one.kind != "run"]
    return [TIME.sub("…", " ".join(text.split())) for text in texts]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_twenty_turns_come_out_the_same_wherever_the_worker_dies(
    moment: Moment, alice: User, bob: User
) -> None:
    grant_to_both("booking")
    undisturbed = hold("never", by=alice)

    disturbed = hold(moment, by=alice)

    assert undisturbed.deaths == 0
    assert disturbed.deaths > 2 * TURNS
    assert disturbed.page.cuts == CUTS
    assert disturbed.result == undisturbed.result
    assert disturbed.transcript == undisturbed.transcript
    assert {delivery for kind, _, delivery in disturbed.transcript if kind == "person"} == {"read"}
    assert disturbed.effects.keys() == undisturbed.effects.keys()
    fresh = OpenPage(disturbed.page.session)
    fresh.catch_up()
    assert read(disturbed.page) == read(fresh) == read(undisturbed.page)
