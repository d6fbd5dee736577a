"""The shipped procedure `ask`: any program has people on call."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from chat.models import HumanRequest
from chat.services import Answer, respond
from dashboard.channels.letter import letter_about
from procedures.models import Grant, Run
from procedures.runner import advance_run
from tests.calls import detail, grant
from tests.outside import ASK, agent, allow, allow_runs, asked_by, owned_by, told
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
JSON = "application/json"


def result_of(client: Client, request: HumanRequest) -> dict[str, Any]:
    advance_run(request.wait.run_id)
    said = client.get(f"/api/runs/{request.wait.run_id}").json()
    assert said["status"] == "succeeded"
    found: dict[str, Any] = said["result"]
    return found


@pytest.mark.parametrize(
    ("inputs", "value", "outcome"),
    [
        ({}, True, "approved"),
        ({"kind": "input"}, "tonight", "answered"),
        ({"kind": "choice", "options": ["a", "b"]}, "b", "answered"),
        ({"kind": "choice", "options": {"a": "Apples", "b": "Bread"}}, "a", "answered"),
        (
            {"schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
            {"city": "Ulm"},
            "answered",
        ),
    ],
)
def test_a_program_asks_and_polls_for_the_answer(
    program: Client, bob: User, inputs: dict[str, Any], value: Any, outcome: str
) -> None:
    request = asked_by(program, body="All **green**.", to=["finance"], **inputs)
    assert program.get(f"/api/runs/{request.wait.run_id}").json()["status"] == "waiting"

    respond(request.pk, Answer(value=value, comment="Fine."), by=bob)

    found = result_of(program, request)
    assert {**found, "at": ""} == {
        "outcome": outcome,
        "value": value,
        "responder": "bob",
        "comment": "Fine.",
        "at": "",
        "timed_out": False,
    }


def test_the_same_key_asks_once(program: Client) -> None:
    said = [
        program.post(ASK, {"subject": "Deploy?"}, JSON, headers={"Idempotency-Key": "d-7"})
        for _ in range(2)
    ]

    assert [one.status_code for one in said] == [201, 200]
    assert said[0].json()["id"] == said[1].json()["id"]
    other = program.post(ASK, {"subject": "Stop?"}, JSON, headers={"Idempotency-Key": "d-7"})
    detail(other, 422)


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"kind": "form"}, "schema"),
        ({"kind": "choice"}, "options"),
        ({"options": ["a"]}, "options"),
        ({"default": True}, "default"),
        ({"expires": "1h", "default": "maybe"}, "subject"),
        ({"due": "soon"}, "due"),
        ({"due": "2h", "expires": "1h"}, "subject"),
        ({"kind": "upload"}, "kind"),
        ({"webhook": "nowhere"}, "webhook"),
        ({"webhook": "https://evil.example/"}, "webhook"),
    ],
)
def test_what_makes_no_question_is_refused_at_the_call(
    program: Client, inputs: dict[str, Any], field: str
) -> None:
    said = program.post(ASK, {"subject": "Deploy?", **inputs}, JSON)

    assert said.status_code == 422
    assert [fault["field"] for fault in said.json()["faults"]] == [field]
    assert not Run.objects.exists()


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        inner = {"type": "object", "properties": {"a": inner}}
    return inner


TEXT = {"type": "string"}
HOSTILE = {
    "nine levels": (nested(9), "nested"),
    "a thousand fields": ({"properties": {f"f{n}": TEXT for n in range(1000)}}, "100 fields"),
    "many options": (
        {"properties": {"a": {"enum": [str(number) for number in range(501)]}}},
        "500 options",
    ),
    "too large": ({"properties": {"a": {"type": "string", "title": "x" * 70_000}}}, "the limit"),
    "a foreign reference": (
        {"properties": {"a": {"$ref": "https://evil.example/schema"}}},
        "properties.a.$ref",
    ),
    "a file's reference": ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "properties.a"),
    "a circle": (
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"a": {"$ref": "#/$defs/a"}}},
        "refers to itself",
    ),
    "a bomb of references": (
        {
            "$defs": {
                f"d{n}": {
                    "type": "object",
                    "properties": {
                        "l": {"$ref": f"#/$defs/d{n + 1}"},
                        "r": {"$ref": f"#/$defs/d{n + 1}"},
                    },
                }
                for n in range(40)
            },
            "properties": {"a": {"$ref": "#/$defs/d0"}},
        },
        "8 levels",
    ),
    "a pattern with look-around": (
        {"properties": {"a": {"type": "string", "pattern": "(?=a)(a+)+$", "maxLength": 99}}},
        "properties.a.pattern",
    ),
    "a pattern without an end": (
        {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        "properties.a.pattern",
    ),
    "an unknown keyword": (
        {"properties": {"a": {"type": "string", "contentEncoding": "base64"}}},
        "properties.a.contentEncoding",
    ),
    "no field": ({"properties": {}}, "properties"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused_with_its_path(program: Client, name: str) -> None:
    schema, words = HOSTILE[name]
    schema = {"type": "object", **schema}

    said = program.post(ASK, {"subject": "Deploy?", "schema": schema}, JSON)

    assert said.status_code == 422, name
    [fault] = said.json()["faults"]
    assert fault["field"] == "schema"
    assert words in fault["message"], fault
    assert not Run.objects.exists()


def test_a_schema_of_endless_depth_is_refused(program: Client) -> None:
    body = '{"subject": "x", "schema": ' + '{"a":' * 50_000 + "1" + "}" * 50_001

    assert program.post(ASK, body, JSON).status_code in {400, 422}
    assert not Run.objects.exists()


# Whom one may ask


def test_whom_a_program_may_ask_is_a_grant(
    program: Client, bob: User, alice: User, finance: Group, support: Group
) -> None:
    permission = Permission.objects.get(codename="view_run")
    bob.user_permissions.add(permission)
    name = f"perm:{permission.content_type.app_label}.view_run"
    request = asked_by(program, to=["finance", "@bob", name])
    assert request.assignments.count() == 3

    alice.user_permissions.add(permission)
    for target in ("support", "@alice", "@carol", name, "nobody", "@nobody", "perm:no.such"):
        said = program.post(ASK, {"subject": "Deploy?", "to": ["finance", target]}, JSON)
        assert said.status_code == 422, target
        [fault] = said.json()["faults"]
        assert fault["field"] == "to.1"
        assert "It can ask these groups and their members: finance." in fault["message"]
    assert Run.objects.count() == 1


def test_who_is_not_named_is_whoever_answers_for_the_procedure(program: Client) -> None:
    assert [str(one) for one in asked_by(program).assignments.all()] == ["finance"]


def test_a_run_of_a_program_asks_nobody_whose_role_was_taken_away_since(
    carol: User, finance: Group, support: Group
) -> None:
    allow_runs(carol, finance, support)
    mine = agent(carol)
    run = owned_by(mine, to=["finance", "support"])
    Grant.objects.get(procedure__name="outside", group=support, role="answer").delete()

    told(mine, run, ask={"key": "a", "subject": "Deploy?"})

    request = HumanRequest.objects.get()
    assert {str(one) for one in request.assignments.all()} == {"finance"}
    assert "support" in request.note


def test_nobody_asks_without_a_grant(alice: User) -> None:
    detail(agent(alice).post(ASK, {"subject": "Deploy?"}, JSON), 404)


def test_a_restart_with_other_inputs_is_looked_at_too(program: Client, carol: User) -> None:
    request = asked_by(program)
    strong = agent(carol, "operate", "start", "read")
    grant("ask", Group.objects.get(name="agents"), "operate")

    said = strong.post(
        f"/api/runs/{request.wait.run_id}/restart",
        {"reason": "Again.", "inputs": {"to": ["support"]}},
        JSON,
    )

    assert said.status_code == 422
    assert "to.0" in json.dumps(said.json())


# What people see


def test_the_card_says_that_it_comes_from_outside_and_shows_links_in_full(
    program: Client, bob: User
) -> None:
    body = "See [the log](https://ci.example/log?x=1) ![spy](https://spy.example/a.png)"
    request = asked_by(program, body=body)

    page = shown(browser(bob).get(f"/requests/{request.pk}"))
    letter = letter_about(request, to=bob)

    for text in (page, letter.html):
        assert "spy.example" not in text
        assert "the log</a>" in text
        assert "(https://ci.example/log?x=1)" in text
    assert "deploy-bot" in page
    told = "which runs outside Countersign, asks this"
    assert f"<bdi>carol</bdi>'s program <bdi>deploy-bot</bdi>, {told} in <a" in page
    assert f"carol's program deploy-bot, {told}." in letter.text
    assert f"carol&#x27;s program deploy-bot, {told}." in letter.html


def test_a_link_that_shows_another_address_shows_its_own_too(program: Client, bob: User) -> None:
    request = asked_by(program, body="[https://bank.example](https://evil.example/?a=1&b=2)")
    run = request.wait.run_id

    for path in (f"requests/{request.pk}", f"requests/{request.pk}/evidence", f"runs/{run}"):
        page = shown(browser(bob).get(f"/{path}"))
        assert "https://bank.example</a> <code>(https://evil.example/?a=1&amp;b=2)" in page, path


def test_what_a_person_asks_by_hand_says_nothing_of_a_program(
    carol: User, bob: User, finance: Group
) -> None:
    allow(carol, finance)
    request = asked_by(browser(carol))

    page = shown(browser(bob).get(f"/requests/{request.pk}"))

    assert "outside Countersign" not in page
    assert "Asked by <bdi>carol</bdi>" in page
