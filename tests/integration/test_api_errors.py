"""Whatever is wrong with a call, the answer is a status and `{"detail": "a sentence"}`."""

import json
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from dashboard.models import ApiToken
from procedures.models import Procedure, Run
from tests.calls import JSON, RUNS, detail, grant, request_of, run_until_it_waits
from tests.processes import Web

NUL = "%00"
DEEP = "[" * 100_000 + "]" * 100_000


def post(client: Client, body: bytes | str, path: str = RUNS, content_type: str = JSON) -> Any:
    return client.generic("POST", path, body, content_type)


# Addresses and methods


@pytest.mark.parametrize("path", ["", "nowhere", "runs/", "procedures/refund/runs/1", "é%00"])
def test_an_unknown_address_is_said_so(alices: Client, path: str) -> None:
    assert detail(alices.get(f"/api/{path}"), 404) == "Not found, or you don't have access."


@pytest.mark.parametrize(
    "path",
    [
        f"procedures/refund{NUL}",
        f"procedures/{'x' * 3000}",
        "runs/7",
        "runs/not-an-id/events",
        f"requests/{NUL}",
        "requests/00000000-0000-0000-0000-000000000000",
    ],
)
def test_what_cannot_be_an_id_is_not_there(alices: Client, path: str) -> None:
    assert detail(alices.get(f"/api/{path}"), 404) == "Not found, or you don't have access."


def test_a_file_with_an_impossible_name_is_not_there(alices: Client, alice: User) -> None:
    run = run_until_it_waits("typed_inputs", by=alice, count=1)

    detail(alices.get(f"/api/runs/{run.pk}/artifacts/{NUL}"), 404)
    detail(alices.get(f"/api/runs/{run.pk}/artifacts/none.csv"), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "POST"])
def test_a_wrong_method_names_the_right_ones(alices: Client, method: str) -> None:
    response = alices.generic(method, "/api/runs")

    assert detail(response, 405) == f"Method {method} isn't allowed here. Allowed: GET."
    assert response.headers["Allow"] == "GET"
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_head_is_answered_as_get_is(alices: Client) -> None:
    assert alices.head("/api/runs").status_code == 200
    assert alices.head("/api/runs/7").status_code == 404
    assert alices.head("/api/runs").content == b""


def test_head_over_the_wire_has_no_content(running_web: Web, alice: User) -> None:
    token = ApiToken.create_for(alice)

    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        head, get = (client.request(way, f"{running_web.url}/api/runs") for way in ("HEAD", "GET"))

    assert (head.status_code, get.status_code) == (200, 200)
    assert (head.content, get.json()) == (b"", {"items": [], "next": None})
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


# Bodies


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe\xfa", 400),
        (b'"text"', 400),
        (b"[1]", 400),
        (b"null", 400),
        (b'{"count": NaN}', 400),
        (b'{"count": 1e400}', 400),
        (b'{"count": "\\ud800"}', 400),
        (b'{"\\ud800": 1}', 400),
        (b'{"count": 1' + b"0" * 5000 + b"}", 400),
        (b'{"count": ' + DEEP.encode() + b"}", 400),
        (b"count=1", 400),
        (b"", 422),
        (b"{}", 422),
        (b'{"count": 1.5}', 422),
        (b'{"count": "\\u0000"}', 422),
        (b'{"count": 1, "\\u0000": 1}', 422),
    ],
)
def test_a_body_that_is_no_start_is_refused(alices: Client, body: bytes, status: int) -> None:
    for content_type in (JSON, "text/plain", "application/x-www-form-urlencoded", ""):
        detail(post(alices, body, content_type=content_type), status)

    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{}", 422),
        (b"true", 422),
        (b"[true]", 422),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"value": NaN}', 400),
        (b'{"value": 1e400}', 400),
        (b'{"value": "\\ud800"}', 400),
        (b'{"value": true, "comment": "\\ud800"}', 400),
        (b'{"value": ' + DEEP.encode() + b"}", 400),
        (b'{"value": "yes"}', 422),
        (b'{"value": true, "comment": 7}', 422),
        (b'{"value": true, "comment": null}', 422),
        (b'{"value": true, "comment": "\\u0000"}', 422),
        (b'{"value": true, "remark": "x"}', 422),
        (json.dumps({"value": True, "comment": "x" * 10_001}).encode(), 422),
    ],
)
def test_a_body_that_is_no_response_is_refused(
    alices: Client, alice: User, body: bytes, status: int
) -> None:
    request = request_of(run_until_it_waits("typed_inputs", by=alice, count=1))

    detail(post(alices, body, f"/api/requests/{request.pk}/response"), status)

    request.refresh_from_db()
    assert request.is_open


