"""A channel that a site adds: one module, and a template for what it sends.

Everything else (planning, tries, bundles, answers, page, API, admin) takes it as it is.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from chat.apps import register_channels
from chat.channels.registry import channels
from chat.models import HumanRequest, Notification
from chat.services import (
    Answer,
    note_presence,
    plan_notifications,
    reassign_request,
    respond,
    send_notification,
)
from procedures.models import Run
from procedures.models.clock import clock as product_clock
from procedures.runner import advance_run
from procedures.services import start_run
from tests.calls import caller, detail, grant
from tests.configured import configure
from tests.conftest import StartClock, StartWorker
from tests.pager import PAGER, signature
from tests.pages import ask, browser, grant_to_both, shown
from tests.processes import wait_until
from tests.runs import start, wait_for_request
from tests.towers import MINUTE, Tower, pass_time

UNREADABLE = "This message can't be read as an answer."
pytestmark = pytest.mark.usefixtures("pagers")
Say = Callable[..., Any]


@pytest.fixture
def say(asked: HumanRequest) -> Say:
    """Sends a page from a pager, signed as the tower signs it unless told otherwise."""

    def send(words: str, *, number: str = "7", request: object = None, sign: str = "") -> Any:
        page = {"number": number, "request": str(request or asked.pk), "words": words}
        body = json.dumps(page).encode()
        headers = {"X-Pager": sign or signature(body)}
        path = "/api/channels/pager/answers"
        return Client(headers=headers).post(path, body, "text/plain")

    return send


def paged() -> Notification:
    return Notification.objects.get(channel="pager")


# Telling people


def test_whom_it_can_reach_is_told_once(tower: Tower, asked: HumanRequest) -> None:
    for _ in range(3):
        pass_time()

    [page] = tower.pages
    assert page["number"] == "7"
    assert page["text"] == f"{asked.prompt} Reply with {asked.pk} and your answer."
    assert page["key"] == f"{asked.pk}.{paged().recipient_id}"
    assert (paged().status, paged().tries, paged().recipient.username) == ("sent", 1, "bob")


def test_each_channel_tells_a_person_once(tower: Tower, asked: HumanRequest, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@sign.example")

    for _ in range(3):
        pass_time()

    assert len(tower.pages) == 1
    assert [one.to for one in mail.outbox] == [["bob@sign.example"]]
    assert set(Notification.objects.values_list("channel", "status")) == {
        ("pager", "sent"),
        ("mail", "sent"),
    }


def test_who_looks_is_told_only_after_looking_away(
    tower: Tower, asked: HumanRequest, bob: User
) -> None:
    product_clock.ahead += MINUTE / 2
    note_presence(bob)
    pass_time(MINUTE / 2)
    assert not tower.pages

    pass_time()
    assert len(tower.pages) == 1


def test_who_is_asked_instead_is_told_too(
    tower: Tower, asked: HumanRequest, dave: User, admin_user: User
) -> None:
    pass_time()
    reassign_request(asked.pk, to="@dave", by=admin_user, reason="Bob is away.")
    pass_time()

    assert [page["number"] for page in tower.pages] == ["7", "9"]


def test_what_fails_is_tried_again_with_the_same_key(tower: Tower, asked: HumanRequest) -> None:
    tower.status = 503
    pass_time()
    assert (paged().status, paged().note) == (
        "planned",
        "HTTPError: HTTP Error 503: Service Unavailable",
    )
    assert [is_due(MINUTE / 2), is_due(MINUTE / 2)] == [False, True]  # and twice as long each time

    tower.status = 200
    pass_time()

    assert (paged().status, paged().note, paged().tries) == ("sent", "", 2)
    assert len({page["key"] for page in tower.pages}) == 1


def is_due(later: timedelta) -> bool:
    product_clock.ahead += later
    return Notification.objects.due(product_clock.now()).exists()


def test_what_fails_too_often_is_given_up(tower: Tower, asked: HumanRequest) -> None:
    tower.status = 503

    for hours in range(12):
        pass_time(MINUTE * 60 * hours)

    assert (paged().status, paged().tries, paged().next_try_at) == ("failed", 8, None)
    assert paged().note == "HTTPError: HTTP Error 503: Service Unavailable"
    assert len(tower.pages) == 8


def test_what_can_never_be_delivered_is_given_up_at_once(tower: Tower, asked: HumanRequest) -> None:
    tower.status = 410

    for _ in range(3):
        pass_time(MINUTE * 5)

    assert (paged().status, paged().note) == ("failed", "7 is no pager any more.")
    assert len(tower.pages) == 1


def test_workers_that_die_with_it_are_not_many(tower: Tower, asked: HumanRequest) -> None:
    product_clock.ahead += MINUTE
    plan_notifications()
    Notification.objects.update(tries=8, status="held", held_until=product_clock.now())

    send_notification(paged().pk)

    assert (paged().status, tower.pages) == ("failed", [])
    assert (
        paged().note == "8 workers tried to deliver this notification, and none of them finished."
    )


def test_a_process_without_the_channel_leaves_it_to_another(
    tower: Tower, asked: HumanRequest
) -> None:
    product_clock.ahead += MINUTE
    plan_notifications()
    gone = channels.pop("pager")
    send_notification(paged().pk)
    assert paged().note == (
        "UnknownChannelError: No channel 'pager' is registered in this process. "
        "Add its class to CHANNELS."
    )

    channels["pager"] = gone
    pass_time(MINUTE * 5)

    assert (paged().status, len(tower.pages)) == ("sent", 1)


def test_a_grave_alert_is_told_at_once(tower: Tower, operators: Group, dave: User) -> None:
    grant("alarmed", operators, "operate")
    run, _ = start_run("alarmed", {"level": "critical"}, by=None)
    advance_run(run.pk)
    plan_notifications()
    send_notification(paged().pk)

    [page] = tower.pages
    assert (page["number"], page["text"]) == ("9", "critical: Somebody was paid twice.")


# Answering


def test_it_is_answered_by_words(say: Say, asked: HumanRequest) -> None:
    label = asked.asked.labels["true"]

    told = say(label)

    assert told.status_code == 201
    assert told.json()["message"] == f"Your message answered “{asked.prompt}”: {label}"
    assert told.json()["response"]["user"] == "bob"
    run = Run.objects.get(pk=asked.wait.run_id)
    advance_run(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded"


def test_the_same_page_again_is_the_same_answer(say: Say, asked: HumanRequest) -> None:
    label = asked.asked.labels["true"]

    assert [say(label).status_code for _ in range(2)] == [201, 200]
    assert asked.responses.count() == 1


def test_what_cannot_be_an_answer_is_refused_in_words(
    say: Say, asked: HumanRequest, alice: User, dave: User, finance: Group
) -> None:
    assert detail(say("Perhaps"), 422) == "Answer yes or no."
    assert "Your answer would count as" in detail(say("ok"), 422)
    several = ask("choice", by=alice)
    assert detail(say("a", request=several.pk), 422) == (
        "This request can't be answered here. Answer it on its page."
    )
    nothing = detail(say("Pay", request=uuid4()), 404)
    assert nothing == detail(say("Pay", number="9"), 404)  # dave isn't asked, and sees no run of it
    assert not asked.responses.exists()


def test_what_somebody_else_has_answered_is_closed(
    say: Say, asked: HumanRequest, carol: User
) -> None:
    respond(asked.pk, Answer(value=False), by=carol)

    assert "carol has already answered this" in detail(say(asked.asked.labels["true"]), 409)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"number": "7", "words": "Pay"}, 422, "Say which request you answer."),
        ({"number": "7", "request": "7", "words": "Pay"}, 422, UNREADABLE),
        ({"number": "7", "request": 7, "words": "Pay"}, 422, UNREADABLE),
        ({"number": "7", "request": str(uuid4())}, 422, UNREADABLE),
        ([], 401, "Sign in, or send a valid token."),
        ("7", 401, "Sign in, or send a valid token."),
    ],
)
def test_a_message_of_another_form_is_refused_in_words(
    asked: HumanRequest, body: Any, status: int, told: str
) -> None:
    sent = json.dumps(body).encode()
    pager = Client(headers={"X-Pager": signature(sent)})

    assert detail(pager.post("/api/channels/pager/answers", sent, "text/plain"), status) == told


@pytest.mark.parametrize("wrong", [{"sign": "00"}, {"number": "8"}])
def test_nobody_answers_for_another(say: Say, asked: HumanRequest, wrong: dict[str, str]) -> None:
    told = say(asked.asked.labels["true"], **wrong)

    assert detail(told, 401)
    assert not asked.responses.exists()


def test_who_guesses_is_slowed_down(settings: Settings, say: Say) -> None:
    configure(settings, ATTEMPTS_PER_ADDRESS="2 per minute")

    assert [say("ok", sign="00").status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("name", ["page", "api", "chat", "mail", "nothing"])
def test_only_a_channel_that_knows_its_senders_is_open_to_the_outside(
    name: str, asked: HumanRequest, bob: User
) -> None:
    path = f"/api/channels/{name}/answers"

    assert detail(Client().post(path, b"{}", "text/plain"), 401)
    assert detail(caller(bob).post(path, b"{}", "text/plain"), 404)


# Where channels are named


def test_page_api_and_admin_name_it(
    say: Say, asked: HumanRequest, tower: Tower, bob: User, admin_user: User
) -> None:
    found = caller(bob).get(f"/api/requests/{asked.pk}").json()
    assert set(found["channels"]) == {"page", "api", "chat", "pager"}
    tower.status = 503
    pass_time()
    say(asked.asked.labels["true"])

    assert ", by pager" in shown(browser(bob).get(f"/requests/{asked.pk}"))
    answers = caller(bob).get(f"/api/requests/{asked.pk}").json()["responses"]
    assert [one["channel"] for one in answers] == ["pager"]
    admin = browser(admin_user)
    planned = shown(admin.get("/admin/countersign_chat/notification/?channel=pager"))
    assert "HTTPError: HTTP Error 503: Service Unavailable" in planned
    assert "pager</a>" in shown(admin.get("/admin/countersign_chat/humanresponse/"))
    assert "pager" in shown(admin.get(f"/admin/countersign_chat/notification/{paged().pk}/change/"))


def test_a_question_that_its_controls_cannot_show_does_not_name_it(alice: User, bob: User) -> None:
    request = ask("choice", by=alice)

    assert "pager" not in caller(bob).get(f"/api/requests/{request.pk}").json()["channels"]


# Registering


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("tests.pager.Nothing", "does not define"),
        ("tests.pager.signature", "isn't a subclass of chat.channels.Channel"),
        ("tests.pager.Deaf", "Two channels have the name 'pager'"),
        ("tests.pager.Silent", "defines neither `deliver` nor `parse`"),
        ("tests.pager.Unread", "defines `authenticate` but not `parse`"),
        (
            "chat.channels.Channel",
            "Invalid name None of Channel: use at most 20 lowercase letters, digits and _, "
            "beginning with a letter.",
        ),
    ],
)
def test_a_channel_that_cannot_be_used_stops_the_start(
    settings: Settings, path: str, told: str
) -> None:
    configure(settings, CHANNELS=[path])

    with pytest.raises(ImproperlyConfigured, match=f"CHANNELS names {path}") as refusal:
        register_channels()

    assert told in str(refusal.value)


@pytest.mark.django_db(transaction=True)
def test_clock_and_worker_of_a_site_deliver_by_it(
    tower: Tower, worker: StartWorker, clock: StartClock, alice: User, bob: User
) -> None:
    grant_to_both("question")
    worker(CHANNELS=PAGER, NOTIFY_AFTER_SECONDS="1")
    clock(CHANNELS=PAGER, NOTIFY_AFTER_SECONDS="1")

    request = wait_for_request(start("question", by=alice))

    wait_until(lambda: tower.pages, timeout=40, what="the page")
    assert str(request.pk) in tower.pages[0]["text"]
    wait_until(lambda: paged().status == "sent", what="the page to be noted")
    assert len(tower.pages) == 1
