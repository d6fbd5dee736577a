"""A real PostgreSQL that is away: people and programs are told soon, and nothing hangs."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import closing_process
from tests.processes import Redis, Web, run_python

PATIENCE = 15
"""Seconds: a page gives up after two, a worker's connection after twenty."""
PATHS = ("/", "/runs", "/admin/", "/api/runs", "/requests/waiting/count")
PROMISED = 2
"""Seconds that a page may take to say it; each look for a connection may take as long."""
WAITS = """
options = settings.DATABASES["default"]["OPTIONS"]
waits = (options["pool"]["timeout"], options["connect_timeout"], options["tcp_user_timeout"] / 1000)
print("LOOK", *waits)
"""
WORKER = f"""
from django.conf import settings

from dashboard.celery import leave_a_vanished_database

leave_a_vanished_database()
{WAITS}"""
LOOKS = f"""
import sys
import dashboard.asgi
from django.conf import settings
from django.db import connection
from django.test import Client
{WAITS}
client = Client(headers={{"Authorization": "Bearer cs_nobody"}}, raise_request_exception=False)
client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
for path in sys.argv[1:]:
    before = connection.pool.get_stats().get("requests_num", 0)
    status = client.get(path, headers={{"Host": "localhost"}}).status_code
    print("LOOK", path, status, connection.pool.get_stats()["requests_num"] - before)
"""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections, and never says a word, like a server behind a broken network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_pages_and_the_api_say_soon_that_the_database_is_away(
    silent: socket.socket, redis_server: Redis
) -> None:
    port = silent.getsockname()[1]
    url = f"postgres://nobody:nothing@127.0.0.1:{port}/nowhere"
    cookies, token = {"sessionid": "a" * 32}, {"Authorization": "Bearer cs_nobody"}
    with (
        closing_process(Web(DATABASE_URL=url)) as web,
        httpx.Client(base_url=web.start().url, cookies=cookies, timeout=PATIENCE) as client,
    ):
        for is_refused in (False, True):
            if is_refused:
                silent.close()
            answers = [client.get(path, headers=token) for path in PATHS]
            assert [one.status_code for one in answers] == [503] * len(PATHS)
            assert all("database" in one.text for one in answers)


def test_a_page_waits_for_a_connection_once_and_no_longer_than_promised(
    silent: socket.socket, redis_server: Redis
) -> None:
    port = silent.getsockname()[1]
    url = f"postgres://nobody:nothing@127.0.0.1:{port}/nowhere"

    lines = run_python(LOOKS, *PATHS, DATABASE_URL=url).splitlines()

    patience, *looks = [line.split()[1:] for line in lines if line.startswith("LOOK ")]
    assert [*map(float, patience)] == [PROMISED] * 3
    assert looks == [[path, "503", "1"] for path in PATHS]


def test_a_worker_leaves_a_server_that_confirms_nothing() -> None:
    """A host that has vanished says nothing; the system would try for a quarter of an hour."""
    url = "postgres://nobody:nothing@127.0.0.1:1/nowhere"

    waits = run_python(WORKER, DATABASE_URL=url).split()

    assert waits == ["LOOK", "20", "20", "20.0"]
