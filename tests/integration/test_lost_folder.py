"""A run whose files are away says so where people look, and goes on when they are back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.services import open_session, post_message, receive_message_file, sent_message_files
from procedures.engine.journal.events import RunStatus
from procedures.engine.values.files import File, use_file_store
from procedures.files import FOLDER, ContentStore, fault
from procedures.models import Artifact, Run
from procedures.runner import advance_run
from procedures.services import complaints, start_run, sweep
from tests.pages import browser, shown
from tests.runs import status_of

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "the file store or the database is unavailable"


@pytest.fixture
def folder() -> Iterator[Path]:
    """The files of the site; whatever becomes of them here, they are back after it."""
    there = Path(default_storage.path(FOLDER))
    there.mkdir(parents=True, exist_ok=True)
    away = there.with_name("set-aside")
    there.rename(away)
    there.mkdir()
    yield there
    shutil.rmtree(there, ignore_errors=True)
    away.rename(there)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


def carry_on(run: Run) -> str:
    """Do the workers' work until nothing more happens, though each lease must expire before."""
    advance_run(run.pk)
    Run.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(leased_until="2000-01-01T00:00Z")
    sweep()
    return status_of(run)


@pytest.mark.parametrize("loss", ["deleted", "is no folder"])
def test_a_run_that_waits_for_the_files_is_stuck_in_words_until_they_are_back(
    loss: str, folder: Path, boss: User
) -> None:
    file = _receipt(by=boss)
    run = start_run("reading_files", {"file": file, "where": "step"}, by=boss)[0]
    away = folder.with_name("moved")
    folder.rename(away)
    if loss == "is no folder":
        folder.touch()

    assert [carry_on(run) for _ in range(3)] == [RunStatus.QUEUED] * 3

    page = browser(boss)
    for path in (f"/runs/{run.pk}", "/"):
        assert SAID in shown(page.get(path))
    stuck = shown(page.get("/")).split('id="stuck-title"')[1].split("</section>")[0]
    assert f"/runs/{run.pk}" in stuck
    assert ["files" in {one.part for one in complaints()}] == [loss == "deleted"]

    folder.unlink(missing_ok=True)
    away.rename(folder)
    advance_run(run.pk)
    assert status_of(run) == RunStatus.SUCCEEDED
    assert SAID not in shown(page.get(f"/runs/{run.pk}"))
    assert "files" not in {one.part for one in complaints()}


def test_files_that_are_lost_for_good_are_told_when_an_empty_folder_is_there(
    folder: Path, boss: User
) -> None:
    file = _receipt(by=boss)
    run = start_run("reading_files", {"file": file, "where": "step"}, by=boss)[0]
    shutil.rmtree(folder)
    assert carry_on(run) == RunStatus.QUEUED
    [told] = [one.message for one in complaints() if one.part == "files"]
    assert "create an empty folder there" in told

    folder.mkdir()
    assert carry_on(run) == RunStatus.QUARANTINED

    assert "Restore the file" in shown(browser(boss).get(f"/runs/{run.pk}"))


def test_the_folder_is_missed_if_only_messages_have_files(
    folder: Path, boss: User, alice: User
) -> None:
    session, _ = open_session("Parcels", by=alice)
    assert fault() == ""
    sent = SimpleUploadedFile("orders.csv", b"A-7")
    token = receive_message_file(session, sent, by=alice)
    files = sent_message_files(session, [token], by=alice)
    post_message(session, "", by=alice, files=files)
    shutil.rmtree(folder)

    assert "is missing. Mount or restore it." in fault()


def _receipt(*, by: User) -> File:
    """A file that a run before has kept: since then the folder is known to have been there."""
    run = start_run("keeping", {"way": "file"}, by=by)[0]
    advance_run(run.pk)
    with use_file_store(ContentStore()):
        assert Artifact.objects.filter(run=run).exists()
        return File.store("given.txt", b"31.20")
