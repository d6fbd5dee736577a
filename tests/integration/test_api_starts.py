"""Starting runs over the API: values, files, and the same start twice."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from pytest_django import Settings

from dashboard.models import ApiToken, Scope
from procedures.files import path_of
from procedures.models import Artifact, Run
from procedures.services import start_run
from tests.calls import caller, grant
from tests.configured import configure
from tests.processes import Web

RUNS = "/api/procedures/typed_inputs/runs"
JSON = "application/json"
MEGABYTE = 1024 * 1024


@pytest.fixture
def alices(alice: User, support: Group) -> Client:
    grant("typed_inputs", support, "start")
    return caller(alice)


def paper(content: bytes = b"a;b\n", name: str = "paper.csv", kind: str = "text/csv") -> Any:
    return SimpleUploadedFile(name, content, kind)


def detail(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    return str(response.json()["detail"])


def start(client: Client, key: str = "", **inputs: Any) -> Any:
    """Send JSON, or a form if there is a file."""
    is_form = any(isinstance(value, SimpleUploadedFile) for value in inputs.values())
    headers = {"Idempotency-Key": key} if key else {}
    if is_form:
        return client.post(RUNS, inputs, headers=headers)
    return client.post(RUNS, inputs, JSON, headers=headers)


def files_kept() -> int:
    roots = [name for name in ("artifacts", "uploads") if default_storage.exists(name)]
    folders = [f"{root}/{name}" for root in roots for name in default_storage.listdir(root)[0]]
    return sum(len(default_storage.listdir(folder)[1]) for folder in folders)


# Values


def test_a_start_gives_the_run(alices: Client) -> None:
    response = start(alices, count=3, price="2.50", day="2026-03-01", tags=["a"])
    run = response.json()

    assert response.status_code == 201
    assert run["status"] == "queued"
    assert run["started_by"] == "alice"
    assert run["inputs"] == {
        "count": 3,
        "price": "2.50",
        "day": "2026-03-01",
        "urgent": False,
        "speed": "slow",
        "tags": ["a"],
        "address": None,
        "paper": None,
    }
    assert alices.get(f"/api/runs/{run['id']}").json() == run


def test_a_form_says_the_same_in_texts(alices: Client) -> None:
    form = {
        "count": "3",
        "urgent": "true",
        "speed": "fast",
        "tags": ["a", "b"],
        "address": '{"city": "Ghent"}',
    }

    inputs = alices.post(RUNS, form).json()["inputs"]

    assert (inputs["count"], inputs["urgent"], inputs["speed"]) == (3, True, "fast")
    assert (inputs["tags"], inputs["address"]) == (["a", "b"], {"city": "Ghent"})


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"count": ["1", "2"]}, "count: was sent 2 times."),
        ({"count": "1", "address": "Ghent"}, "address: must be a JSON object."),
        ({"count": "1", "paper": "text"}, "paper: send a file (multipart/form-data)."),
        ({"count": paper()}, "count: can't be a file."),
        (
            {"count": "1", "papers": paper()},
            "papers: isn't an input of this procedure. Did you mean 'paper'?",
        ),
        ({"count": "1", "paper": [paper(), paper()]}, "paper: must be one file, not 2."),
    ],
)
def test_a_form_that_does_not_fit_is_refused_in_words(
    alices: Client, form: Mapping[str, Any], sentence: str
) -> None:
    kept = files_kept()

    assert detail(alices.post(RUNS, form), 422) == sentence
    assert files_kept() == kept
    assert not Run.objects.exists()


def test_one_name_is_a_text_or_a_file(alices: Client) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="paper"\r\n\r\ntext\r\n'
        b'--x\r\nContent-Disposition: form-data; name="paper"; filename="p.csv"\r\n\r\na\r\n'
        b"--x--\r\n"
    )

    response = alices.generic("POST", RUNS, body, "multipart/form-data; boundary=x")

    assert detail(response, 422) == "paper: was sent both as text and as a file."


def test_who_may_only_see_keeps_no_files_here(carol: User) -> None:
    group = Group.objects.create(name="viewers")
    carol.groups.add(group)
    grant("typed_inputs", group, "see")
    kept = files_kept()

    sentence = detail(start(caller(carol), count=1, paper=paper(b"never kept")), 403)

    assert sentence.startswith("You don't have permission to start Typed inputs")
    assert files_kept() == kept


# Files


def test_a_file_can_be_read_through_its_run_only(alices: Client, carol: User) -> None:
    run = start(alices, count=1, paper=paper(b"a;b\n1;2\n")).json()
    path = f"/api/runs/{run['id']}/artifacts/paper.csv"
    response = alices.get(path)

    assert response.content == b"a;b\n1;2\n"
    assert response.headers["Content-Type"] == "text/csv"
    assert response.headers["Content-Disposition"] == 'attachment; filename="paper.csv"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert [file["name"] for file in run["artifacts"]] == ["paper.csv"]
    assert caller(carol).get(path).status_code == 404
    digest = run["artifacts"][0]["digest"]
    for address in (f"/files/artifacts/{digest[:2]}/{digest}", f"/media/artifacts/{digest}"):
        assert alices.get(address).status_code == 404


def test_a_file_whose_content_is_gone_is_said_to_be(alices: Client) -> None:
    run = start(alices, count=1, paper=paper()).json()
    default_storage.delete(path_of(run["artifacts"][0]["digest"]))

    lost = alices.get(f"/api/runs/{run['id']}/artifacts/paper.csv")

    assert lost.status_code == 410
    assert "is gone" in lost.json()["detail"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\orders\\a.csv", "a.csv"),
        ('say "a".csv', 'say "a".csv'),
        ("日本 ü.csv", "日本 ü.csv"),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
    ],
)
def test_a_file_keeps_its_bare_name(alices: Client, sent: str, kept: str) -> None:
    upload = paper()
    upload.name = sent  # as a browser would send it; Django's own class cleans names itself
    run = start(alices, count=1, paper=upload).json()

    assert [file["name"] for file in run["artifacts"]] == [kept]
    response = alices.get(f"/api/runs/{run['id']}/artifacts/{kept}")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment; filename")


@pytest.mark.parametrize("name", [b"a\0b.csv", b"a\x7fb.csv", b"a%0d%0aX: y.csv"])
def test_a_strange_file_name_breaks_nothing(alices: Client, name: bytes) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="count"\r\n\r\n1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="paper"; filename="' + name + b'"\r\n'
        b"Content-Type: text/csv\r\n\r\na\r\n--x--\r\n"
    )

    response = alices.generic("POST", RUNS, body, "multipart/form-data; boundary=x")

    assert response.status_code == 201, response.content
    artifact = Artifact.objects.get()
    assert artifact.name.isprintable()
    assert alices.get(f"/api/runs/{artifact.run_id}").status_code == 200


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("a.csv", "application/octet-stream", "text/csv"),
        ("a.csv", "", "text/csv"),
        ("a.csv", "text/" + "x" * 500, "text/csv"),
        ("a.csv", "image/png", "image/png"),
        ("a", "application/octet-stream", "application/octet-stream"),
    ],
)
def test_a_vague_content_type_is_guessed_from_the_name(
    alices: Client, name: str, sent: str, kept: str
) -> None:
    run = start(alices, count=1, paper=paper(name=name, kind=sent)).json()

    assert run["artifacts"][0]["content_type"] == kept


def test_an_empty_file_is_a_file(alices: Client) -> None:
    run = start(alices, count=1, paper=paper(b"")).json()

    assert run["artifacts"][0]["size"] == 0
    assert alices.get(f"/api/runs/{run['id']}/artifacts/paper.csv").content == b""


@pytest.mark.parametrize(("extra", "status"), [(0, 201), (1, 413)])
def test_a_file_may_be_as_large_as_the_site_says(
    alices: Client, settings: Settings, extra: int, status: int
) -> None:
    configure(settings, MAX_UPLOAD_MB=1)

    response = start(alices, count=1, paper=paper(b"x" * (MEGABYTE + extra)))

    assert response.status_code == status


def test_too_large_a_file_is_refused_at_once_and_not_kept(
    running_web: Web, alices: Client, alice: User
) -> None:
    kept = files_kept()

    response = httpx.post(
        f"{running_web.url}{RUNS}",
        headers={"Authorization": f"Bearer {ApiToken.create_for(alice, scopes=Scope)}"},
        files={"paper": ("orders.csv", b"x" * 40 * MEGABYTE)},
        timeout=30,
    )

    assert response.status_code == 413
    assert response.json() == {"detail": "The request is 40.0 MB; the limit is 20 MB."}
    assert files_kept() == kept
    assert not Run.objects.exists()


def test_too_long_a_stream_is_refused_and_not_kept(
    running_web: Web, alices: Client, alice: User
) -> None:
    kept = files_kept()

    response = httpx.post(
        f"{running_web.url}{RUNS}",
        headers={"Authorization": f"Bearer {ApiToken.create_for(alice, scopes=Scope)}"},
        content=(b"x" * MEGABYTE for _ in range(40)),
        timeout=30,
    )

    assert response.status_code == 413
    assert response.json()["detail"].endswith(" MB; the limit is 20 MB.")
    assert files_kept() == kept


# The same start twice


def test_the_same_key_gives_the_same_run(alices: Client) -> None:
    first, again = start(alices, "k1", count=1), start(alices, "k1", count=1)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert start(alices, "k2", count=1).status_code == 201
    assert start(alices, count=1).status_code == 201
    assert Run.objects.count() == 3


def test_the_same_key_with_the_same_file_gives_the_same_run(alices: Client) -> None:
    first = start(alices, "k1", count=1, paper=paper())

    again = start(alices, "k1", count=1, paper=paper())
    other = start(alices, "k1", count=1, paper=paper(b"other"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert detail(other, 422) == ("The key 'k1' was already used with other inputs. Use a new key.")


def test_a_key_for_other_inputs_is_refused(alices: Client) -> None:
    start(alices, "k1", count=1)

    refused = start(alices, "k1", count=2)

    assert detail(refused, 422) == (
        "The key 'k1' was already used with other inputs. Use a new key."
    )
    assert Run.objects.count() == 1


def test_everybody_has_keys_of_their_own(alices: Client, bob: User, support: Group) -> None:
    bob.groups.add(support)

    first, second = start(alices, "k1", count=1), start(caller(bob), "k1", count=2)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_twenty_simultaneous_starts_with_one_key_are_one_run(
    running_web: Web, alices: Client, alice: User
) -> None:
    headers = {
        "Authorization": f"Bearer {ApiToken.create_for(alice, scopes=Scope)}",
        "Idempotency-Key": "k1",
    }

    def start_once(_turn: int) -> httpx.Response:
        url = f"{running_web.url}{RUNS}"
        return httpx.post(url, headers=headers, json={"count": 1}, timeout=60)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(start_once, range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_two_starts_that_both_find_no_run_of_their_key_are_one_run(
    alice: User, alices: Client, *, is_signed_in: bool
) -> None:
    by = alice if is_signed_in else None
    begun: list[tuple[Run, bool]] = []

    def begin() -> tuple[Run, bool]:
        return start_run("typed_inputs", {"count": 1}, by=by, idempotency_key="k1")

    def begin_elsewhere() -> tuple[Run, bool]:
        try:
            return begin()
        finally:
            connection.close()

    def begin_between(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if not begun and "idempotency_key" in sql:
            with ThreadPoolExecutor(1) as thread:
                begun.append(thread.submit(begin_elsewhere).result())
        return found

    with connection.execute_wrapper(begin_between):
        second = begin()

    [(run, is_new)] = begun
    assert (is_new, second) == (True, (run, False))
    assert Run.objects.get() == run
