"""Calling the API as somebody, and running procedures, all in the test's own process."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import Assignment, HumanRequest, StandingDecision
from dashboard.models import ApiToken, Scope
from procedures.models import Grant, Procedure, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run

JSON = "application/json"
RUNS = "/api/procedures/typed_inputs/runs"


def caller(user: User) -> Client:
    """A program with a token of that user's. What breaks is answered with 500, as on a site."""
    headers = {"Authorization": f"Bearer {ApiToken.create_for(user, scopes=Scope)}"}
    return Client(headers=headers, raise_request_exception=False)


def grant(name: str, group: Group, *roles: str) -> None:
    procedure = Procedure.objects.get(name=name)
    for role in roles:
        Grant.objects.get_or_create(procedure=procedure, group=group, role=role)


def run_until_it_waits(name: str, *, by: User | None = None, **inputs: Any) -> Run:
    run, _is_new = start_run(name, inputs, by=by)
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def request_of(run: Run) -> HumanRequest:
    """The newest question of a run."""
    return HumanRequest.objects.filter(wait__run=run).latest("pk")


def assign_too(request: HumanRequest, **whom: Any) -> None:
    """Add an assignee by the row alone, without the product's own way of asking."""
    wait = request.wait
    given = {"run": wait.run, "procedure": wait.run.procedure, "due_at": wait.due_at, **whom}
    Assignment.objects.create(request=request, **given)
    HumanRequest.objects.filter(pk=request.pk).update(is_unasked=False)


def decide_ahead(request: HumanRequest, giver: User) -> StandingDecision:
    """Insert a standing decision by the row alone, without an answer."""
    now, version = clock.now(), request.wait.run.procedure.versions.latest("pk")
    return StandingDecision.objects.create(
        giver=giver,
        given_with=request,
        version=version,
        step="ask",
        likeness="0" * 64,
        limits="{}",
        value="true",
        uses=1,
        uses_left=1,
        begins_at=now,
        expires_at=now + timedelta(days=1),
    )


def respond(client: Client, request: HumanRequest, value: Any, comment: str = "") -> Any:
    body = {"value": value, "comment": comment}
    return client.post(f"/api/requests/{request.pk}/response", body, "application/json")


def detail(response: Any, status: int) -> str:
    """The sentence of a refusal, after a look at its shape."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"].startswith(JSON)
    assert isinstance(response.json()["detail"], str)
    assert response.json()["detail"].endswith((".", "!"))
    return str(response.json()["detail"])
