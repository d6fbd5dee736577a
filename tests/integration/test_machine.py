"""The ground the other tests stand on."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import Group, Permission, User

from procedures.models import Grant, Installation, Procedure, ProcedureVersion
from tests import machine
from tests.conftest import StartWeb, StartWorker
from tests.processes import Redis, Worker, wait_until
from tests.tables import rows


def run_python(code: str, ends_with: int = 0) -> str:
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == ends_with
    return ended.stdout


@pytest.mark.usefixtures("transactional_db", "alice")
def test_another_process_sees_what_a_test_commits() -> None:
    names = run_python(
        "import django; django.setup()\n"
        "from django.contrib.auth.models import User\n"
        "print(*User.objects.values_list('username', flat=True))"
    )

    assert names == "alice\n"


@pytest.mark.usefixtures("transactional_db")
def test_another_process_checks_the_password_that_a_test_keeps(alice: User) -> None:
    alice.set_password("correct horse battery")
    alice.save()

    assert alice.password.startswith("pbkdf2_sha256$1$")
    found = run_python(
        "import django; django.setup()\n"
        "from django.contrib.auth import authenticate\n"
        "words = 'correct horse battery', 'staple'\n"
        "print(*(authenticate(username='alice', password=word) for word in words))"
    )

    assert found == "alice None\n"


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("turn", [1, 2])
def test_what_migrate_made_is_there_for_the_next_test(turn: int) -> None:
    """Whatever the one before has done to it."""
    made = (Group, Permission, Grant, Procedure, ProcedureVersion)
    counts = {model: model.objects.count() for model in made}
    assert counts == {model: len(rows[model._meta.db_table]) for model in made}  # noqa: SLF001
    assert not Procedure.objects.filter(title="mine").exists()

    Grant.objects.filter(role="start").delete()
    Group.objects.create(name="of one test")
    Permission.objects.all().delete()
    Procedure.objects.update(title="mine")


def test_a_killed_worker_leaves_no_children(worker: StartWorker) -> None:
    first = worker(concurrency=2)
    children = first.slots

    first.kill()

    assert len(children) == 2
    assert not any(is_running(child) for child in children)


def is_running(pid: int) -> bool:
    ps = ["/bin/ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def test_redis_starts_again_without_its_messages(redis_server: Redis) -> None:
    with redis_server.client() as client:
        client.set("message", "lost")

    redis_server.stop()
    assert not redis_server.is_alive
    redis_server.start()

    with redis_server.client() as client:
        assert client.get("message") is None


@pytest.mark.parametrize("turn", [1, 2])
def test_the_shared_worker_listens_in_every_test(running_worker: Worker, turn: int) -> None:
    assert [queue["name"] for queue in running_worker.told("active_queues")] == ["runs"]


def test_the_clock_ticks(running_clock: Worker) -> None:
    wait_until(lambda: Installation.current().swept_at, what="a tick")


def test_the_web_answers_until_it_is_stopped(web: StartWeb) -> None:
    site = web()
    page = f"{site.url}/static/admin/css/base.css"
    assert httpx.get(page, timeout=60).status_code == 200

    site.stop()

    assert not site.is_alive
    with pytest.raises(httpx.ConnectError):
        httpx.get(page)


def test_a_session_keeps_bytecode_whatever_its_shell_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    code = "import os, sys; from tests import machine; print(sys.dont_write_bytecode, *os.environ)"

    assert run_python("import sys; print(sys.dont_write_bytecode)") == "True\n"
    said = run_python(code).split()

    assert said[0] == "False"
    assert "PYTHONDONTWRITEBYTECODE" not in said


def test_another_session_shares_nothing_and_leaves_nothing() -> None:
    code = "import os; from tests import machine; print(machine.FOLDER, os.environ['DATABASE_URL'])"
    folder, database = run_python(code).split()

    assert folder != str(machine.FOLDER)
    assert database != machine.DATABASE_URL
    assert not Path(folder).exists()


def test_a_killed_session_leaves_no_processes() -> None:
    code = """
import os
from tests.processes import Redis
redis = Redis().start()
print(redis.pid, redis.log.parent, flush=True)
os.kill(os.getpid(), 9)
"""
    pid, folder = run_python(code, ends_with=-9).split()
    shutil.rmtree(folder)

    wait_until(lambda: not is_running(int(pid)), what="its Redis to end")
