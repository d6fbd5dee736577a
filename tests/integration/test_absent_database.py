"""A real PostgreSQL that is away: people and programs are told soon, and nothing hangs."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import closing_process
from tests.processes import Redis, Web

PATIENCE = 8
"""Seconds: a page gives up after two, a worker's connection after twenty."""
PATHS = ("/", "/runs", "/admin/", "/api/runs", "/requests/waiting/count")


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