def test_the_longest_comment_is_taken(alices: Client, alice: User) -> None:
    request = request_of(run_until_it_waits("typed_inputs", by=alice, count=1))
    body = json.dumps({"value": True, "comment": "ü" * 10_000})

    response = post(alices, body, f"/api/requests/{request.pk}/response")

    assert response.status_code == 201
    assert response.json()["comment"] == "ü" * 10_000


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=", b"--x--"),
        ("multipart/form-data; boundary=é", b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x; charset=nonsense", b"--x--\r\n"),
    ],
)
def test_an_unreadable_form_is_refused(alices: Client, content_type: str, body: bytes) -> None:
    response = post(alices, body, content_type=content_type)

    assert response.status_code in {400, 422}
    detail(response, response.status_code)
    assert not Run.objects.exists()


def test_a_body_beyond_djangos_limit_is_too_large(alices: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    words = "The request is too large. Apart from files, the limit is 100 bytes."
    assert detail(post(alices, b" " * 101), 413) == words


# Words for what does not fit


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "count: is missing."),
        ({"count": "x"}, "count: must be a whole number like 42."),
        ({"count": 1.5}, "count: must be a whole number like 42."),
        ({"count": 1, "price": "much"}, "price: must be a number like 31.20."),
        ({"count": 1, "price": "NaN"}, "price: must be a number like 31.20."),
        ({"count": 1, "price": []}, "price: must be a number like 31.20."),
        ({"count": 1, "day": "tomorrow"}, "day: must be a date like 2026-12-31."),
        ({"count": 1, "urgent": "soon"}, "urgent: must be yes or no (true or false)."),
        ({"count": 1, "speed": "high"}, "speed: must be one of: 'slow' or 'fast'."),
        ({"count": 1, "tags": "a"}, "tags: must be a list."),
        ({"count": 1, "tags": [7]}, "tags.0: must be text."),
        ({"count": 1, "address": 7}, "address: must be an object with named fields."),
        ({"count": 1, "address": {}}, "address.city: is missing."),
        ({"count": 1, "paper": "x"}, "paper: send a file (multipart/form-data)."),
        ({"count": 1, "paper": {"name": "x", "digest": "y", "size": 1}}, "paper: send a file"),
        ({"count": 1, "colour": "red"}, "colour: isn't an input of this procedure."),
    ],
)
def test_each_fault_is_said_in_words(alices: Client, inputs: Any, sentence: str) -> None:
    response = alices.post(RUNS, inputs, JSON)

    assert detail(response, 422).startswith(sentence)
    field, _, message = sentence.partition(": ")
    first = response.json()["faults"][0]
    assert first["field"] == field
    assert first["message"].startswith(message)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("status=sleeping", "status: must be one of: 'queued', 'running', 'waiting'"),
        ("status=", "status: must be one of"),
        ("after=1", "after: must be an id like"),
        ("limit=many", "limit: must be a whole number like 42."),
        (f"limit={'9' * 5000}", "limit: has too many digits."),
        (f"procedure={NUL}", "procedure: contains characters that can't be stored."),
        ("state=waiting", "state: isn't a parameter of this endpoint. Did you mean 'status'? Its"),
        ("status=failed&status=waiting", "status: was sent 2 times. Send it once."),
    ],
)
def test_each_wrong_parameter_is_said_in_words(alices: Client, query: str, sentence: str) -> None:
    assert detail(alices.get(f"/api/runs?{query}"), 422).startswith(sentence)


@pytest.mark.parametrize("number", ["-1", "0", str(2**63 - 1), str(2**63), str(-(2**70)), "9" * 99])
@pytest.mark.parametrize("field", ["limit", "after"])
def test_any_number_is_fit_for_paging(alices: Client, alice: User, field: str, number: str) -> None:
    run = run_until_it_waits("typed_inputs", by=alice, count=1)

    response = alices.get(f"/api/runs/{run.pk}/events?{field}={number}")

    assert response.status_code == 200
    assert isinstance(response.json()["items"], list)


@pytest.mark.parametrize("query", [f"after={NUL}", "after=%ff", "limit=-5", "other=%00"])
def test_strange_characters_break_no_list(alices: Client, query: str) -> None:
    assert alices.get(f"/api/procedures?{query}").status_code in {200, 422}


@pytest.mark.parametrize(("key", "status"), [("\0", 422), ("x" * 201, 422), ("ü✓ \t'\"", 201)])
def test_strange_keys(alices: Client, key: str, status: int) -> None:
    response = alices.post(RUNS, {"count": 1}, JSON, headers={"Idempotency-Key": key})

    assert response.status_code == status
    if status == 422:
        detail(response, 422)


# What the site does not have


def test_a_host_that_is_not_ours_is_refused_in_our_shape(alices: Client) -> None:
    sentence = detail(alices.get("/api/runs", headers={"Host": "elsewhere"}), 400)

    assert sentence == "The request isn't valid. The site's log says why."


def test_a_procedure_whose_code_is_gone_cannot_be_started(alices: Client, support: Group) -> None:
    Procedure.objects.create(name="gone", title="Gone")
    grant("gone", support, "start")

    assert alices.get("/api/procedures/gone").json()["inputs"] is None
    assert detail(alices.post("/api/procedures/gone/runs"), 404) == (
        "There is no procedure called 'gone'."
    )
