"""Runs and answers of the last days, below the lists of home."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from dashboard.overview import days
from dashboard.overview.days import DayLine, days_for
from procedures.models import Run
from procedures.models.clock import clock
from tests.calls import run_until_it_waits
from tests.pages import HTMX, ask, browser, queries_of, shown
from tests.runs import answer

pytestmark = pytest.mark.django_db
DAYS = "/overview/days"


def lines_for(user: User, now: datetime) -> Sequence[DayLine]:
    return days_for(user, now).lines


@pytest.fixture(autouse=True)
def asked(alice: User, bob: User) -> list[Run]:
    """Runs of two days: one failed, one was answered after 30 minutes, and two are open."""
    requests = [ask("approval", by=alice) for _ in range(4)]
    runs = [one.wait.run for one in requests]
    type(requests[0]).objects.filter(pk=requests[1].pk).update(
        opened_at=clock.now() - timedelta(minutes=30)
    )
    answer(requests[1], by=bob)
    Run.objects.filter(pk=runs[0].pk).update(status="failed", ended_at=clock.now())
    yesterday = clock.now() - timedelta(days=1)
    Run.objects.filter(pk__in=[one.pk for one in runs[:2]]).update(created_at=yesterday)
    return runs


def test_each_day_has_its_outcomes_and_the_time_until_its_questions_were_answered(
    alice: User, bob: User
) -> None:
    today, yesterday = lines_for(alice, clock.now())

    assert dict(today.day.counts) == {"open": 2}
    assert dict(yesterday.day.counts) == {"failed": 1, "open": 1}
    assert [bar.look for bar in yesterday.bars] == ["failed", "open"]
    assert [(bar.x, bar.width) for bar in yesterday.bars] == [(0, 50), (50, 50)]
    assert (today.answer_width, yesterday.answer_width) == (0, 100)
    assert yesterday.day.answer_words == "30 min"
    part, page = (shown(browser(alice).get(DAYS, headers=one)) for one in (HTMX, {}))
    assert part.startswith('<section class="days"')
    assert page.startswith("<!doctype html>")
    for text in (part, page):
        assert ">1 failed</span>" in text
        assert "1 answer</span>" in text
        assert 'style="' not in text
    assert DAYS in shown(browser(alice).get("/"))


def test_only_runs_that_the_person_sees_are_counted(carol: User) -> None:
    assert lines_for(carol, clock.now()) == []
    assert "No runs that you can see began" in shown(browser(carol).get(DAYS))


def test_child_runs_and_older_runs_are_not_counted(admin_user: User) -> None:
    before = sum(line.day.total for line in lines_for(admin_user, clock.now()))
    parent = run_until_it_waits("calling", number=1)
    assert Run.objects.filter(parent_wait__run=parent).exists()

    assert sum(line.day.total for line in lines_for(admin_user, clock.now())) == before + 1
    later = clock.now() + timedelta(days=days.DAYS)
    assert lines_for(admin_user, later) == []


def test_a_busy_site_reads_a_limited_number_of_runs_and_whole_days_only(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = len(queries_of(browser(alice), DAYS))
    monkeypatch.setattr(days, "MOST_READ", 3)

    [today] = lines_for(alice, clock.now())

    assert today.day.date == timezone.localtime().date()
    for _ in range(3):
        answer(ask("approval", by=alice), by=User.objects.get(username="bob"))
    assert len(queries_of(browser(alice), DAYS)) == many


def test_runs_that_others_call_crowd_out_no_day(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A map of thousands is newer than everything else."""
    before = days_for(admin_user, clock.now()).lines[0].day.total
    run_until_it_waits("named_refunds", orders=[*"ABCDEF"], day="2026-11-30")
    monkeypatch.setattr(days, "MOST_READ", 6)

    assert days_for(admin_user, clock.now()).lines[0].day.total == before + 1
    monkeypatch.setattr(days, "MOST_TIMES", 1)
    assert days_for(admin_user, clock.now()) == days.Days([], is_partial=True)
    assert "too many runs to count" in shown(browser(admin_user).get(DAYS))
