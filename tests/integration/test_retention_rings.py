"""Families of runs that answered each other by standing decisions are removed together."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import HumanResponse, StandingDecision
from chat.services import Answer, respond
from procedures.models import Retention, Run, Tombstone
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services.retention import rings
from procedures.services.retention.previews import preview
from procedures.services.retention.rings import families_of
from procedures.services.retention.rounds import remove_old_runs
from tests.calls import decide_ahead, request_of, run_until_it_waits
from tests.pages import grant_to_both

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(alice: User, bob: User) -> list[Run]:
    """Runs that have ended; nothing connects them."""
    grant_to_both("question")
    made = []
    for _ in range(4):
        run = run_until_it_waits("question", by=alice)
        respond(request_of(run).pk, Answer(value=True), by=bob)
        advance_run(run.pk)
        made.append(run)
    Retention.objects.create(procedure=made[0].procedure, days=30)
    return made


def answer_by(giver: Run, *users: Run, by: User) -> None:
    """Let a standing decision that was given in one run have answered the others."""
    decision = decide_ahead(request_of(giver), by)
    for user in users:
        HumanResponse.objects.filter(request__wait__run=user).update(standing=decision)


def test_runs_that_need_each_other_go_together_when_all_are_old(runs: list[Run], bob: User) -> None:
    first, second, third, after = runs
    answer_by(first, second, by=bob)
    answer_by(second, third, after, by=bob)
    answer_by(third, first, by=bob)
    clock.ahead += timedelta(days=31)

    family, last = families_of([first.pk, after.pk])
    assert (set(family.members), set(last.members)) == (
        {first.pk, second.pk, third.pk},
        {after.pk},
    )
    assert preview(first.procedure, 30).kept == {"standing": 3}  # the last one goes first
    Run.objects.filter(pk=second.pk).update(ended_at=clock.now())
    remove_old_runs()
    assert set(Run.objects.values_list("pk", flat=True)) == {one.pk for one in runs[:3]}

    clock.ahead += timedelta(days=31)
    remove_old_runs()
    assert not Run.objects.exists()
    assert not StandingDecision.objects.exists()
    assert Tombstone.objects.count() == 4


def test_a_circle_that_is_too_large_is_kept(
    runs: list[Run], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_by(runs[0], runs[1], by=bob)
    answer_by(runs[1], runs[0], by=bob)
    monkeypatch.setattr(rings, "MOST_JOINED", 1)
    clock.ahead += timedelta(days=31)

    assert preview(runs[0].procedure, 30).kept == {"standing": 2}
    remove_old_runs()
    assert set(Run.objects.values_list("pk", flat=True)) == {one.pk for one in runs[:2]}


def test_runs_without_circles_cost_two_statements_more(runs: list[Run], bob: User) -> None:
    answer_by(runs[0], runs[1], by=bob)  # which goes first
    counts = []
    for some in (runs[2:3], runs):
        with CaptureQueriesContext(connection) as caught:
            assert len(families_of([one.pk for one in some])) == len(some)
        counts.append(len(caught))
    assert counts[0] == counts[1]
