"""Notifications in browsers, sealed for them and sent to a push service that may break."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from io import StringIO
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest, Notification, Presence
from chat.services import Answer, respond
from dashboard.accounts.sign_in import sign_in_link
from dashboard.channels.push.keys import new_private_key, public_key_of
from dashboard.models import PushReceipt, PushSubscription
from procedures.models.clock import clock
from tests.configured import configure
from tests.listeners import BREAK
from tests.pages import ask, browser, shown
from tests.push_service import PushService, serving_pushes, switch_on
from tests.towers import MINUTE, pass_time

pytestmark = pytest.mark.django_db
KEY = new_private_key()
CONTACT = "mailto:admin@sign.example"


@pytest.fixture
def service(settings: Settings) -> Iterator[PushService]:
    configure(settings, PUSH_KEY=KEY, PUSH_CONTACT=CONTACT, PUSH_TO_LOOPBACK=True, SENDS_MAIL=False)
    with serving_pushes() as found:
        yield found


def leave() -> None:
    """Nobody has a page open any more."""
    Presence.objects.all().delete()


def row() -> tuple[str, int, str]:
    one = Notification.objects.get(channel="push")
    return one.status, one.tries, one.note


def test_a_browser_shows_a_title_and_a_link_that_its_push_service_cannot_read(
    service: PushService, asked: HumanRequest, bob: User
) -> None:
    switch_on(bob, service)
    leave()
    pass_time()

    [(path, headers, body)] = service.sent
    assert service.read(body) == {
        "title": f"Please answer: {asked.wait.run.heading}",
        "link": f"/requests/{asked.pk}",
        "tag": headers["topic"],
    }
    assert str(asked.pk).encode() not in body
    assert asked.prompt not in str(service.read(body))
    assert (path, headers["content-encoding"], headers["ttl"]) == (
        "/push/desk",
        "aes128gcm",
        "86400",
    )
    key, claims = service.signed_by(0)
    assert key == public_key_of(KEY)
    assert claims["sub"] == CONTACT
    assert service.url.startswith(claims["aud"])
    assert row() == ("sent", 1, "")


@pytest.mark.parametrize(
    "contact", ["", "https://sign.example/about", "https://desk", "mailto:admin@desk"]
)
def test_any_contact_that_the_check_accepts_is_told_to_push_services(
    service: PushService, settings: Settings, asked: HumanRequest, bob: User, contact: str
) -> None:
    """By default, it is the address of the site, which may have a port."""
    site = "https://sign.example:8443"
    configure(settings, PUSH_CONTACT=contact, SITE_URL=site)
    assert not [one for one in run_checks() if one.id == "dashboard.E001"]
    switch_on(bob, service)
    leave()
    pass_time()

    assert row() == ("sent", 1, "")
    assert service.signed_by(0)[1]["sub"] == (contact or site)


def test_a_service_that_fails_twice_shows_one_notification(
    service: PushService, asked: HumanRequest, bob: User
) -> None:
    """It refuses once, and once it keeps the message and breaks before it says so."""
    switch_on(bob, service)
    leave()
    service.faults = [503, BREAK]

    for minutes in (1, 5, 10, 10):
        pass_time(MINUTE * minutes)

    assert len(service.sent) == 2
    assert len(service.shown) == 1
    assert row() == ("sent", 3, "")


def test_a_browser_that_has_accepted_it_is_sent_nothing_again_when_another_one_fails(
    service: PushService, asked: HumanRequest, bob: User
) -> None:
    for place in ("desk", "phone"):
        switch_on(bob, service, endpoint=service.url.replace("desk", place))
    leave()
    service.faults = [201, 500]

    for minutes in (1, 5, 10):
        pass_time(MINUTE * minutes)

    assert sorted(path for path, *_ in service.sent) == ["/push/desk", "/push/phone"]
    assert row() == ("sent", 2, "")


def test_a_message_is_pushed_to_all_browsers_of_a_person_at_once(
    service: PushService, asked: HumanRequest, bob: User
) -> None:
    for place in ("desk", "phone", "couch"):
        switch_on(bob, service, endpoint=service.url.replace("desk", place))
    leave()
    service.meeting = Barrier(3)

    pass_time()

    assert len(service.sent) == 3
    assert row() == ("sent", 1, "")


def test_a_browser_that_is_signed_out_while_it_is_sent_something_keeps_no_receipt(
    service: PushService, bob: User
) -> None:
    switch_on(bob, service)
    found = PushSubscription.objects.get()
    Session.objects.all().delete()

    found.note_accepted("1.1", at=clock.now())

    assert not PushReceipt.objects.exists()


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(
    service: PushService, asked: HumanRequest, bob: User, status: int
) -> None:
    switch_on(bob, service)
    leave()
    service.faults = [status]

    pass_time()

    assert not PushSubscription.objects.exists()
    assert row() == ("failed", 1, "None of this person's browsers can be notified any more.")


def test_twenty_requests_are_one_digest_and_a_reminder_is_marked(
    service: PushService, asked: HumanRequest, alice: User, bob: User
) -> None:
    others = [ask("approval", by=alice) for _ in range(19)]
    switch_on(bob, service)
    leave()
    pass_time()
    for one in others:
        respond(one.pk, Answer(value=True), by=bob)
    HumanRequest.objects.filter(pk=asked.pk).update(reminded=1, notify_at=asked.opened_at)
    pass_time()

    digest, reminder = [service.read(body) for *_, body in service.sent]
    assert digest["title"] == "20 requests are waiting for your answer"
    assert digest["link"] == "/inbox/"
    assert reminder["title"].startswith("Reminder, please answer: ")
    assert reminder["tag"] != digest["tag"]


def test_only_absent_people_whom_the_request_is_left_to_are_told(
    service: PushService, asked: HumanRequest, alice: User, bob: User, carol: User
) -> None:
    """Alice has asked it, carol has claimed nothing but looks at the product."""
    for person in (alice, bob, carol):
        place = service.url.replace("desk", person.username)
        switch_on(person, service, endpoint=place)
    Presence.objects.exclude(user=carol).delete()
    Presence.objects.update(seen_at=asked.opened_at + timedelta(days=1))
    pass_time()

    assert [path for path, *_ in service.sent] == ["/push/bob"]


def test_signing_out_ends_the_notifications_of_that_browser(
    service: PushService, asked: HumanRequest, bob: User
) -> None:
    desk = switch_on(bob, service)
    switch_on(bob, service, endpoint=service.url.replace("desk", "phone"))
    assert PushSubscription.objects.count() == 2

    desk.post("/sign-out")
    assert [one.endpoint[-5:] for one in PushSubscription.objects.all()] == ["phone"]
    Session.objects.update(expire_date="2020-01-01T00:00Z")
    leave()
    pass_time()

    assert service.sent == []
    assert not Notification.objects.filter(channel="push").exists()


def test_a_browser_stays_notified_when_the_same_person_signs_in_again(
    service: PushService, bob: User, carol: User
) -> None:
    """Each way gives the session another key; a new password ends all other sessions."""
    old, new = "an old password of bob", "a new password of bob"
    bob.set_password(old)
    bob.save()
    desk = switch_on(bob, service)
    switch_on(bob, service, endpoint=service.url.replace("desk", "phone"))

    since = set(PushSubscription.objects.values_list("created_at", flat=True))

    def notified_after(address: str, **fields: str) -> list[str]:
        assert desk.post(address, fields).status_code == 302
        found = PushSubscription.objects.all()
        assert {one.created_at for one in found} <= since
        return sorted(one.endpoint[-5:] for one in found)

    assert notified_after("/sign-in", username="bob", password=old) == ["/desk", "phone"]
    assert notified_after(sign_in_link(bob)) == ["/desk", "phone"]
    fields = {"old_password": old, "new_password1": new, "new_password2": new}
    assert notified_after("/profile/password", **fields) == ["/desk"]
    assert notified_after(sign_in_link(carol)) == []


def test_a_new_key_of_the_site_ends_the_notifications(
    service: PushService, settings: Settings, asked: HumanRequest, bob: User
) -> None:
    client = switch_on(bob, service)
    assert "This browser</span>" in shown(client.get("/profile"))
    configure(settings, PUSH_KEY=new_private_key())
    leave()
    pass_time()

    assert service.sent == []
    assert "Notify me in this browser" in shown(client.get("/profile"))


def test_browsers_are_listed_and_removed_by_their_owner_only(
    service: PushService, bob: User, carol: User
) -> None:
    client = switch_on(bob, service)
    found = PushSubscription.objects.get()
    page = shown(client.get("/profile"))
    assert "Notifications in browsers" in page
    assert "Notify me in this browser" not in page
    assert service.url not in page
    assert 'Remove<span class="unseen"> Unknown browser</span>' in page

    removal = f"/profile/browsers/{found.pk}/removal"
    assert browser(carol).post(removal).status_code == 404
    assert client.post(removal).status_code == 302
    assert not PushSubscription.objects.exists()


def test_who_signs_in_later_in_the_same_browser_takes_it_over(
    service: PushService, bob: User, carol: User
) -> None:
    switch_on(bob, service)
    switch_on(carol, service)

    assert PushSubscription.objects.get().sign_in.user == carol


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://push.example/x"},
        {"endpoint": "https://127.0.0.1/x"},
        {"endpoint": "https://10.0.0.7/x"},
        {"endpoint": "https://[::1]/x"},
        {"endpoint": "https://localhost/x"},
        {"endpoint": "https://[2606:4700:4700::1111]/x"},
        {"endpoint": "https://push.example:/x"},
        {"endpoint": "https://bob:secret@push.example/x"},
        {"endpoint": "https://[/x"},
        {"endpoint": "https://push.example/" + "x" * 2000},
        {"public_key": "BAAA"},
        {"public_key": "ä"},
        {"secret": "c2hvcnQ"},
        {"secret": "no base64!"},
    ],
)
def test_what_cannot_be_pushed_to_is_refused(
    service: PushService, settings: Settings, bob: User, changes: dict[str, str]
) -> None:
    configure(settings, PUSH_TO_LOOPBACK=False)
    client = switch_on(bob, service, **{"endpoint": "https://push.example/x", **changes})

    assert not PushSubscription.objects.exists()
    words = unescape(shown(client.get("/profile")))
    assert "Use another browser." in words or "at most 2000 characters" in words


def test_a_push_service_whose_name_leads_inside_is_sent_nothing(
    service: PushService, settings: Settings, asked: HumanRequest, bob: User
) -> None:
    """The name is looked up when something is sent, and only then."""
    switch_on(bob, service)
    configure(settings, PUSH_TO_LOOPBACK=False)
    leave()
    pass_time()

    assert service.sent == []
    assert row()[0] == "failed"


# Sites without it


def test_nothing_is_shown_without_a_key(client: Client, bob: User) -> None:
    client = browser(bob)

    assert "Notifications in browsers" not in shown(client.get("/profile"))
    assert client.get("/service-worker.js").status_code == 404
    assert client.post("/profile/browsers").status_code == 404


def test_nothing_is_shown_without_the_packages_and_a_check_says_why(
    service: PushService, asked: HumanRequest, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = switch_on(bob, service)
    assert not [one for one in run_checks() if str(one.id).startswith("dashboard.")]
    monkeypatch.setitem(sys.modules, "http_ece", None)

    assert "Notifications in browsers" not in shown(client.get("/profile"))
    assert client.get("/service-worker.js").status_code == 404
    leave()
    pass_time()
    [warning] = [one for one in run_checks() if one.id == "dashboard.W001"]

    assert not Notification.objects.filter(channel="push").exists()
    assert "countersign[push]" in str(warning.hint)


def test_the_check_names_settings_that_cannot_be_used(
    service: PushService, settings: Settings
) -> None:
    configure(settings, PUSH_KEY="short", PUSH_CONTACT="nobody")

    told = [str(one.msg) for one in run_checks() if one.id == "dashboard.E001"]

    assert len(told) == 2
    assert "create_push_key" in told[0]
    assert "mailto:" in told[1]
    assert "short" not in "".join(told)


def test_the_command_makes_a_key_that_can_be_used() -> None:
    out, said = StringIO(), StringIO()
    call_command("create_push_key", stdout=out, stderr=said)

    name, _, key = out.getvalue().strip().partition("=")
    assert name == "PUSH_KEY"
    assert len(public_key_of(key)) == 87
    assert "switch them on again" in said.getvalue()
