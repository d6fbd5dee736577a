"""A person switches notifications on in a browser, is shown one, and opens what it is about."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Worker, expect
from pytest_django import Settings

from chat.models import HumanRequest, Notification, Presence
from chat.services import Answer, respond
from dashboard.channels.push.keys import new_private_key
from dashboard.models import PushSubscription
from tests.browser.conftest import OpenPage, first_of, hold_back, require, wait_with
from tests.chromium import WITH_WINDOWS
from tests.configured import configure
from tests.pages import ask
from tests.processes import Redis, Web, wait_until
from tests.push_service import PushService, serving_pushes
from tests.towers import MINUTE, pass_time

TRIES = 4
KEY, CONTACT = new_private_key(), "mailto:admin@sign.example"
SUBSCRIBE = """told => {
  const plain = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = (text) => Uint8Array.from(plain(text), (one) => one.charCodeAt(0)).buffer;
  const keys = { p256dh: bytes(told.public_key), auth: bytes(told.secret) };
  PushManager.prototype.subscribe = async () => {
    await noteSubscribed();
    return { endpoint: told.endpoint, getKey: (name) => keys[name] };
  };
}"""
"""A browser of tests has no push service, which is a server of its maker: this takes its place."""
PERMIT = """permission => {
  Notification.requestPermission = async () => permission;
}"""
"""Nobody sees the browser's own question; whoever closes it without an answer leaves "default"."""
REGISTER = """async () => {
  await navigator.serviceWorker.register("/service-worker.js");
  await navigator.serviceWorker.ready;
}"""
"""Only pages that are loaded once the worker is active are under its control."""
SHOWN = """async () => {
  const found = await (await navigator.serviceWorker.ready).getNotifications();
  return found.map(({ title, tag }) => ({ title, tag }));
}"""
RENEW = """async told => {
  const plain = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = (text) => Uint8Array.from(plain(text), (one) => one.charCodeAt(0)).buffer;
  const keys = { p256dh: bytes(told.public_key), auth: bytes(told.secret) };
  const change = new ExtendableEvent("pushsubscriptionchange");
  const waits = [];
  change.waitUntil = (promise) => waits.push(promise);
  change.newSubscription = { endpoint: told.endpoint, getKey: (name) => keys[name] };
  self.dispatchEvent(change);
  await Promise.all(waits);
}"""
CLICK = """async () => {
  const opened = [];
  self.clients.openWindow = async (address) => opened.push(address);
  const [notification] = await self.registration.getNotifications();
  const waits = [];
  const click = new NotificationEvent("notificationclick", { notification });
  click.waitUntil = (promise) => waits.push(promise);
  self.dispatchEvent(click);
  await Promise.all(waits);
  return opened;
}"""
"""Nobody can click outside of the page, and a script may open a window only after a click."""


@pytest.fixture(scope="module")
def browser(launch_browser: Callable[..., Browser]) -> Iterator[Browser]:
    """Shows notifications, which Chromium does in windows only."""
    require(WITH_WINDOWS)
    found = launch_browser(executable_path=str(WITH_WINDOWS))
    yield found
    found.close()


@pytest.fixture(scope="module")
def shared_site(start_for_module: Callable[[Web], Web]) -> Web:
    return start_for_module(Web(PUSH_KEY=KEY, PUSH_CONTACT=CONTACT, PUSH_TO_LOOPBACK="true"))


@pytest.fixture
def site(shared_site: Web, transactional_db: None, redis_server: Redis, settings: Settings) -> Web:
    """Notifies people in browsers, as this process does."""
    configure(settings, PUSH_KEY=KEY, PUSH_CONTACT=CONTACT, PUSH_TO_LOOPBACK=True)
    shared_site.revive()
    return shared_site


def push(page: Page, content: dict[str, Any]) -> None:
    """Hand the browser what its push service would."""
    session = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(told["registrations"])
    )
    session.send("ServiceWorker.enable")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    wait_with(page, lambda: found, what="the registration")
    session.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": page.evaluate("location.origin"),
            "registrationId": found[0]["registrationId"],
            "data": json.dumps(content),
        },
    )


def service_worker_of(page: Page) -> Worker:
    """Return the one that the browser has told of."""
    return wait_with(page, lambda: page.context.service_workers, what="a service worker")[-1]


