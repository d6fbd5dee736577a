"""Starts with nested inputs: models, rows and the files in them, by the page and by the API."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from procedures.engine import Context, DefinitionError, File, procedure
from procedures.models import Artifact, Run
from procedures.testing import GivenFile, run_procedure
from tests.calls import caller, grant
from tests.configured import configure
from tests.pages import browser, shown
from tests.procedures.inputs import nested_inputs

pytestmark = pytest.mark.django_db
PATH, API = "/procedures/nested_inputs", "/api/procedures/nested_inputs/runs"
SENT = {
    "-key": "k",
    "to.city": "Ulm",
    "lines": ["0", "3"],
    "lines.0.thing": "lamp",
    "lines.3.thing": "shade",
}


@pytest.fixture(autouse=True)
def support_starts(support: Group) -> None:
    grant("nested_inputs", support, "start")


def paper(name: str, content: bytes = b"one") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/plain")


def inputs() -> Any:
    return json.loads(Run.objects.get().inputs)


def test_nested_inputs_are_drawn_as_fields(alice: User) -> None:
    text = shown(browser(alice).get(PATH))

    assert '<legend class="field__label">To</legend>' in text
    assert 'name="to.city"' in text
    assert 'name="to.scan" type="file"' in text
    assert 'name="photos" type="file" multiple' in text
    assert 'name="add-row" value="lines"' in text
    assert "Enter it as JSON" not in text


def test_a_row_is_added_without_starting(alice: User) -> None:
    text = shown(browser(alice).post(PATH, {**SENT, "add-row": "lines"}))

    assert 'name="lines" value="4"' in text
    assert 'name="lines.3.thing" type="text" value="shade"' in text
    assert not Run.objects.exists()


def test_files_that_were_chosen_are_still_there_after_a_row_is_added_or_removed(
    alice: User, settings: Settings
) -> None:
    client = browser(alice)
    files = {"to.scan": paper("a.txt"), "photos": paper("b.txt"), "plan": paper("p.txt")}
    once = shown(client.post(PATH, {**SENT, **files, "add-row": "lines"}))
    kept = dict(re.findall(r'name="(to.scan|photos|-file-plan)" value="([^"]+)"', once))

    again = shown(client.post(PATH, {**SENT, **kept, "drop-row": "lines.1"}))

    for text in (once, again):
        assert all(f"<strong>{name}</strong> was sent." in text for name in ("a.txt", "b.txt"))
        assert "<strong>p.txt</strong> is kept." in text
    assert client.post(PATH, {**SENT, **kept}).status_code == 302
    assert (inputs()["to"]["scan"]["name"], inputs()["plan"]["name"]) == ("a.txt", "p.txt")
    configure(settings, UPLOADS_KEPT=timedelta(0))
    late = client.post(PATH, {**SENT, **kept, "add-row": "lines"})
    assert late.status_code == 422
    assert shown(late).count("isn&#x27;t stored any more") == 3


@pytest.mark.parametrize("name", ["plan", "lines.3.label"])
def test_a_file_that_is_too_large_takes_no_other_one_away(
    alice: User, settings: Settings, name: str
) -> None:
    client = browser(alice)
    files = {"to.scan": paper("a.txt"), "photos": paper("b.txt"), "plan": paper("p.txt")}
    once = shown(client.post(PATH, {**SENT, **files, "add-row": "lines"}))
    kept = dict(re.findall(r'name="(to.scan|photos|-file-plan)" value="([^"]+)"', once))
    configure(settings, MAX_UPLOAD_MB=0)

    refused = client.post(PATH, {**SENT, **kept, name: paper("d.txt")})

    assert refused.status_code == 422
    text = shown(refused)
    assert f'id="about-{name}"><p class="field__fault">D.txt is 0.0 MB' in text
    assert "<strong>a.txt</strong> was sent." in text
    assert "<strong>b.txt</strong> was sent." in text
    assert ("<strong>p.txt</strong> is kept." in text) is (name != "plan")


def test_a_file_that_replaces_another_one_is_the_only_one(alice: User) -> None:
    client = browser(alice)
    once = shown(client.post(PATH, {**SENT, "to.scan": paper("a.txt"), "add-row": "lines"}))
    (token,) = re.findall(r'name="to.scan" value="([^"]+)"', once)
    both = {**SENT, "to.scan": [token, paper("n.txt")]}

    text = shown(client.post(PATH, {**both, "add-row": "lines"}))

    assert "<strong>n.txt</strong> was sent." in text
    assert "a.txt" not in text


def test_a_file_that_is_too_old_is_said_at_its_row_after_another_row_was_dropped(
    alice: User, settings: Settings
) -> None:
    client, lines = browser(alice), {"lines": ["1", "2"], "lines.1.thing": "a"}
    sent = {"-key": "k", "to.city": "Ulm", **lines, "lines.2.thing": "b"}
    once = shown(client.post(PATH, {**sent, "lines.1.label": paper("d.txt"), "add-row": "lines"}))
    (token,) = re.findall(r'name="lines.1.label" value="([^"]+)"', once)
    configure(settings, UPLOADS_KEPT=timedelta(0))

    text = shown(client.post(PATH, {**sent, "lines.1.label": token}))

    assert 'id="about-lines.1.label"><p class="field__fault">The file “d.txt”' in text
    assert text.count("isn&#x27;t stored any more") == 1


def test_nested_inputs_and_files_start_a_run(alice: User) -> None:
    files = {"to.scan": paper("a.txt"), "photos": [paper("b.txt"), paper("c.txt", b"two")]}
    files["lines.3.label"] = paper("d.txt", b"three")

    assert browser(alice).post(PATH, {**SENT, **files}).status_code == 302

    found = inputs()
    assert (found["to"]["city"], found["to"]["scan"]["name"]) == ("Ulm", "a.txt")
    assert [one["name"] for one in found["photos"]] == ["b.txt", "c.txt"]
    assert [one["thing"] for one in found["lines"]] == ["lamp", "shade"]
    assert [one["label"] and one["label"]["name"] for one in found["lines"]] == [None, "d.txt"]
    assert Artifact.objects.count() == 4
    run_page = shown(browser(alice).get(f"/runs/{Run.objects.get().pk}"))
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        assert f"/files/{name}" in run_page


def test_a_fault_keeps_the_files(alice: User) -> None:
    client = browser(alice)
    refused = client.post(PATH, {**SENT, "to.city": "", "to.scan": paper("a.txt")})

    text = shown(refused)
    assert refused.status_code == 422
    assert "<strong>a.txt</strong> was sent." in text
    assert '<p class="field__fault">' in text.partition('name="to.city"')[2].partition("<input")[0]
    (token,) = re.findall(r'name="to.scan" value="([^"]+)" checked', text)

    client.post(PATH, {**SENT, "to.scan": token})
    assert inputs()["to"]["scan"]["name"] == "a.txt"


@pytest.mark.parametrize("token", ["forged", "x" * 5_000])
def test_a_forged_token_is_no_file(alice: User, token: str) -> None:
    refused = browser(alice).post(PATH, {**SENT, "to.scan": token})
    assert refused.status_code == 422
    assert not Run.objects.exists()


@pytest.fixture
def alices(alice: User) -> Client:
    return caller(alice)


def test_the_api_takes_files_by_their_paths(alices: Client) -> None:
    rest = {
        "to": json.dumps({"city": "Ulm"}),
        "lines": json.dumps([{"thing": "lamp"}, {"thing": "shade"}]),
    }
    files = {"to.scan": paper("a.txt"), "lines.1.label": paper("d.txt"), "photos": paper("b.txt")}

    assert alices.post(API, {**rest, **files}).status_code == 201

    found = inputs()
    assert found["to"]["scan"]["name"] == "a.txt"
    assert found["lines"][1]["label"]["name"] == "d.txt"
    assert [one["name"] for one in found["photos"]] == ["b.txt"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("to.city", "can't be a file."),
        ("to.nothing", "isn't an input of this procedure."),
        ("lines.7.label", "has no part for the file that was sent."),
        ("nothing.scan", "isn't an input of this procedure."),
    ],
)
def test_a_file_without_a_place_is_refused(alices: Client, path: str, message: str) -> None:
    rest = {"to": json.dumps({"city": "Ulm"}), "lines": json.dumps([{"thing": "lamp"}])}
    refused = alices.post(API, {**rest, path: paper("a.txt")})

    assert refused.status_code == 422
    assert not Run.objects.exists()
    messages = {one["message"] for one in refused.json()["faults"]}
    assert message in messages or path == "to.nothing"


def test_a_description_of_a_file_is_no_file(alices: Client) -> None:
    described = {"name": "a", "digest": "0" * 64, "size": 1, "content_type": "text/plain"}
    value = {"to": {"city": "Ulm", "scan": described}}
    refused = alices.post(API, value, content_type="application/json")
    assert refused.status_code == 422


def test_a_test_gives_nested_files() -> None:
    given = {
        "to": {"city": "Ulm", "scan": GivenFile("a.txt", "x")},
        "photos": [GivenFile("b.txt", "y")],
    }
    assert run_procedure(nested_inputs, given).result == ["x", ["b.txt"]]


@pytest.mark.parametrize("hint", [dict[str, File], list[dict[str, File]], list[bytes]], ids=str)
def test_a_file_where_no_path_leads_is_refused(hint: Any) -> None:
    with pytest.raises(DefinitionError, match="can't be sent"):

        @procedure
        def asks(ctx: Context, it: hint) -> None: ...
