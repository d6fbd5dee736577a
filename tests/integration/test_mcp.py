"""The MCP server: agents elsewhere ask people through two web processes behind one address."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest, RequestEvent
from dashboard.mcp.tools import TOOLS
from dashboard.models import ApiToken, Scope
from dashboard.models.token import NEW_TOKEN
from procedures.models import Run
from procedures.runner import advance_run
from tests.balancers import Address, relay
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import closing_process
from tests.mcp_calls import call, tools
from tests.outside import agent, allow
from tests.processes import Process, Redis, Web, wait_until

OWN = "A program asked this with your token, so somebody else must answer it."
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
VERSION = "2026-07-28"
MODERN = {
    "MCP-Protocol-Version": VERSION,
    "Mcp-Method": "tools/call",
    "Mcp-Name": "ask_person",
    "Content-Type": "application/json",
}
CALL = {
    **PING,
    "method": "tools/call",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
        "name": "ask_person",
        "arguments": {"subject": "Go?", "idempotency_key": "d-7", "schema": "DEEP"},
    },
}
ACCEPTED = {"Accept": "application/json, text/event-stream"}
PROGRAM = """
import asyncio, json, sys
from tests.mcp_calls import document
print(json.dumps(asyncio.run(document()["decide"](*sys.argv[1:]))), flush=True)
"""


@pytest.fixture(scope="module")
def webs(django_db_setup: None, shared_redis: Redis) -> Iterator[list[Web]]:
    few = {
        "MCP": "true",
        "ATTEMPTS_PER_ADDRESS": "5 per 15 minutes",
        "MOST_STARTS_A_MINUTE": "5",
        "PROCEDURE_MODULES": "tests.procedures.inputs",  # loading all takes seconds
    }
    with closing_process(Web(**few)) as first, closing_process(Web(**few)) as second:
        first.start()
        yield [first, second.start()]


@pytest.fixture
def site(webs: list[Web], transactional_db: None) -> Iterator[Address]:
    with relay(webs) as address:
        yield address


@pytest.fixture
def allowed(carol: User, bob: User, finance: Group) -> None:
    """Carol's programs ask finance, to which she and bob belong."""
    carol.groups.add(finance)
    allow(carol, finance)


def token_of(user: User, *scopes: str) -> str:
    return ApiToken.create_for(user, name="deploy-bot", scopes=scopes or NEW_TOKEN)


def refusal(site: Address, token: str, tool: str, **arguments: Any) -> str:
    with pytest.raises(LookupError) as refused:
        call(site, token, tool, **arguments)
    return str(refused.value)


def asked(site: Address, token: str, key: str = "d-7", **more: Any) -> HumanRequest:
    """The request that an agent has opened."""
    said = call(site, token, "ask_person", subject="Deploy?", idempotency_key=key, **more)
    advance_run(UUID(said["handle"]))
    return request_of(Run.objects.get(pk=said["handle"]))


# Questions and answers


@pytest.mark.usefixtures("allowed")
def test_an_agent_asks_and_a_persons_agent_answers(
    site: Address, webs: list[Web], carol: User, bob: User
) -> None:
    own, bobs = token_of(carol), token_of(bob, "read", "answer")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    question = {"subject": "Where?", "kind": "form", "schema": schema, "to": ["finance"]}

    first = call(site, own, "ask_person", idempotency_key="w", body="**Soon**", **question)
    again = call(site, own, "ask_person", idempotency_key="w", body="**Soon**", **question)
    advance_run(UUID(first["handle"]))
    waiting = call(site, own, "get_request", handle=first["handle"])

    assert first["handle"] == again["handle"]
    assert (first["status"], waiting["status"], waiting["answer"]) == ("working", "working", None)
    assert first["link"].endswith(f"/runs/{first['handle']}")
    [listed] = call(site, bobs, "list_requests", tab="groups")["requests"]
    shown = call(site, bobs, "get_request", handle=listed["id"])
    assert (shown["prompt"], shown["body"]) == ("Where?", "**Soon**")
    assert shown["schema"]["required"] == ["city"]
    assert "city" in refusal(site, bobs, "answer_request", request_id=shown["id"], value={})
    given = {"request_id": shown["id"], "value": {"city": "Ulm"}, "comment": "Near."}
    call(site, bobs, "answer_request", **given)
    advance_run(UUID(first["handle"]))
    done = call(site, own, "get_request", handle=first["handle"])
    assert done["status"] == "completed"
    assert (done["answer"]["value"], done["answer"]["responder"]) == ({"city": "Ulm"}, "bob")
    told = RequestEvent.objects.get(kind=RequestEvent.Kind.ANSWERED).content
    assert told["program"] == "deploy-bot"
    assert all("POST /mcp 200" in web.output for web in webs)


