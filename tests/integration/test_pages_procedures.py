"""Procedures as people see them: the catalogue, the documentation, the form that starts one."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from chat.models import Session
from procedures.models import Artifact, Procedure, Run
from tests.calls import grant
from tests.configured import configure
from tests.pages import browser, queries_of, shown, writes

pytestmark = pytest.mark.django_db
PATH = "/procedures/typed_inputs"


@pytest.fixture(autouse=True)
def support_starts(support: Group, finance: Group) -> None:
    grant("typed_inputs", support, "start")
    grant("typed_inputs", finance, "answer")


def start(client: Client, **fields: Any) -> Any:
    return client.post(PATH, {"-key": "k", **fields})


def paper() -> SimpleUploadedFile:
    return SimpleUploadedFile("paper.csv", b"a;b\n", content_type="text/csv")


def token_in(page: Any) -> str:
    found = re.search(r'name="-file-paper" value="([^"]+)"', page.content.decode())
    assert found
    return found[1]


# The catalogue and the documentation


def test_the_catalogue_says_what_one_may_do(alice: User, bob: User, carol: User) -> None:
    assert "You can start it" in shown(browser(alice).get("/procedures"))
    assert "You can't start it" in shown(browser(bob).get("/procedures"))
    assert "There are no procedures that you can see" in shown(browser(carol).get("/procedures"))


def test_a_procedure_tells_what_it_does_who_may_start_it_and_its_code(alice: User) -> None:
    text = shown(browser(alice).get("/procedures/refund"))

    assert "<p>Refund the returned orders of a CSV file" in text
    assert "Members of <strong>Support</strong> can start it." in text
    assert "def refund(" in text


def test_a_procedure_is_not_there_for_a_stranger(alice: User, carol: User) -> None:
    assert browser(alice).get(PATH).status_code == 200

    for path in (PATH, "/procedures/unknown", "/procedures/%00"):
        assert browser(carol).get(path).status_code == 404
    assert start(browser(carol), count="1").status_code == 404
    assert not Run.objects.exists()


def test_procedures_are_for_those_signed_in(client: Client) -> None:
    for path in ("/procedures", PATH):
        assert client.get(path).headers["Location"] == f"/sign-in?next={path}"
    assert start(client, count="1").status_code == 302
    assert not Run.objects.exists()


def test_looking_starts_nothing_and_takes_no_more_queries_for_more_runs(alice: User) -> None:
    client = browser(alice)
    start(client, count="1")
    few = queries_of(client, PATH)
    for key in "abc":
        start(client, count="1", **{"-key": key})

    assert writes(few) == []
    assert len(queries_of(client, PATH)) == len(few)
    assert Run.objects.count() == 4


def test_code_that_is_not_here_starts_nothing(admin_user: User) -> None:
    Procedure.objects.create(name="gone", title="Gone")
    client = browser(admin_user)

    page = client.get("/procedures/gone")
    client.post("/procedures/gone", {"-key": "k"})

    assert "installed here" in shown(page)
    assert "<form" not in shown(page).partition("<main")[2].partition("</main>")[0]
    assert "installed here" in shown(client.get("/procedures"))
    assert not Run.objects.exists()


# Starting


def test_the_form_starts_a_run_and_leads_to_its_session(alice: User) -> None:
    fields = {"price": "3.50", "day": "2026-12-31", "urgent": ["false", "true"], "speed": "fast"}
    rest = {"tags": "a\r\n\r\n b ", "address": "true", "address.city": "Bonn", "paper": paper()}

    started = start(browser(alice), count="2", **fields, **rest)

    run = Run.objects.get()
    session = Session.objects.get(messages__run=run)
    assert started.headers["Location"] == f"/chat/{session.pk}"
    assert run.started_by == alice
    assert run.inputs == (
        '{"address":{"city":"Bonn"},"count":2,"day":"2026-12-31","paper":'
        f'{{"content_type":"text/csv","digest":"{Artifact.objects.get().digest}",'
        '"name":"paper.csv","size":4},"price":"3.50","speed":"fast","tags":["a","b"],"urgent":true}'
    )


def test_what_is_left_empty_has_its_default(alice: User) -> None:
    start(browser(alice), count="2", price="", day="", speed="", address="", urgent="false")

    assert '"price":"1"' in Run.objects.get().inputs
    assert '"day":null' in Run.objects.get().inputs


def test_a_second_click_starts_nothing_more(alice: User) -> None:
    client = browser(alice)
    first, second = start(client, count="1"), start(client, count="1")

    assert first.headers["Location"] == second.headers["Location"]
    assert Run.objects.count() == 1


def test_the_form_of_a_run_that_began_starts_another_one_when_asked_again(alice: User) -> None:
    client = browser(alice)
    start(client, count="1")

    refused = start(client, count="2")

    assert refused.status_code == 409
    assert "has already started a run" in shown(refused)
    assert 'name="count" type="text" value="2"' in shown(refused)
    assert 'name="-key" value="k"' not in shown(refused)
    assert Run.objects.count() == 1


def test_faults_stand_beside_their_fields_and_what_was_typed_stays(alice: User) -> None:
    grant("sized_inputs", Group.objects.get(name="support"), "start")
    fields = {"-key": "k", "count": "many", "price": "<b>", "tags": "x", "sizes": "{"}
    refused = browser(alice).post("/procedures/sized_inputs", fields)

    text = shown(refused)
    assert refused.status_code == 422
    assert 'name="count" type="text" value="many"' in text
    assert "> x</textarea>" in text
    assert "This isn&#x27;t valid JSON: " in text
    assert "&lt;b&gt;" in text
    assert 'name="-key" value="k"' in text
    assert not Run.objects.exists()


def test_every_fault_of_the_signature_is_told_at_once(alice: User) -> None:
    text = shown(start(browser(alice), count="many", price="x", day="soon"))

    assert text.count('class="field__fault"') == 3


def test_what_cannot_even_be_read_hides_no_other_fault(alice: User) -> None:
    grant("sized_inputs", Group.objects.get(name="support"), "start")
    fields = {"-key": "k", "count": "many", "sizes": "Bonn", "paper": paper()}
    text = shown(browser(alice).post("/procedures/sized_inputs", fields))

    assert "This isn&#x27;t valid JSON: " in text
    assert "This must be a whole number like 42." in text
    assert text.count('class="field__fault"') == 2
    assert "<strong>paper.csv</strong> is kept" in text


def test_a_file_need_not_be_chosen_twice(alice: User) -> None:
    client = browser(alice)
    refused = start(client, count="many", paper=paper())

    assert "<strong>paper.csv</strong> is kept" in shown(refused)
    start(client, count="1", **{"-file-paper": token_in(refused)})
    assert Run.objects.get().artifacts.get().name == "paper.csv"


def test_a_kept_file_is_no_other_persons(alice: User, admin_user: User) -> None:
    token = token_in(start(browser(alice), count="many", paper=paper()))

    start(browser(admin_user), count="1", **{"-file-paper": token})

    assert '"paper":null' in Run.objects.get().inputs
    assert start(browser(alice), count="1", **{"-file-paper": "forged"}).status_code == 302


def test_a_file_that_is_too_large_is_said_beside_its_field(alice: User, settings: Settings) -> None:
    configure(settings, MAX_UPLOAD_MB=0)

    refused = start(browser(alice), count="1", paper=paper())

    assert refused.status_code == 422
    assert "the limit is 0 MB" in shown(refused)
    assert not Run.objects.exists()


def test_who_may_only_look_gets_a_sentence_and_starts_nothing(bob: User) -> None:
    client = browser(bob)

    page, refused = client.get(PATH), start(client, count="1", paper=paper())

    assert "You don't have permission to start " in shown(page)
    assert 'enctype="multipart/form-data"' not in shown(page)
    assert refused.status_code == 403
    assert not Run.objects.exists()


def test_a_start_needs_our_own_form(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert start(client, count="1").status_code == 403
    assert not Run.objects.exists()
