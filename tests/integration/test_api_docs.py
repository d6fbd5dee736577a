"""The API describes itself, completely and for everybody."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from dashboard.api.site import api
from dashboard.environment.variables import CHECKOUT

Json = dict[str, Any]
SESSION = "/api/sessions/{session_id}"


@pytest.fixture
def schema(client: Client, db: None) -> Json:
    response = client.get("/api/openapi.json")
    assert response.status_code == 200
    return dict(response.json())


def operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        for value in part.values():
            yield from references(value)
    if isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_description_is_worked_out_once(schema: Json) -> None:
    assert api.get_openapi_schema() is api.get_openapi_schema(path_prefix="/api/")
    assert [*api.get_openapi_schema()["paths"]] == [*schema["paths"]]
    elsewhere = api.get_openapi_schema(path_prefix="/elsewhere/")["paths"]
    assert {path.partition("/")[2].partition("/")[0] for path in elsewhere} == {"elsewhere"}


def test_every_route_is_described(schema: Json) -> None:
    assert {(path, method) for path, method, _ in operations(schema)} == {
        ("/api/token", "get"),
        ("/api/announcements", "get"),
        ("/api/procedures", "get"),
        ("/api/procedures/{name}", "get"),
        ("/api/procedures/{name}/runs", "post"),
        ("/api/runs", "get"),
        ("/api/runs/{run_id}", "get"),
        ("/api/runs/{run_id}/events", "get"),
        ("/api/runs/{run_id}/events/{seq}", "get"),
        ("/api/runs/{run_id}/inputs", "get"),
        ("/api/runs/{run_id}/result", "get"),
        ("/api/runs/{run_id}/state", "get"),
        ("/api/runs/{run_id}/artifacts/{name}", "get"),
        ("/api/runs/{run_id}/signals/{name}", "post"),
        ("/api/signals/{number}", "get"),
        ("/api/runs/{run_id}/cancellation", "post"),
        ("/api/runs/{run_id}/force_end", "post"),
        ("/api/runs/{run_id}/pause", "post"),
        ("/api/runs/{run_id}/unpause", "post"),
        ("/api/runs/{run_id}/retry", "post"),
        ("/api/runs/{run_id}/restart", "post"),
        ("/api/runs/{run_id}/fork", "post"),
        ("/api/health", "get"),
        ("/api/requests", "get"),
        ("/api/requests/{request_id}", "get"),
        ("/api/requests/{request_id}/response", "post"),
        ("/api/requests/{request_id}/ask-back", "post"),
        ("/api/requests/{request_id}/files", "post"),
        ("/api/requests/{request_id}/files/{digest}", "get"),
        ("/api/requests/{request_id}/response", "delete"),
        ("/api/requests/{request_id}/reassignment", "post"),
        ("/api/requests/{request_id}/claim", "post"),
        ("/api/requests/{request_id}/claim", "delete"),
        ("/api/requests/{request_id}/seen", "post"),
        ("/api/requests/{request_id}/history", "get"),
        ("/api/search", "get"),
        ("/api/inbox", "get"),
        ("/api/inbox/responses", "post"),
        ("/api/requests/{request_id}/snooze", "put"),
        ("/api/requests/{request_id}/snooze", "delete"),
        ("/api/requests/{request_id}/draft", "get"),
        ("/api/requests/{request_id}/draft", "put"),
        ("/api/requests/{request_id}/draft", "delete"),
        ("/api/delegations", "get"),
        ("/api/delegations", "post"),
        ("/api/delegations/{delegation_id}", "delete"),
        ("/api/standing-decisions", "get"),
        ("/api/standing-decisions/{decision_id}", "delete"),
        ("/api/channels/{name}/answers", "post"),
        ("/api/sessions", "get"),
        ("/api/sessions", "post"),
        (SESSION, "get"),
        (SESSION, "patch"),
        ("/api/sessions/{session_id}/members", "get"),
        ("/api/sessions/{session_id}/members", "post"),
        ("/api/sessions/{session_id}/members/{member_id}", "delete"),
        ("/api/sessions/{session_id}/messages", "get"),
        ("/api/sessions/{session_id}/messages", "post"),
        ("/api/sessions/{session_id}/messages/{message_id}/files/{digest}", "get"),
        ("/api/sessions/{session_id}/files", "post"),
        ("/api/sessions/{session_id}/procedures/{name}/runs", "post"),
    }
    names = [operation["operationId"] for _path, _method, operation in operations(schema)]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for _path, _method, operation in operations(schema))


def test_every_operators_verb_is_told_to_operators(schema: Json) -> None:
    told = (CHECKOUT / "docs" / "operating.md").read_text()
    operating = [
        path for path, _, operation in operations(schema) if "Operators" in operation["tags"]
    ]

    assert operating
    names = [path.rpartition("/")[2] for path in operating]
    assert [name for name in names if f"| `{name}` |" not in told and f"/{name}`" not in told] == []


def test_every_schema_is_one_and_every_reference_leads_somewhere(schema: Json) -> None:
    schemas = schema["components"]["schemas"]

    for one in schemas.values():
        Draft202012Validator.check_schema(one)
    assert {ref.removeprefix("#/components/schemas/") for ref in references(schema)} <= set(schemas)


def test_every_parameter_of_a_path_is_declared(schema: Json) -> None:
    for path, _method, operation in operations(schema):
        declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_every_route_tells_its_refusals_in_our_shape(schema: Json) -> None:
    for path, method, operation in operations(schema):
        answers = operation["responses"]
        wanted = {"401", "500"} | ({"404"} if "{" in path else set())
        assert wanted <= set(answers), path
        for status, answer in answers.items():
            ends = ("/response", "/ask-back", "/answers", "/requests/{request_id}/files")
            is_of_answer = method == "post" and path.endswith(ends)
            name = "ClosedOut" if status == "409" and is_of_answer else "ErrorOut"
            if (path, method, status) == ("/api/requests/{request_id}/draft", "put", "409"):
                name = "DraftConflictOut"
            if (path, method, status) == (f"{SESSION}/messages", "post", "422"):
                name = "UnconfirmedOut"
            if int(status) >= 400:
                content = answer["content"]["application/json"]["schema"]
                assert content["$ref"].endswith(f"/{name}"), (path, status)
    fields = schema["components"]["schemas"]["ClosedOut"]["properties"]
    assert {"detail", "answered_by", "answered_at"} <= set(fields)


def test_both_ways_to_sign_in_are_described(schema: Json) -> None:
    ways = schema["components"]["securitySchemes"].values()

    assert {(way["type"], way.get("scheme", way.get("in"))) for way in ways} == {
        ("http", "bearer"),
        ("apiKey", "cookie"),
    }
    for path, _method, operation in operations(schema):
        assert len(operation["security"]) == (1 if path == "/api/token" else 2), path


def test_a_start_takes_json_or_a_form_with_files(schema: Json) -> None:
    start = schema["paths"]["/api/procedures/{name}/runs"]["post"]
    content = start["requestBody"]["content"]

    assert set(content) == {"application/json", "multipart/form-data"}
    assert "binary" in str(content["multipart/form-data"])
    assert [one["name"].lower() for one in start["parameters"] if one["in"] == "header"] == [
        "idempotency-key"
    ]


def test_a_request_has_its_schema_under_that_name(schema: Json) -> None:
    fields = schema["components"]["schemas"]["RequestDetailOut"]["properties"]

    assert "schema" in fields
    assert "value_schema" not in fields


@pytest.mark.usefixtures("static_files")
def test_the_docs_page_loads_from_here_only(client: Client, db: None) -> None:
    page = client.get("/api/docs")
    text = page.content.decode()

    assert page.status_code == 200
    assert "<title>Countersign</title>" in text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    for found in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert client.get(found).status_code == 200, found
    scripts = re.findall(r"<script([^>]*)>", text)
    assert all("src=" in one or 'type="application/json"' in one for one in scripts)


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
@pytest.mark.parametrize("query", ["?format=yaml", "?v=2&v=3", "?"])
def test_a_parameter_that_changes_nothing_is_refused_here_too(
    client: Client, db: None, path: str, query: str
) -> None:
    response = client.get(path + query)

    if query == "?":
        assert response.status_code == 200
        return
    assert response.status_code == 422
    name = query[1:].partition("=")[0]
    told = f"{name}: isn't a parameter of this endpoint. It has no parameters."
    assert response.json()["detail"] == told
    assert response.json()["faults"][0]["field"] == name
