"""The cards of a transcript's runs: drawn together, by as many queries for one run as for many."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from chat.models import Session
from chat.services import start_in_session
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from dashboard.overview import card_overview, cards_of, listed_runs
from dashboard.overview.cards import MOST_READ, listed_from
from dashboard.overview.readings import read_runs
from procedures.engine.journal.events import EventKind
from procedures.engine.values import canonical
from procedures.models import Event, Head, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from tests.calls import request_of, run_until_it_waits
from tests.pages import browser, grant_to_both, queries_of, shown
from tests.runs import answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bob")]
NAMES = ("question", "nap", "two_questions")
STEP = {"attempt": 1, "arguments": "", "result": 1}


@pytest.fixture
def session(alice: User) -> Session:
    grant_to_both("question")
    run = run_until_it_waits("question", by=alice)
    return run.messages.cards().get().session


def add_runs(session: Session, count: int, *, by: User) -> None:
    for number in range(count):
        name = NAMES[number % len(NAMES)]
        grant_to_both(name)
        run, _is_new = start_in_session(session, name, {}, by=by)
        advance_run(run.pk)


def runs_in(session: Session) -> list[Run]:
    runs = Run.objects.filter(messages__session=session, messages__kind="run")
    return list(runs.select_related("procedure", "started_by", "version", "head"))


def statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def test_many_cards_cost_as_many_statements_as_one(session: Session, alice: User) -> None:
    path, stream = f"/chat/{session.pk}", Stream("session", session.pk)

    def push() -> None:
        frames(stream, "page", [WHOLE], after=0)

    add_runs(session, 3, by=alice)  # the last message of which asks, as later
    few = len(queries_of(browser(alice), path)), statements(push)
    add_runs(session, 9, by=alice)
    runs = runs_in(session)

    assert (len(queries_of(browser(alice), path)), statements(push)) == few
    assert len(runs) == 13
    assert statements(lambda: cards_of(runs)) == statements(lambda: cards_of(runs[:1])) <= 5


def test_a_transcript_draws_the_card_that_each_run_has_alone(
    session: Session, alice: User, bob: User
) -> None:
    add_runs(session, 5, by=alice)
    answer(request_of(runs_in(session)[1]), by=bob)  # which the journal doesn't have yet
    page = shown(browser(alice).get(f"/chat/{session.pk}"))

    for run in runs_in(session):
        card = render_to_string("procedures/_run_card.html", card_overview(run))
        assert " ".join(card.split()) in page


def test_cards_know_the_states_that_lists_read(session: Session, alice: User, bob: User) -> None:
    add_runs(session, 5, by=alice)
    answer(request_of(runs_in(session)[1]), by=bob)  # which the journal doesn't have yet
    for run, status in zip(runs_in(session), ("paused", "failed", "queued"), strict=False):
        Run.objects.filter(pk=run.pk).update(status=status, queued_at=clock.now())
    runs, now = runs_in(session), clock.now()

    found = listed_from(cards_of(runs, now=now).values())

    assert found == {one.run.pk: one for one in listed_runs(runs, now=now)}
    assert len(found) == 6
    Run.objects.filter(pk=runs[-1].pk).update(status="retrying")
    assert len(listed_from(cards_of(runs_in(session)).values())) == 5


def lengthen(run: Run, *, by: int) -> None:
    """Add events of steps to a run's journal."""
    first, at = run.head.seq + 1, clock.now()
    Event.objects.bulk_create(
        Event(
            run=run,
            seq=seq,
            kind=EventKind.STEP_SUCCEEDED,
            key=f"act#{seq}",
            name="act",
            data=canonical.text_of(STEP | {"started_at": at.isoformat()}),
            at=at,
            hash="0" * 64,
        )
        for seq in range(first, first + by)
    )
    Head.objects.filter(run=run).update(seq=first + by - 1)


def test_a_card_reads_the_last_part_of_a_long_journal(session: Session, alice: User) -> None:
    add_runs(session, 2, by=alice)
    before = {pk: card["state"] for pk, card in cards_of(runs_in(session)).items()}
    few = statements(lambda: cards_of(runs_in(session)))
    for run in runs_in(session):
        lengthen(run, by=3 * MOST_READ)
    runs = runs_in(session)

    readings = read_runs(runs, clock.now(), most=MOST_READ)
    cards = cards_of(runs)

    assert [len(one.events) for one in readings] == [MOST_READ] * 3
    assert {pk: card["state"] for pk, card in cards.items()} == before
    html = render_to_string("procedures/_run_card.html", cards[runs[0].pk])
    assert f"More than {MOST_READ} steps" in html
    asking = [run for run in runs if run.procedure.name == "question"]
    one = statements(lambda: cards_of(asking))
    assert statements(lambda: cards_of(runs)) == one <= few + 3


@pytest.mark.parametrize("status", ["retrying", "paused", "cancelled", "succeeded", "running"])
def test_every_state_of_a_run_with_a_long_journal_has_its_card(
    session: Session, status: str
) -> None:
    [run] = runs_in(session)
    lengthen(run, by=2 * MOST_READ)
    Run.objects.filter(pk=run.pk).update(status=status, working_on="act#9")

    html = render_to_string("procedures/_run_card.html", card_overview(runs_in(session)[0]))

    assert f"More than {MOST_READ} steps" in html


def test_a_long_journal_keeps_its_last_stage(session: Session, alice: User) -> None:
    grant_to_both("keeps_state")
    run, _is_new = start_in_session(session, "keeps_state", {"size": 1}, by=alice)
    advance_run(run.pk)
    run = Run.objects.select_related("head").get(pk=run.pk)
    names = [row.name for row in card_overview(run)["stages"]]
    lengthen(run, by=2 * MOST_READ)
    run = Run.objects.select_related("head").get(pk=run.pk)

    assert [row.name for row in card_overview(run)["stages"]] == names[-1:]


def test_a_card_lists_the_stages_that_follow(alice: User, bob: User) -> None:
    grant_to_both("planning")
    run = run_until_it_waits("planning", by=alice)
    session = run.messages.cards().get().session

    def listed() -> list[tuple[str, str]]:
        page = shown(browser(alice).get(f"/chat/{session.pk}"))
        entries = page.partition('class="run-card__stages"')[2].partition("</ol>")[0]
        return re.findall(r'data-look="(\w+)".*?<span dir="auto">([^<]+)</span>', entries)

    assert listed() == [
        ("person", "Check"),
        ("queued", "Pay"),
        ("queued", "Pack"),
        ("queued", "Send"),
    ]
    answer(request_of(run), by=User.objects.create_superuser("root"))
    advance_run(run.pk)
    assert listed() == [
        ("done", "Check"),
        ("person", "Pay"),
        ("queued", "Pack"),
        ("queued", "Send"),
    ]
