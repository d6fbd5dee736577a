"""Time passes whatever the hosts' own clocks say, and its silence is told."""

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.db import transaction

from procedures import dispatch
from procedures.conf import conf
from procedures.models import Installation, Run
from procedures.models.clock import clock as database_clock
from procedures.services import mark_copy, start_run, sweep
from tests.conftest import StartClock, StartWorker
from tests.desk import Desk
from tests.pages import browser, queries_of, shown
from tests.processes import Redis, Worker, faketime, wait_until
from tests.runs import start, wait_for_success

pytestmark = pytest.mark.django_db(transaction=True)
SILENT = timedelta(seconds=6)
FIGURE = re.compile(r'<a class="figures__item" href="#remedy-(\w+)"( data-late)?>(.*?)</a>')
on_postgres = pytest.mark.skipif(
    os.environ.get("TEST_DATABASE") != "postgres",
    reason="On SQLite the site's clock is the machine's: TEST_DATABASE=postgres.",
)


@pytest.mark.parametrize(
    "apart",
    [
        pytest.param(("+3s", "-3s"), marks=pytest.mark.soak),
        ("+1h", "-1h"),
        pytest.param(("-2d", "+0s"), marks=pytest.mark.soak),
    ],
    ids=" ".join,
)
@on_postgres
def test_timers_and_deadlines_pass_under_clocks_that_are_apart(
    apart: tuple[str, str], clock: StartClock, running_worker: Worker, alice: User, bob: User
) -> None:
    for offset in apart:
        clock(**faketime(offset))

    asked = start("short_deadline", by=alice, seconds=1.5)
    slept = start("short_sleep", by=alice, seconds=1.5)

    wait_for_success(slept)
    wait_for_success(asked)


