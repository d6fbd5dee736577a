"""A Redis that takes no more: runs go on, and people read why it is slow."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from procedures.models import Run
from procedures.models.clock import clock
from tests.desk import Desk
from tests.pages import browser, shown
from tests.processes import Redis, Worker, wait_until
from tests.runs import answer, start, wait_for_request, wait_for_success

pytestmark = pytest.mark.django_db(transaction=True)
FULL = "Redis is full (maxmemory) and accepts no messages."


@pytest.fixture
def full_redis(redis_server: Redis) -> Iterator[Redis]:
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        yield redis_server
        client.config_set("maxmemory", "0")


def test_runs_go_on_while_redis_is_full(
    running_worker: Worker,
    running_clock: Worker,
    full_redis: Redis,
    desk: Desk,
    alice: User,
    bob: User,
) -> None:
    asked = start("purchase", folder=desk.folder, by=alice)
    slept = start("short_sleep", by=alice, seconds=0.5)
    answer(wait_for_request(asked), by=bob)

    wait_for_success(asked)
    wait_for_success(slept)
    assert desk.effects == {"reserve": 1, "pay": 1, "send": 1}


@pytest.mark.soak
def test_a_worker_told_to_listen_again_looks_at_the_queue_too(
    running_worker: Worker, redis_server: Redis, alice: User, desk: Desk
) -> None:
    """Also when the connection was lost while it was told not to listen."""
    assert wait_until(lambda: running_worker.ask("cancel_consumer", queue="runs"), what="an answer")
    connections = running_worker.output.count("Connected to")
    redis_server.kill()
    redis_server.start()
    wait_until(
        lambda: running_worker.output.count("Connected to") > connections,
        timeout=60,
        what="the worker to be back",
    )
    assert wait_until(lambda: running_worker.ask("add_consumer", queue="runs"), what="an answer")
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        wait_for_success(start("one_step", folder=desk.folder, by=alice))
        client.config_set("maxmemory", "0")


def test_operators_and_the_runs_page_say_that_redis_is_full(
    full_redis: Redis, dave: User, alice: User, desk: Desk
) -> None:
    dave.user_permissions.add(Permission.objects.get(codename="operate_run"))
    run = start("one_step", folder=desk.folder, by=alice)
    page = f"/runs/{run.pk}"
    assert FULL not in shown(browser(alice).get(page))

    Run.objects.filter(pk=run.pk).update(queued_at=clock.now() - timedelta(seconds=6))

    assert FULL in shown(browser(alice).get(page))
    assert FULL in shown(browser(dave).get("/"))
    [message] = messages_complaints(dave)
    assert message.startswith(FULL)

    with full_redis.client() as client:
        client.config_set("maxmemory", "0")

    assert FULL not in shown(browser(alice).get(page))
    assert messages_complaints(dave) == []


def messages_complaints(user: User) -> list[str]:
    """No clock runs here, which the site may complain of, too."""
    found = browser(user).get("/api/health").json()["complaints"]
    return [one["message"] for one in found if one["part"] == "messages"]
