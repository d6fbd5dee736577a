"""Redis away, messages lost, doubled or senseless: Celery carries nothing that matters."""

import os
import signal
from collections.abc import Callable

import httpx
import pytest
from django.contrib.auth.models import User

from dashboard import celery_app
from procedures.dispatch import TASK
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.models.ids import uuid7
from tests.conftest import StartClock, StartWorker
from tests.desk import Desk
from tests.processes import Redis, Web, Worker, promised, wait_until
from tests.runs import (
    client_of,
    everything_about,
    journal_of,
    start,
    wait_for_request,
    wait_for_success,
)

PATIENCE = 2.0
"""Seconds a person may be kept waiting for a broker that is away: the bound is what is promised."""


def hang(redis: Redis) -> None:
    redis.pause()


def die(redis: Redis) -> None:
    redis.kill()


HANG, DIE = (pytest.param(one, marks=pytest.mark.soak) for one in (hang, die))


def look(user: User, web: Web, path: str) -> None:
    """Open a page as people do first, so that the site has loaded all its code."""
    with client_of(user, web) as client:
        assert client.get(path).status_code == 200


def send(user: User, web: Web, path: str, body: object) -> httpx.Response:
    """A reply that comes in time."""
    with client_of(user, web) as client:
        reply = client.post(path, json=body)
    assert reply.elapsed.total_seconds() < promised(PATIENCE)
    return reply


def begin(user: User, web: Web, desk: Desk) -> Run:
    reply = send(user, web, "/procedures/one_step/runs", {"folder": desk.folder})
    assert reply.status_code == 201
    return Run.objects.get(pk=reply.json()["id"])


@pytest.mark.parametrize("go_away", [hang, DIE])
@pytest.mark.usefixtures("running_worker", "running_clock")
def test_an_answer_given_while_redis_is_away_is_kept_and_used_when_it_is_back(
    go_away: Callable[[Redis], None],
    redis_server: Redis,
    running_web: Web,
    desk: Desk,
    alice: User,
    bob: User,
) -> None:
    run = start("one_question", folder=desk.folder, by=alice)
    request = wait_for_request(run)
    look(bob, running_web, f"/requests/{request.pk}")

    go_away(redis_server)
    reply = send(bob, running_web, f"/requests/{request.pk}/response", {"value": True})

    assert reply.status_code == 201
    request.refresh_from_db()
    assert (request.outcome, request.closed_by) == ("approved", "bob")
    assert not desk.effects

    redis_server.revive()

    wait_for_success(run, timeout=60)
    assert desk.effects == {"pay": 1}


@pytest.mark.parametrize("go_away", [HANG, die])
@pytest.mark.usefixtures("running_worker", "running_clock")
def test_a_run_started_while_redis_is_away_runs_when_it_is_back(
    go_away: Callable[[Redis], None],
    redis_server: Redis,
    running_web: Web,
    desk: Desk,
    alice: User,
) -> None:
    look(alice, running_web, "/procedures/one_step")

    go_away(redis_server)
    run = begin(alice, running_web, desk)

    assert run.status == RunStatus.QUEUED

    redis_server.revive()

    wait_for_success(run, timeout=60)
    assert desk.effects == {"work": 1}


@pytest.mark.parametrize("go_away", [hang, die])
@pytest.mark.usefixtures("running_worker")
def test_messages_arrive_again_as_soon_as_redis_is_back(
    go_away: Callable[[Redis], None], redis_server: Redis, running_web: Web, desk: Desk, alice: User
) -> None:
    """No clock is there to repeat a message that was lost."""
    look(alice, running_web, "/procedures/one_step")
    wait_for_success(begin(alice, running_web, desk))
    go_away(redis_server)
    begin(alice, running_web, desk)
    redis_server.revive()

    run = begin(alice, running_web, desk)

    wait_for_success(run, timeout=60)


@pytest.mark.usefixtures("running_worker", "running_clock")
def test_a_restart_of_redis_that_nobody_noticed_delays_nothing_for_long(
    redis_server: Redis, running_web: Web, desk: Desk, alice: User
) -> None:
    look(alice, running_web, "/procedures/one_step")
    wait_for_success(begin(alice, running_web, desk))
    redis_server.kill()
    redis_server.revive()

    wait_for_success(begin(alice, running_web, desk), timeout=60)