def test_a_notification_is_switched_on_shown_and_opens_its_request(
    site: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    asked = ask("approval", by=alice)
    with serving_pushes() as service:
        page = open_page(bob, web=site)
        page.context.grant_permissions(["notifications"], origin=site.url)
        switch_on(page, service)
        page.goto("about:blank")
        Presence.objects.all().delete()
        pass_time(MINUTE)
        [(_path, _headers, body)] = service.sent
        told = service.read(body)
    assert Notification.objects.get(channel="push").status == "sent"

    page.goto("/")
    # The same message twice, as after a lost acknowledgement.
    for _ in range(2):
        push(page, told)
        wait_until(lambda: len(page.evaluate(SHOWN)) == 1)
    wait_until(lambda: page.evaluate(SHOWN) == [{"title": told["title"], "tag": told["tag"]}])
    assert told["title"].startswith("Please answer: ")

    worker = service_worker_of(page)
    assert worker.url == f"{site.url}/service-worker.js?browsers=/profile/browsers"
    [address] = worker.evaluate(CLICK)
    wait_until_shown(page)
    moved = {**service.form, "endpoint": f"{service.form['endpoint']}/moved"}
    worker.evaluate(RENEW, moved)
    assert PushSubscription.objects.get().endpoint == moved["endpoint"]
    page.goto(address)
    expect(page.get_by_text(asked.prompt).first).to_be_visible()


@pytest.fixture
def page(site: Web, open_page: OpenPage, bob: User) -> Page:
    """Bob's page, on a site that notifies people in browsers."""
    page = open_page(bob, web=site)
    page.context.grant_permissions(["notifications"], origin=site.url)
    page.goto("/profile")
    page.evaluate(REGISTER)
    page.reload()
    return page


def show(page: Page, request: HumanRequest, **more: Any) -> None:
    link = f"/requests/{request.pk}"
    push(page, {"title": request.pk.hex, "link": link, "tag": str(request.pk), **more})


def show_until_shown(page: Page, request: HumanRequest) -> None:
    """Push again if the browser has lost the message, which it may while it stops the worker."""
    for _ in range(TRIES):
        show(page, request)
        with suppress(TimeoutError):
            wait_until(lambda: page.evaluate(SHOWN), 4)
            break
    wait_until_shown(page, request)


def wait_until_shown(page: Page, *requests: HumanRequest) -> None:
    titles = {one.pk.hex for one in requests}
    wait_until(lambda: {one["title"] for one in page.evaluate(SHOWN)} == titles)


def test_a_notification_is_taken_back_in_view_or_not(page: Page, alice: User) -> None:
    one, other = (ask("approval", by=alice) for _ in range(2))
    for request in (one, other):
        show(page, request)
    wait_until_shown(page, one, other)

    # In view, the message of its end shows nothing.
    show(page, one, takes_back=True)
    wait_until_shown(page, other)
    worker = service_worker_of(page)
    hidden = "() => { self.clients.matchAll = async () => [{ visibilityState: 'hidden' }]; }"
    worker.evaluate(hidden)
    # Out of view, something must be shown: in the place of the first message, or only for a moment.
    show(page, other, title="Over", takes_back=True)
    wait_until(lambda: [one["title"] for one in page.evaluate(SHOWN)] == ["Over"])
    show(page, one, takes_back=True)
    page.goto("/inbox/")

    wait_until_shown(page)


def test_an_open_page_closes_what_it_shows_and_what_was_answered_elsewhere(
    page: Page, alice: User, bob: User
) -> None:
    """It needs no message for that."""
    one, other, late = (ask("approval", by=alice) for _ in range(3))
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    for request in (one, other):
        show(page, request)
    wait_until_shown(page, one, other)

    respond(one.pk, Answer(value=True), by=bob)
    wait_until_shown(page, other)
    page.goto(f"/requests/{other.pk}")
    wait_until_shown(page)

    # The page learns that the request is over before it can show that.
    page.goto(f"/runs/{late.wait.run_id}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    show_until_shown(page, late)
    held = hold_back(page, "**/questions?*")
    respond(late.pk, Answer(value=True), by=bob)
    question = first_of(page, held)
    wait_until_shown(page, late)
    question.continue_()
    wait_until_shown(page)


def switch_on(page: Page, service: PushService) -> None:
    """Click twice in the end, as people do while nothing seems to happen: one click counts."""
    calls = list[None]()
    page.expose_function("noteSubscribed", lambda: calls.append(None))
    page.goto("/profile")
    page.evaluate(SUBSCRIBE, service.form)
    button = page.get_by_role("button", name="Notify me in this browser")
    for permission, is_blocked in (("denied", True), ("default", False)):
        page.evaluate(PERMIT, permission)
        button.click()
        expect(page.get_by_text("Notifications from this site are blocked.")).to_be_visible(
            visible=is_blocked
        )
    page.evaluate(PERMIT, "granted")
    button.dblclick()
    expect(page.get_by_text("You will be notified in this browser.")).to_be_visible()
    expect(page.locator("#browsers")).to_contain_text("This browser")
    assert len(calls) == 1
