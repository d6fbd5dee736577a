"""The tools of the MCP server, and the scopes that a token needs for them."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from dashboard.mcp.arguments import (
    AnswerRequest,
    Arguments,
    AskPerson,
    CancelRequest,
    GetRequest,
    GetRun,
    ListProcedures,
    ListRequests,
    StartProcedure,
)
from dashboard.mcp.calls import Api, RefusedError
from dashboard.models import Scope
from procedures.conf import conf

ASK = "ask"
"""The name of the procedure with which external programs ask people."""
STATES = {
    "succeeded": "completed",
    "failed": "failed",
    "quarantined": "failed",
    "cancelled": "cancelled",
}
"""MCP's task status for each status of a run; every status not listed here becomes `working`.

A run that waits for people isn't `input_required`. This status would make the agent answer.
"""
SHOWN = (
    "id",
    "prompt",
    "gist",
    "kind",
    "procedure",
    "assigned",
    "answer_by",
    "due_at",
    "risk",
    "status",
)
"""The fields of a request that list_requests returns."""
Result = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """A tool that agents can call."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Api, Any], Awaitable[Result]]
    scopes: frozenset[Scope]
    """The scopes that allow the tool; a token needs only one of them."""
    is_reading: bool = False
    """True if the tool changes nothing."""

    @property
    def schema(self) -> dict[str, Any]:
        return self.arguments.model_json_schema(by_alias=True)

    def may_be_used_with(self, scopes: Collection[Scope]) -> bool:
        return not self.scopes.isdisjoint(scopes)


async def ask_person(api: Api, asked: AskPerson) -> Result:
    inputs = asked.given("idempotency_key")
    return asked_by(await api.post("start_run", ASK, content=inputs, key=asked.idempotency_key))


async def get_request(api: Api, wanted: GetRequest) -> Result:
    try:
        return asked_by(await api.get("get_run", wanted.handle))
    except RefusedError as error:
        if error.reply.status != HTTPStatus.NOT_FOUND:
            raise
    found = await api.get("get_request", wanted.handle)
    return {**found, "link": link_to("request_detail", found["id"])}


async def cancel_request(api: Api, wanted: CancelRequest) -> Result:
    done = await api.post("cancel_run", wanted.handle, content={"reason": wanted.reason})
    return {**asked_by(done["run"]), "message": done["message"]}


async def list_requests(api: Api, wanted: ListRequests) -> Result:
    query = {"tab": wanted.tab, "limit": wanted.limit, "after": wanted.after}
    page = await api.get("list_inbox", query=query_of(query))
    requests = [
        {**{name: one[name] for name in SHOWN}, "link": link_to("request_detail", one["id"])}
        for one in page["items"]
    ]
    return {"requests": requests, "counts": page["counts"], "next": page["next"]}


async def answer_request(api: Api, answer: AnswerRequest) -> Result:
    """Answer a request.

    Agents can't confirm an irreversible answer or give a reason for a bypass; only people do that.
    """
    content = answer.given("request_id")
    response = await api.post("create_response", answer.request_id, content=content)
    return {"response": response, "link": link_to("request_detail", answer.request_id)}


async def start_procedure(api: Api, wanted: StartProcedure) -> Result:
    run = await api.post(
        "start_run", wanted.procedure, content=wanted.inputs, key=wanted.idempotency_key
    )
    return {"run_id": run["id"], "status": run["status"], "link": link_to("run_detail", run["id"])}


async def get_run(api: Api, wanted: GetRun) -> Result:
    run = await api.get("get_run", wanted.run_id)
    return {**run, "link": link_to("run_detail", run["id"])}


async def list_procedures(api: Api, wanted: ListProcedures) -> Result:
    if wanted.procedure:
        found: Result = await api.get("get_procedure", wanted.procedure)
        return found
    page = await api.get("list_procedures", query=query_of({"after": wanted.after}))
    shown = [{name: one[name] for name in ("name", "title", "doc")} for one in page["items"]]
    return {"procedures": shown, "next": page["next"]}


