"""Reports to external programs: signed, told once, and without a secret in logs or pages."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest, Notification
from chat.services import Answer, respond
from procedures.conf import conf
from procedures.models import Grant, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import cancel_run, sweep
from tests.calls import JSON, caller, grant, request_of, run_until_it_waits
from tests.configured import configure
from tests.listeners import BREAK
from tests.outside import ASK, OLD_SECRET, SECRET, agent, asked_by, send_reports
from tests.pages import browser, shown
from tests.receivers import Receiver
from tests.towers import MINUTE

pytestmark = pytest.mark.django_db


def outcomes(receiver: Receiver) -> list[str]:
    return [event["type"].removeprefix("countersign.") for event in receiver.events.values()]


def test_an_answer_and_the_end_of_the_run_are_reported(
    receiver: Receiver, program: Client, bob: User
) -> None:
    request = asked_by(program, webhook="shop", to=["finance"])
    send_reports()
    assert receiver.sent == []

    respond(request.pk, Answer(value=False, comment="Not today."), by=bob)
    advance_run(request.wait.run_id)
    send_reports()

    answered, ended = receiver.events.values()
    assert answered["specversion"] == "1.0"
    assert answered["type"] == "countersign.request.answered"
    assert answered["source"].endswith(f"/runs/{request.wait.run_id}")
    assert answered["subject"] == str(request.pk)
    assert answered["data"] == {
        "run": str(request.wait.run_id),
        "procedure": "ask",
        "request": str(request.pk),
        "url": f"{conf.SITE_URL}/requests/{request.pk}",
        "kind": "approval",
        "prompt": "Deploy?",
        "status": "answered",
        "outcome": "rejected",
        "responder": "bob",
        "comment": "Not today.",
        "timed_out": False,
        "value": False,
    }
    assert ended["type"] == "countersign.run.succeeded"
    assert ended["data"]["result"]["outcome"] == "rejected"
    headers, _body = receiver.sent[0]
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert answered["id"] == headers["webhook-id"]
    assert "." not in headers["webhook-id"]


def test_each_message_is_signed_with_both_secrets(
    receiver: Receiver, program: Client, bob: User
) -> None:
    request = asked_by(program, webhook="shop")
    respond(request.pk, Answer(value=True), by=bob)

    send_reports()

    assert receiver.is_signed(0, SECRET)
    assert receiver.is_signed(0, OLD_SECRET)
    assert not receiver.is_signed(0, "whsec_" + "bm9uZQ==" * 5)
    headers, _body = receiver.sent[0]
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 60


def test_a_receiver_that_fails_twice_is_told_once(
    receiver: Receiver, program: Client, bob: User
) -> None:
    """It refuses once, and once it keeps the message and breaks before it says so."""
    request = asked_by(program, webhook="shop")
    receiver.faults = [503, BREAK]
    respond(request.pk, Answer(value=True), by=bob)

    for minutes in (0, 5, 10, 20):
        send_reports(MINUTE * minutes)

    assert len(receiver.sent) == 3
    assert list(outcomes(receiver)) == ["request.answered"]
    assert len({body for _headers, body in receiver.sent}) == 1
    row = Notification.objects.get(channel="webhook")
    assert (row.status, row.tries, row.note) == ("sent", 3, "")


def test_what_expires_and_what_is_withdrawn_is_reported(
    receiver: Receiver, program: Client, carol: User, admin_user: User
) -> None:
    silent = asked_by(program, webhook="shop", expires="1h", default=False)
    stopped = asked_by(program, webhook="shop")
    cancel_run(stopped.wait.run_id, by=admin_user, reason="Not needed.")
    clock.ahead += timedelta(hours=2)
    sweep()
    advance_run(silent.wait.run_id)

    send_reports()

    events = {(event["subject"], event["type"]) for event in receiver.events.values()}
    assert events == {
        (str(silent.pk), "countersign.request.expired"),
        (str(silent.wait.run_id), "countersign.run.succeeded"),
        (str(stopped.pk), "countersign.request.withdrawn"),
        (str(stopped.wait.run_id), "countersign.run.cancelled"),
    }
    expired = next(one for one in receiver.events.values() if one["subject"] == str(silent.pk))
    assert (expired["data"]["timed_out"], expired["data"]["value"]) == (True, False)


def test_a_run_without_a_webhook_reports_nothing(
    receiver: Receiver, program: Client, bob: User
) -> None:
    respond(asked_by(program).pk, Answer(value=True), by=bob)

    assert not Notification.objects.filter(channel="webhook").exists()


def test_a_large_answer_is_read_at_its_address(
    receiver: Receiver, program: Client, bob: User, settings: Settings
) -> None:
    request = asked_by(program, webhook="shop", kind="input")
    configure(settings, SIZES={"answer": 200_000})
    respond(request.pk, Answer(value="x" * 100_000), by=bob)

    send_reports()

    [event] = receiver.events.values()
    assert event["data"]["value"] is None
    assert event["data"]["value_left_out"] is True


@pytest.mark.parametrize(
    ("texts", "left_out"),
    [
        (("🎉" * 60_000, ""), ["value"]),
        (("🎉" * 16_000, ""), []),
        (("a", "🎉" * 70_000), ["comment"]),
        (("🎉" * 60_000, "🎉" * 70_000), ["value", "comment"]),
    ],
    ids=["large answer", "fitting answer", "large comment", "both large"],
)
def test_the_size_of_a_report_is_counted_as_it_is_sent(
    receiver: Receiver,
    program: Client,
    bob: User,
    settings: Settings,
    texts: tuple[str, str],
    left_out: list[str],
) -> None:
    request = asked_by(program, webhook="shop", kind="input")
    configure(settings, SIZES={"answer": 200_000, "comment": 100_000})
    respond(request.pk, Answer(*texts), by=bob)

    send_reports()

    [event] = receiver.events.values()
    said = event["data"]
    for name, whole in zip(("value", "comment"), texts, strict=True):
        assert said[name] == (None if name in left_out else whole)
        assert said.get(f"{name}_left_out", False) is (name in left_out)


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        (302, "planned", "shop: The receiver answered with status 302. Redirects aren't followed."),
        (500, "planned", "shop: The receiver answered with status 500."),
        (410, "failed", "shop: the receiver doesn't want any more reports (410)."),
    ],
)
def test_a_refusal_is_noted_and_no_redirect_is_followed(
    receiver: Receiver, program: Client, bob: User, status: int, state: str, words: str
) -> None:
    request = asked_by(program, webhook="shop")
    receiver.faults = [status]
    respond(request.pk, Answer(value=True), by=bob)

    send_reports()

    row = Notification.objects.get(channel="webhook")
    assert row.status == state
    assert row.note.endswith(words)
    assert len(receiver.sent) == 1


def test_who_may_use_a_webhook_is_named_in_the_settings(
    receiver: Receiver, program: Client, alice: User, admin_user: User, finance: Group
) -> None:
    grant("ask", finance, "start")
    grant("ask", Group.objects.get(name="support"), "start")
    inputs = {"subject": "Deploy?", "webhook": "shop"}

    refused = agent(alice).post(ASK, inputs, "application/json")

    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == ["webhook"]
    for user in (program, agent(admin_user)):
        assert user.post(ASK, inputs, "application/json").status_code == 201


def test_a_fork_checks_whom_the_same_inputs_reach_for_whoever_makes_it(
    receiver: Receiver, program: Client, alice: User, carol: User, finance: Group
) -> None:
    """A restart does the same: alice may operate it, but neither use the webhook nor ask others."""
    support = Group.objects.get(name="support")
    grant("ask", support, "start", "operate")
    wait = asked_by(program, webhook="shop", to=["finance"]).wait
    run, body = wait.run, {"reason": "Once more."}
    forks = {**body, "at": wait.key}

    def faults(verb: str, sent: dict[str, str]) -> list[str]:
        said = caller(alice).post(f"/api/runs/{run.pk}/{verb}", sent, JSON)
        assert said.status_code == 422, said.content
        return [fault["field"] for fault in said.json()["faults"]]

    assert faults("fork", forks) == faults("restart", body) == ["webhook"]
    page = browser(alice).post(f"/runs/{run.pk}/operations/fork", forks)
    assert (page.status_code, "of this site that you may use" in shown(page)) == (422, True)
    Grant.objects.filter(procedure__name="ask", role="answer").delete()
    assert faults("fork", forks) == ["webhook", "to.0"]
    assert not Run.objects.filter(origin=run).exists()

    grant("ask", finance, "answer")
    grant("ask", Group.objects.get(name="agents"), "operate")
    made = caller(carol).post(f"/api/runs/{run.pk}/fork", forks, JSON)
    assert made.status_code == 201, made.content
    assert Run.objects.get(origin=run).webhook == "shop"


# Settings and secrets


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("Shop", {}, "its name must be"),
        ("shop", {"url": "http://shop.example/hook"}, "its url must begin with https://"),
        ("shop", {"url": "http://127.0.0.1/hook"}, "its url must begin with https://"),
        ("shop", {"url": "file:///etc/passwd"}, "its url must begin with https://"),
        ("shop", {"url": "https://u:p4ss@shop.example/"}, "no user name"),
        ("shop", {"url": "https://shop.example/ x"}, "ASCII characters without spaces"),
        ("shop", {"url": None}, "its url must begin"),
        ("shop", {"secrets": []}, "its secrets must be a list"),
        ("shop", {"secrets": SECRET}, "its secrets must be a list"),
        ("shop", {"users": None}, "its users must be a list of names"),
        ("shop", {"groups": 5}, "its groups must be a list of names"),
        ("shop", {"secrets": ["whsec_c2hvcnQ="]}, "a secret must be whsec_"),
        ("shop", {"secrets": [SECRET, OLD_SECRET, SECRET]}, "more than 2 secrets"),
        ("shop", {"groups": "agents"}, "its groups must be a list"),
        ("shop", {"token": "x"}, "not token"),
    ],
)
def test_a_setting_that_cannot_be_used_is_reported_without_its_secrets(
    settings: Settings, name: str, changes: dict[str, Any], words: str
) -> None:
    good = {"url": "https://shop.example/hook", "secrets": [SECRET]}
    configure(settings, WEBHOOKS={"shop": good})
    assert not [one for one in run_checks() if one.id == "procedures.E013"]

    configure(settings, WEBHOOKS={name: {**good, **changes}})

    found = [one.msg for one in run_checks() if one.id == "procedures.E013"]
    assert [one for one in found if words in one], found
    assert not any(SECRET in one or "p4ss" in one for one in found)


def test_neither_address_nor_secret_is_in_logs_rows_or_pages(
    receiver: Receiver, program: Client, bob: User, admin_user: User, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    request = asked_by(program, webhook="shop")
    receiver.faults = [500]
    respond(request.pk, Answer(value=True), by=bob)
    send_reports()

    client = browser(admin_user)
    row = Notification.objects.get(channel="webhook")
    pages = [
        shown(client.get(path))
        for path in (
            f"/admin/countersign_chat/notification/{row.pk}/change/",
            "/admin/countersign_chat/notification/",
            f"/runs/{request.wait.run_id}",
        )
    ]

    assert "webhook" in pages[0]
    assert "status 500" in pages[0]
    rows = json.dumps([*Notification.objects.values()], default=str)
    for text in (*pages, rows, caplog.text):
        assert SECRET not in text
        assert "key=a-b-c" not in text
        assert SECRET.removeprefix("whsec_") not in text


def test_a_procedure_of_the_site_takes_a_webhook_too(
    receiver: Receiver, carol: User, bob: User
) -> None:
    Group.objects.get_or_create(name="agents")[0].user_set.add(carol)
    grant("reporting", Group.objects.get(name="agents"), "start")
    request: HumanRequest = request_of(run_until_it_waits("reporting", by=carol, hook="shop"))
    assert Run.objects.get(pk=request.wait.run_id).webhook == "shop"