@on_postgres
def test_a_host_that_steps_back_stops_nothing(
    clock: StartClock, running_worker: Worker, alice: User, tmp_path: Path
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0s\n")
    clock(**faketime(offset))
    wait_until(lambda: Installation.current().swept_at, what="a sweep")

    offset.write_text("-1h\n")
    before = database_clock.now()
    wait_until(lambda: (Installation.current().swept_at or before) > before, what="another one")

    wait_for_success(start("short_sleep", by=alice, seconds=1.5))


def test_a_clock_needs_no_redis(
    clock: StartClock, redis_server: Redis, alice: User, desk: Desk
) -> None:
    """A timer is due, and its run is queued, with nobody there to carry a message."""
    clock()
    redis_server.kill()
    began = database_clock.now()

    wait_until(lambda: (Installation.current().swept_at or began) > began, what="a sweep")

    redis_server.revive()


def test_a_lost_message_keeps_a_run_waiting_for_no_clock(
    running_worker: Worker, redis_server: Redis, alice: User, desk: Desk
) -> None:
    redis_server.pause()
    run = start("one_step", folder=desk.folder, by=alice)
    redis_server.go_on()
    redis_server.empty()

    wait_for_success(run)


# Silence


def fall_silent() -> None:
    Installation.objects.update(swept_at=database_clock.now() - SILENT)


def never_begin() -> None:
    Installation.objects.update(swept_at=None)


SILENCES = pytest.mark.parametrize("be_silent", [fall_silent, never_begin])


@SILENCES
def test_operators_are_told_when_no_clock_runs(
    be_silent: Callable[[], None], dave: User, alice: User, redis_server: Redis
) -> None:
    dave.user_permissions.add(Permission.objects.get(codename="operate_run"))
    sweep()
    assert "The scheduler (clock process)" not in shown(browser(dave).get("/"))
    assert browser(dave).get("/api/health").json()["is_well"] is True

    be_silent()

    assert "The scheduler (clock process)" in shown(browser(dave).get("/"))
    assert "The scheduler (clock process)" not in shown(browser(alice).get("/"))
    health = browser(dave).get("/api/health").json()
    assert health["is_well"] is False
    assert [one["part"] for one in health["complaints"]] == ["clock"]
    assert "celery -A dashboard worker -Q clock" in health["complaints"][0]["message"]
    assert browser(alice).get("/api/health").status_code == 404


def test_operators_see_figures_of_workers_queue_clock_and_sockets(
    dave: User, alice: User, redis_server: Redis
) -> None:
    dave.user_permissions.add(Permission.objects.get(codename="operate_run"))
    run = start_run("question", {}, by=None)[0]
    sweep()

    def read() -> dict[str, str]:
        """The words of each figure; a "!" in front of it says that the part needs help."""
        text = shown(browser(dave).get("/overview/health"))
        return {
            name: ("!" if is_late else "") + re.sub("<.*?>", "", words)
            for name, is_late, words in FIGURE.findall(text)
        }

    usual = "!workers 0, queue _ s, clock _ s ago, sockets 0"
    assert re.sub(r"\d+ s\b", "_ s", ", ".join(read().values())) == usual
    dispatch.WORKERS.tell(os.getpid(), '{"code": {}, "readers": []}')
    for process, count in ((os.getpid(), "4"), (1, "3")):
        dispatch.SOCKETS.tell(process, count)
    long_ago = database_clock.now() - timedelta(minutes=2)
    Run.objects.filter(pk=run.pk).update(queued_at=long_ago)
    fall_silent()

    told, page = read(), shown(browser(dave).get("/"))
    assert (told["workers"], told["sockets"]) == ("workers 1", "sockets 7")
    assert told["queue"] == "!queue 2 min"
    assert told["clock"].startswith("!clock ")
    assert all(f'<div id="remedy-{name}">' in page for name in told)
    read_again = queries_of(browser(dave), "/overview/health")
    assert sum("queued_at" in sql or "swept_at" in sql for sql in read_again) == 1
    assert browser(alice).get("/overview/health").status_code == 404
    assert "health-figures" not in shown(browser(alice).get("/"))
    with redis.Redis.from_url(conf.REDIS_URL) as client:
        client.delete(dispatch.WORKERS.name, dispatch.SOCKETS.name)


def test_operators_are_told_when_runs_are_queued_and_no_worker_is_there(
    dave: User, redis_server: Redis
) -> None:
    dave.user_permissions.add(Permission.objects.get(codename="operate_run"))
    run = start_run("question", {}, by=None)[0]

    def told() -> list[str]:
        found = browser(dave).get("/api/health").json()["complaints"]
        return [one["message"] for one in found if one["part"] == "workers"]

    assert told() == [], "a worker may yet take it up"
    long_ago = database_clock.now() - timedelta(minutes=2)
    Run.objects.filter(pk=run.pk).update(queued_at=long_ago)
    [words] = told()
    assert words.startswith("No worker is taking queued runs.")
    assert " Start one: celery -A dashboard worker -Q runs. " in words
    busy = {"status": "running", "leased_until": database_clock.now() + timedelta(hours=1)}
    with transaction.atomic():
        working = start_run("question", {}, by=None)[0]
        Run.objects.filter(pk=working.pk).update(**busy)
        assert told() == [], "its lease shows that it is alive"
        transaction.set_rollback(True)
    with transaction.atomic():
        mark_copy("a test")
        assert told() == [], "the workers of a copy wait"
        transaction.set_rollback(True)
    dispatch.WORKERS.tell(os.getpid(), '{"code": {}, "readers": []}')
    assert told() == []
    with redis.Redis.from_url(conf.REDIS_URL) as client:
        client.delete(dispatch.WORKERS.name)


def test_a_worker_says_in_its_log_that_no_clock_runs(worker: StartWorker) -> None:
    never_begin()
    without = worker()

    wait_until(
        lambda: "The scheduler (clock process) hasn't run" in without.output,
        timeout=30,
        what="a word of it",
    )