@pytest.mark.usefixtures("allowed")
def test_an_agent_that_is_killed_and_asks_again_gets_the_one_answer(
    site: Address, carol: User, bob: User
) -> None:
    arguments = (f"{site.url}/mcp", token_of(carol), "Deploy?", "d-7")
    agents = [Process("agent", sys.executable, "-c", PROGRAM, *arguments) for _ in range(2)]
    with closing_process(agents[0].start()):
        run = wait_until(Run.objects.first, what="the question")
        assert run
        advance_run(run.pk)
        agents[0].kill()
    with closing_process(agents[1].start()):
        bobs = token_of(bob, "read", "answer")
        call(site, bobs, "answer_request", request_id=str(request_of(run).pk), value=True)
        advance_run(run.pk)
        wait_until(lambda: '"approved"' in agents[1].output, what="the answer")

    assert '"responder": "bob"' in agents[1].output
    assert (Run.objects.count(), HumanRequest.objects.count()) == (1, 1)


@pytest.mark.usefixtures("allowed")
def test_an_agent_withdraws_only_what_its_account_has_asked(
    site: Address, carol: User, bob: User
) -> None:
    request = asked(site, token_of(carol))
    handle = {"handle": str(request.wait.run_id), "reason": "It has been deployed."}

    assert "needs the scope operate" in refusal(site, token_of(bob), "cancel_request", **handle)
    done = call(site, token_of(carol), "cancel_request", **handle)

    assert done["status"] == "cancelled"
    request.refresh_from_db()
    assert request.status == HumanRequest.Status.WITHDRAWN


@pytest.mark.usefixtures("allowed")
def test_what_makes_no_question_is_refused_with_what_helps(site: Address, carol: User) -> None:
    own, key = token_of(carol), "d-7"

    for arguments, words in (
        ({}, "subject: is missing."),
        ({"subject": "Go?", "colour": "red"}, "colour: isn't a known field."),
        ({"subject": "Go?", "kind": "choice"}, "options: are missing"),
        (
            {"subject": "Go?", "to": ["support"]},
            "It can ask these groups and their members:",
        ),
        ({"subject": "Go?", "schema": {"type": "string"}}, "schema: "),
    ):
        assert words in refusal(site, own, "ask_person", idempotency_key=key, **arguments)
    assert "idempotency_key: is missing." in refusal(site, own, "ask_person", subject="Go?")
    assert "Not found" in refusal(site, own, "get_request", handle=str(uuid4()))
    assert not Run.objects.exists()
    for number in range(5):
        call(site, own, "ask_person", subject="Go?", idempotency_key=f"d-{number}")
    words = refusal(site, own, "ask_person", subject="Go?", idempotency_key="d-5")
    assert re.search(r"Call again after \d+ seconds\.", words)


# Scopes


@pytest.mark.usefixtures("allowed")
def test_an_agent_sees_and_uses_the_tools_of_its_scopes(site: Address, carol: User) -> None:
    offered = {scope: set(tools(site, token_of(carol, scope))) for scope in Scope}

    assert offered == {
        "read": {"get_request", "list_requests", "list_procedures", "get_run"},
        "ask": {"ask_person", "cancel_request"},
        "start": {"ask_person", "start_procedure"},
        "answer": {"answer_request"},
        "operate": {"cancel_request"},
    }
    every = tools(site, token_of(carol, *Scope), mode="legacy")
    assert [*every] == [*TOOLS]
    assert every["ask_person"].input_schema["properties"]["schema"]
    words = refusal(site, token_of(carol, "read"), "start_procedure")
    assert "start_procedure needs the scope start. Your token has: read." in words


@pytest.mark.usefixtures("allowed")
def test_a_token_of_any_scope_approves_neither_its_own_question_nor_its_own_guarded_tool(
    site: Address, webs: list[Web], carol: User, finance: Group
) -> None:
    """The token tries MCP, the API, words in the chat, and the page that a mail links to."""
    for role in ("start", "answer"):
        grant("answers_by_agent", finance, role)
    agent(carol, "start").post("/api/procedures/answers_by_agent/runs")
    run = Run.objects.get()
    advance_run(run.pk)
    request = request_of(run)  # for its tool that pays
    own = asked(site, token_of(carol))
    question = {"request_id": str(own.pk), "value": True}
    given = {"request_id": str(request.pk), "value": {"decision": "approved"}}

    for scopes in (*([one] for one in Scope), [*Scope]):
        token = token_of(carol, *scopes)
        words = refusal(site, token, "answer_request", **given)
        assert words == OWN if "answer" in scopes else "needs the scope answer" in words
        if "answer" in scopes:
            assert refusal(site, token, "answer_request", **question) == OWN
        client = Client(headers={"Authorization": f"Bearer {token}"})
        path = f"/requests/{request.pk}/response"
        by_api = client.post(f"/api{path}", {"value": given["value"]}, "application/json")
        by_mail = client.post(path, {"decision": "approved"})
        reply = {"text": "approved", "reply_to": str(request.pk)}
        said = f"/api/sessions/{request.session_id}/messages"
        by_chat = client.post(said, reply, "application/json")
        assert (by_api.status_code, by_mail.status_code) == (403, 302)
        assert by_chat.status_code == 403 or not by_chat.json()["reply"]["is_answer"]

    assert HumanRequest.objects.open().count() == 2
    refused = RequestEvent.objects.filter(kind=RequestEvent.Kind.REFUSED)
    assert {one.request_id for one in refused} == {request.pk, own.pk}
    reasons = {(one.content["program"], one.content["reason"]) for one in refused}
    assert reasons == {("deploy-bot", OWN)}
    logged = "".join(web.output for web in webs)
    assert logged.count("Refused answer_request by the token deploy-bot of carol") == 8


