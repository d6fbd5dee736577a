"""No transaction that locks a run or a request uses the file store: that may take long."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from pytest_django import Settings

from procedures.files import MARK, store_mark
from procedures.inputs import store_upload
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import ForkPoint, fork_run, restart_run, start_run
from tests.calls import caller, grant, respond
from tests.kind_pages import paper, send
from tests.pages import ask, browser
from tests.watched_storage import WatchedStorage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / MARK).write_text(store_mark())
    watched = {
        "BACKEND": "tests.watched_storage.WatchedStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    settings.STORAGES = settings.STORAGES | {"default": watched}
    WatchedStorage.noted()


def check_nothing_waited(run: Run, files: int) -> None:
    assert run.artifacts.count() == files
    assert set(WatchedStorage.noted()) == {len(connection.savepoint_ids)}


def test_new_runs_store_their_files_before_their_transaction(
    admin_user: User, support: Group
) -> None:
    grant("typed_inputs", support, "start")
    files = [SimpleUploadedFile(f"{name}.txt", name.encode()) for name in ("one", "two", "three")]
    one, two, three = [store_upload(file) for file in files]

    run, _ = start_run("typed_inputs", {"count": 1, "paper": one}, by=admin_user)
    check_nothing_waited(run, files=1)

    again, _ = restart_run(run.pk, by=admin_user, reason="Again.", inputs={"paper": two})
    check_nothing_waited(again, files=1)

    advance_run(run.pk)
    at = ForkPoint(run.waits.get().key, inputs={"paper": three})
    WatchedStorage.noted()
    fork, _ = fork_run(run.pk, at, by=admin_user, reason="Otherwise.")
    check_nothing_waited(fork, files=2)  # with the one of its origin


def test_an_answer_stores_its_files_before_its_transaction(alice: User, bob: User) -> None:
    by_page, by_program = ask("upload", by=alice), ask("uploads", by=alice)

    assert send(browser(bob), by_page, value=paper()).status_code == 200
    check_nothing_waited(by_page.wait.run, files=1)

    api = caller(bob)
    sent = api.post(f"/api/requests/{by_program.pk}/files", {"file": paper("b.txt", b"two")})
    assert respond(api, by_program, [sent.json()["token"]]).status_code == 201
    check_nothing_waited(by_program.wait.run, files=1)
