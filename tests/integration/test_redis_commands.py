"""Commands to Redis whose reply is read later, and connections that Redis closes meanwhile."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from pytest_django import Settings

from procedures.reports import SentCommand, ask_redis, bare_connection
from tests.processes import Redis

KEY = "tests.number"


@pytest.fixture
def fresh(redis_server: Redis) -> Iterator[ThreadPoolExecutor]:
    """A thread, and so a connection of its own."""
    with ThreadPoolExecutor(1) as thread, redis_server.client() as client:
        client.set(KEY, 0)
        yield thread
        thread.submit(lambda: bare_connection().disconnect()).result()
        client.delete(KEY)


def close_connections(server: Redis) -> None:
    with server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)


def number(server: Redis) -> int:
    with server.client() as client:
        return int(client.get(KEY) or 0)


def test_a_command_is_executed_before_its_reply_is_read(
    fresh: ThreadPoolExecutor, redis_server: Redis
) -> None:
    sent = fresh.submit(lambda: SentCommand(["INCR", KEY])).result()

    assert fresh.submit(sent.reply).result() == 1
    assert number(redis_server) == 1


def test_a_reply_that_nobody_has_read_is_not_taken_for_the_next_one(
    fresh: ThreadPoolExecutor,
) -> None:
    fresh.submit(lambda: SentCommand(["ECHO", "old"])).result()

    assert fresh.submit(ask_redis, "ECHO", "new").result() == b"new"
    assert fresh.submit(ask_redis, "ECHO", "newer").result() == b"newer"


def test_an_error_leaves_the_connection_usable(fresh: ThreadPoolExecutor) -> None:
    with pytest.raises(redis.ResponseError):
        fresh.submit(ask_redis, "INCR").result()

    assert fresh.submit(ask_redis, "INCR", KEY).result() == 1


@pytest.mark.parametrize("is_sent_before", [False, True])
def test_a_command_is_repeated_over_a_new_connection(
    fresh: ThreadPoolExecutor, redis_server: Redis, *, is_sent_before: bool
) -> None:
    fresh.submit(ask_redis, "ECHO", "connected").result()
    sent = SentCommand
    if is_sent_before:
        waiting = fresh.submit(lambda: sent(["BLPOP", "tests.empty", 5])).result()
        close_connections(redis_server)
        with redis_server.client() as client:
            client.lpush("tests.empty", "one")
    else:
        close_connections(redis_server)
        waiting = fresh.submit(lambda: sent(["BLPOP", "tests.empty", 5])).result()
        with redis_server.client() as client:
            client.lpush("tests.empty", "one")

    assert fresh.submit(waiting.reply).result() == [b"tests.empty", b"one"]


def test_a_command_that_must_not_be_repeated_is_sent_once(
    fresh: ThreadPoolExecutor, redis_server: Redis
) -> None:
    fresh.submit(ask_redis, "ECHO", "connected").result()
    waiting = fresh.submit(
        lambda: SentCommand(["BLPOP", "tests.empty", 5], is_repeatable=False)
    ).result()
    close_connections(redis_server)

    with pytest.raises(redis.ConnectionError):
        fresh.submit(waiting.reply).result()
    assert fresh.submit(ask_redis, "INCR", KEY).result() == 1


@pytest.mark.parametrize("is_repeatable", [True, False])
def test_a_redis_that_is_silent_is_asked_once(settings: Settings, *, is_repeatable: bool) -> None:
    """Whoever asks would wait twice as long."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as thread:
        silent.settimeout(0)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.COUNTERSIGN = {**settings.COUNTERSIGN, "REDIS_URL": url}

        with pytest.raises(redis.TimeoutError):
            thread.submit(ask_redis, "ECHO", "any", is_repeatable=is_repeatable).result()

        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