def test_no_agent_answers_what_cannot_be_undone_or_in_place_of_others(
    site: Address, alice: User, bob: User, admin_user: User, finance: Group
) -> None:
    grant("final_answers", finance, "answer")
    request = request_of(run_until_it_waits("final_answers", by=alice, kind="approval"))
    given: dict[str, Any] = {"request_id": str(request.pk), "value": True}

    refusal(site, token_of(bob, "answer"), "answer_request", **given)
    words = refusal(site, token_of(bob, "answer"), "answer_request", confirm=True, **given)
    assert "confirm: isn't a known field." in words
    refusal(site, token_of(admin_user, "answer"), "answer_request", **given)

    request.refresh_from_db()
    assert request.is_open


# People's own agents


def test_a_persons_agent_starts_a_procedure_and_reads_its_run(
    site: Address, alice: User, bob: User, support: Group, finance: Group
) -> None:
    grant("typed_inputs", support, "start")
    grant("typed_inputs", finance, "answer")
    token = token_of(alice, "read", "start")
    start = {"procedure": "typed_inputs", "idempotency_key": "s-1"}

    described = call(site, token, "list_procedures", procedure="typed_inputs")
    assert "count" in described["inputs"]["required"]
    assert "typed_inputs" in str(call(site, token, "list_procedures"))
    assert "count: is missing." in refusal(site, token, "start_procedure", **start)
    started = [call(site, token, "start_procedure", inputs={"count": 3}, **start) for _ in "ab"]
    advance_run(UUID(started[0]["run_id"]))
    run = call(site, token, "get_run", run_id=started[0]["run_id"])

    assert started[0]["run_id"] == started[1]["run_id"]
    assert (run["status"], [one["prompt"] for one in run["requests"]]) == ("waiting", ["Go on?"])
    request, bobs = run["requests"][0]["id"], token_of(bob, "answer")
    call(site, bobs, "answer_request", request_id=request, value=True)
    late = refusal(site, bobs, "answer_request", request_id=request, value=False)
    assert "bob" in late


# Before any tool


def sent(web: Web, token: str = "", **more: Any) -> httpx.Response:
    headers = ACCEPTED | ({"Authorization": f"Bearer {token}"} if token else {})
    options = {"method": "POST", "json": PING} | more
    options["headers"] = headers | more.get("headers", {})
    return httpx.request(url=f"{web.url}/mcp", timeout=60, **options)


@pytest.mark.usefixtures("transactional_db", "allowed")
def test_strangers_foreign_pages_and_large_messages_are_refused(
    webs: list[Web], carol: User
) -> None:
    web, token = webs[0], token_of(carol)
    browser = Client()
    browser.force_login(carol)

    assert sent(web, token).json()["result"] == {}
    assert sent(web, token, headers={"Origin": web.url}).status_code == 200
    foreign = sent(web, token, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "isn't in ALLOWED_HOSTS" in foreign.json()["detail"]
    assert "A message to the MCP server was refused" in web.output
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    assert sent(web, headers={"Cookie": cookie}).status_code == 401
    assert [sent(web, token, method=one).status_code for one in ("GET", "DELETE")] == [405, 405]
    assert sent(web, token, json={**PING, "params": {"x": "x" * 1_100_000}}).status_code == 413
    unknown = {**PING, "method": "tools/call", "params": {"name": "approve", "arguments": {}}}
    words = sent(web, token, json=unknown).json()["error"]["message"]
    assert words.startswith("There is no tool 'approve'. The tools are: ask_person, get_request,")
    deep = json.dumps(CALL).replace('"DEEP"', '{"a":' * 900 + "1" + "}" * 900)
    assert "nested" in sent(web, token, json=None, content=deep, headers=MODERN).text
    ApiToken.objects.update(revoked_at="2026-01-01T00:00Z")
    refused = [sent(web, one) for one in (token, *"abcde")]
    assert [one.status_code for one in refused] == [401] * 5 + [429]
    assert refused[0].headers["WWW-Authenticate"] == "Bearer"
    assert int(refused[-1].headers["Retry-After"]) > 0
