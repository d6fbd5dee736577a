"""The evidence of a request as one file, and of a run as an archive."""

import json
import re
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import HumanRequest
from chat.services import Answer, respond
from procedures.models import Head
from procedures.runner import advance_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered(bob: User, finance: Group) -> HumanRequest:
    for name in ("alike", "revised"):
        grant(name, finance, "answer")
    request = request_of(run_until_it_waits("alike"))
    answer = Answer(value=True, comment="<b>Fine</b>", channel="page", address="192.0.2.7")
    respond(request.pk, answer, by=bob)
    advance_run(request.wait.run_id)
    return request


def verified_at(page: str) -> datetime:
    found = re.search(r"Verified (\S+?):? ", page)
    assert found, page
    return datetime.fromisoformat(found[1])


def test_one_file_has_all_that_proves_a_decision(answered: HumanRequest, bob: User) -> None:
    response = browser(bob).get(f"/requests/{answered.pk}/evidence")

    assert response.status_code == 200
    assert "attachment" in response.headers["Content-Disposition"]
    assert response.headers["Cache-Control"] == "private, no-store"
    page = shown(response)
    for words in ("Refund 31.20 €?", "bob", "192.0.2.7", "member of finance", "page", "Customer"):
        assert words in page, words
    assert "&lt;b&gt;Fine&lt;/b&gt;" in page
    assert "the database rows agree" in page
    last = answered.events.latest("seq")
    assert last.hash in page
    assert not re.search(r"<(script|link|img|iframe|form)\b|(src|href)=|@import|url\(", page)


def test_it_tells_of_what_was_changed_since(answered: HumanRequest, bob: User) -> None:
    answered.responses.update(comment="Never.")

    page = shown(browser(bob).get(f"/requests/{answered.pk}/evidence"))

    assert "something was changed" in page
    assert "the field comment was changed" in page


def test_a_run_is_verified_once_for_all_files_until_it_has_a_new_event(bob: User) -> None:
    grant("revised", Group.objects.get(name="finance"), "answer")
    request = request_of(run_until_it_waits("revised"))
    path, client = f"/requests/{request.pk}/evidence", browser(bob)
    first = verified_at(shown(client.get(path)))

    with CaptureQueriesContext(connection) as queries:
        second = shown(client.get(path))

    assert verified_at(second) == first
    assert not [one for one in queries if '"countersign_procedures_event"' in one["sql"]]
    respond(request.pk, Answer(value=True), by=bob)
    assert verified_at(shown(client.get(path))) > first


def test_a_run_without_the_record_of_its_last_event_has_a_file(
    answered: HumanRequest, bob: User
) -> None:
    Head.objects.filter(run=answered.wait.run_id).delete()

    assert "its last event is missing" in shown(
        browser(bob).get(f"/requests/{answered.pk}/evidence")
    )


def test_an_open_request_has_a_file_too_and_strangers_get_none(
    answered: HumanRequest, bob: User, carol: User
) -> None:
    request = request_of(run_until_it_waits("revised"))
    assert "Nobody has answered." in shown(browser(bob).get(f"/requests/{request.pk}/evidence"))
    assert browser(carol).get(f"/requests/{answered.pk}/evidence").status_code == 404
    link = f'href="/requests/{request.pk}/evidence"'
    assert link in shown(browser(bob).get(f"/requests/{request.pk}"))


def test_one_command_bundles_a_run(answered: HumanRequest, tmp_path: Path) -> None:
    run = answered.wait.run
    file = tmp_path / "run.zip"

    call_command("bundle_run", str(run.pk), str(file))

    with ZipFile(file) as archive:
        names = {"journal.json", "artifacts.json", "verification.txt"}
        assert {*archive.namelist()} == names | {f"requests/{answered.pk}.html"}
        journal = json.loads(archive.read("journal.json"))
        assert [one["kind"] for one in journal][-1] == "run.succeeded"
        assert journal[-1]["hash"] == run.events.latest("seq").hash
        assert json.loads(archive.read("artifacts.json")) == []
        verification = archive.read("verification.txt").decode()
        assert "The journal is intact" in verification
        page = archive.read(f"requests/{answered.pk}.html").decode()
        assert "Refund 31.20" in page
        assert f"Verified at {verified_at(page).isoformat()}." in verification
    with pytest.raises(CommandError, match="can't be written"):
        call_command("bundle_run", str(run.pk), str(file))
    with pytest.raises(CommandError, match="Run not found"):
        call_command("bundle_run", str(answered.pk), str(tmp_path / "other.zip"))