# What the log says of it


def has_tidy_lines(process: Worker) -> bool:
    return not any(
        word in process.output for word in ("Traceback", 'File "', "CPendingDeprecationWarning")
    )


def test_an_outage_is_told_in_tidy_lines(
    redis_server: Redis, worker: StartWorker, clock: StartClock
) -> None:
    processes = [worker(), clock()]
    redis_server.kill()
    line = "Connection to broker lost"
    for process in processes:
        wait_until(lambda: line in process.output, timeout=60, what=line)  # noqa: B023

    redis_server.revive()

    for process in processes:
        wait_until(lambda: process.ask("ping"), timeout=60, what="another connection")  # noqa: B023
        assert has_tidy_lines(process)


def test_a_killed_child_is_told_in_tidy_lines(worker: StartWorker, desk: Desk, alice: User) -> None:
    parent = worker(concurrency=1)
    with desk.closed("before work"):
        start("one_step", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("before work")
        os.kill(parent.told("stats")["pool"]["processes"][0], signal.SIGKILL)
        wait_until(lambda: "WorkerLostError" in parent.output, timeout=60, what="its end")

    assert has_tidy_lines(parent)


# Messages that come too often, too late, or mean nothing


def is_idle(worker: Worker, redis: Redis) -> bool:
    """Return True if every message was read and acknowledged."""
    with redis.client() as client:
        is_empty = client.llen("runs") == 0
    return is_empty and worker.ask("reserved") == worker.ask("active") == []


def call(times: int, *arguments: object) -> None:
    for _ in range(times):
        celery_app.send_task(TASK, args=arguments)


def test_a_message_that_comes_five_times_starts_a_run_once(
    running_worker: Worker, redis_server: Redis, desk: Desk, alice: User
) -> None:
    with desk.closed("before work"):
        run = start("one_step", folder=desk.folder, by=alice)
        call(5)
        desk.wait_for_arrivals("before work")

    wait_for_success(run)
    wait_until(lambda: is_idle(running_worker, redis_server), what="all messages to be read")
    assert journal_of(run) == ["run.started", "step.succeeded work", "run.succeeded"]
    assert desk.effects == {"work": 1}


def test_a_message_when_nothing_is_queued_changes_nothing(
    running_worker: Worker, redis_server: Redis, desk: Desk, alice: User, bob: User
) -> None:
    ended = start("one_step", folder=desk.folder, by=alice)
    waiting = start("one_question", folder=desk.folder, by=alice)
    wait_for_success(ended)
    wait_for_request(waiting)
    kept = [everything_about(run) for run in (ended, waiting)]

    call(5)
    wait_until(lambda: is_idle(running_worker, redis_server), what="all messages to be read")

    assert [everything_about(run) for run in (ended, waiting)] == kept
    assert desk.effects == {"work": 1}


def test_what_a_message_says_is_not_read(
    running_worker: Worker, redis_server: Redis, desk: Desk, alice: User
) -> None:
    before = running_worker.output
    call(1, str(uuid7()), "", "not an id", None, 7, 1.5, ["a"], {"a": 1}, "\0", "é" * 1000)

    wait_for_success(start("one_step", folder=desk.folder, by=alice))
    wait_until(lambda: is_idle(running_worker, redis_server), what="all messages to be read")
    written = running_worker.output[len(before) :]
    assert "ERROR" not in written


def test_a_worker_outlives_a_broker_that_goes_away_while_it_holds_a_message(
    worker: StartWorker, desk: Desk, redis_server: Redis, alice: User
) -> None:
    one = worker(concurrency=2)
    with desk.closed("before work"):
        runs = [start("one_step", folder=desk.folder, by=alice) for _ in range(2)]
        desk.wait_for_arrivals("before work", count=2)
        celery_app.send_task(TASK, queue="runs")
        # It holds a message (or two, if one was repeated) that no slot is free for.
        wait_until(lambda: one.ask("reserved"), 60, what="a message to be held")
        redis_server.kill()
        wait_until(lambda: "Connection to broker lost" in one.output, what="the loss to be noticed")
        redis_server.start()

    for run in runs:
        wait_for_success(run)
    wait_until(lambda: one.ask("active_queues"), what="the worker to listen again", timeout=60)
    assert "Unrecoverable error" not in one.output