def asked_by(run: Result) -> Result:
    """Return a tool's result about a run that asks people: status, answer and open questions."""
    return {
        "handle": run["id"],
        "status": STATES.get(run["status"], "working"),
        "answer": run["result"],
        "questions": [
            {"id": one["id"], "subject": one["prompt"], "assigned": one["assigned"]}
            for one in run["requests"]
        ],
        "link": link_to("run_detail", run["id"]),
    }


def link_to(page: str, found: UUID | str) -> str:
    """Return the address of the page `page` about an object, such as a run, by the object's id."""
    return f"{conf.SITE_URL}{reverse(f'countersign:{page}', args=[found])}"


def query_of(values: dict[str, Any]) -> str:
    return urlencode({name: value for name, value in values.items() if value})


TOOLS = {
    one.name: one
    for one in (
        Tool(
            "ask_person",
            "Ask people",
            "Ask people a question and return at once, without waiting for the answer. Returns"
            ' {"handle", "status", "answer", "questions", "link"}. Keep the handle, and call'
            " get_request with it later: people may take minutes or days. The link is a page for"
            " people. You can't answer your own question, and neither can the person whose token"
            " you use.",
            AskPerson,
            ask_person,
            frozenset({Scope.ASK, Scope.START}),
        ),
        Tool(
            "get_request",
            "Read a request",
            "Read what has become of a question. For a handle from ask_person, returns"
            ' {"handle", "status", "answer", "questions", "link"}: `status` is working (people'
            " haven't answered yet; call again later), completed, failed or cancelled. When it is"
            ' completed, `answer` is {"outcome", "value", "responder", "comment", "at",'
            ' "timed_out"}, and'
            " `outcome` is approved, rejected, answered, defaulted or expired. Only approved means"
            " yes. For the id of a request from list_requests, returns all that a person needs to"
            " answer it, with the `schema` of the value.",
            GetRequest,
            get_request,
            frozenset({Scope.READ}),
            is_reading=True,
        ),
        Tool(
            "cancel_request",
            "Withdraw a request",
            "Withdraw a question that you have asked with ask_person, if it isn't answered yet."
            ' Returns {"handle", "status", "answer", "questions", "link", "message"}.',
            CancelRequest,
            cancel_request,
            frozenset({Scope.ASK, Scope.OPERATE}),
        ),
        Tool(
            "list_requests",
            "List requests",
            "List the requests that wait for the person whose token you use, most urgent first."
            ' Returns {"requests", "counts", "next"}. Call get_request with the id of one before'
            " you show it to the person or answer it.",
            ListRequests,
            list_requests,
            frozenset({Scope.READ}),
            is_reading=True,
        ),
        Tool(
            "answer_request",
            "Answer a request",
            "Answer a request for the person whose token you use. Show them the request first, and"
            " send only what they have decided. It counts as their answer; the history names your"
            ' token. Returns {"response", "link"}. If somebody else was first, the error says who'
            " and when. You can't answer requests that programs made with this person's tokens, nor"
            " those whose answer can't be undone; the person answers the latter on the page at"
            " `link`.",
            AnswerRequest,
            answer_request,
            frozenset({Scope.ANSWER}),
        ),
        Tool(
            "list_procedures",
            "List procedures",
            'List the procedures that the person may see. Returns {"procedures", "next"}. With the'
            " name of one, returns that procedure, whose `inputs` is the JSON Schema of what"
            " start_procedure takes.",
            ListProcedures,
            list_procedures,
            frozenset({Scope.READ}),
            is_reading=True,
        ),
        Tool(
            "start_procedure",
            "Start a procedure",
            'Start a run of a procedure and return at once. Returns {"run_id", "status", "link"}.'
            " Call get_run with the run_id later.",
            StartProcedure,
            start_procedure,
            frozenset({Scope.START}),
        ),
        Tool(
            "get_run",
            "Read a run",
            "Read a run: its `status` (queued, running, waiting, retrying, paused, succeeded,"
            " failed, cancelled or quarantined), `result`, `error`, `stage`, `progress` and the"
            " open `requests` for which it waits.",
            GetRun,
            get_run,
            frozenset({Scope.READ}),
            is_reading=True,
        ),
    )
}
"""All tools by name, in the order in which agents get the list of tools."""
