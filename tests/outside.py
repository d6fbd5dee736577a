"""An external program that asks people with somebody's token."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest, Notification
from chat.services import send_notification
from dashboard.models import ApiToken
from dashboard.models.token import NEW_TOKEN
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from tests.calls import grant, request_of
from tests.configured import configure

ASK, OUTSIDE = "/api/procedures/ask/runs", "/api/procedures/outside/runs"
SECRET, OLD_SECRET = "whsec_" + "c2VjcmV0" * 5, "whsec_" + "b2xkb2xk" * 5


def agent(user: User, *scopes: str, name: str = "deploy-bot") -> Client:
    """A program with a token of that user's, which reads and asks unless scopes are given."""
    token = ApiToken.create_for(user, name=name, scopes=scopes or NEW_TOKEN)
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


def allow(asker: User, *answering: Group) -> None:
    """Let the user's programs ask these groups."""
    agents, _ = Group.objects.get_or_create(name="agents")
    asker.groups.add(agents)
    grant("ask", agents, "start")
    for group in answering:
        grant("ask", group, "answer")


def allow_runs(asker: User, *answering: Group) -> None:
    """Let the user's programs own runs and ask these groups in them."""
    agents, _ = Group.objects.get_or_create(name="agents")
    asker.groups.add(agents)
    grant("outside", agents, "start")
    for group in answering:
        grant("outside", group, "answer")


def asked_by(client: Client, **inputs: Any) -> HumanRequest:
    """The request that a program has opened."""
    said = client.post(ASK, {"subject": "Deploy?", **inputs}, "application/json")
    assert said.status_code == 201, said.content
    run = Run.objects.get(pk=said.json()["id"])
    advance_run(run.pk)
    return request_of(run)


def owned_by(client: Client, **inputs: Any) -> Run:
    """A run that a program owns, waiting for its first command."""
    said = client.post(OUTSIDE, {"subject": "Deploy", **inputs}, "application/json")
    assert said.status_code == 201, said.content
    run = Run.objects.get(pk=said.json()["id"])
    advance_run(run.pk)
    return run


def told(client: Client, run: Run, number: str = "1", **command: Any) -> Any:
    """The response to a command, which the run has heard if it was accepted."""
    sent = {"id": number, "value": {"id": number, **command}}
    said = client.post(f"/api/runs/{run.pk}/signals/tell", sent, "application/json")
    advance_run(run.pk)
    return said


def asked_in_a_run(client: Client, **inputs: Any) -> HumanRequest:
    """The request that a program has opened in a run that it owns."""
    run = owned_by(client)
    question = {"key": "deploy", "subject": "Deploy?", **inputs}
    assert told(client, run, ask=question).status_code == 201
    return request_of(run)


def report_to_shop(settings: Settings, url: str) -> None:
    """Name the address as the webhook "shop", which the programs of agents may use."""
    shop = {"url": url, "secrets": [SECRET, OLD_SECRET], "groups": ["agents"]}
    configure(settings, WEBHOOKS={"shop": shop}, WEBHOOKS_TO_LOOPBACK=True)


def send_reports(length: timedelta = timedelta(0)) -> None:
    """Do a worker's work on the reports that are due after so much time."""
    clock.ahead += length
    for pk in Notification.objects.order_by("pk").values_list("pk", flat=True):
        send_notification(pk)
