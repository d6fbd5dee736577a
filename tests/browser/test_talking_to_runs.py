"""Talking to a run: its message is marked as read, and Stop stands in the place of Send."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.models import Session
from procedures.models import Run
from procedures.runner import advance_run
from tests.browser.conftest import OpenPage, first_of, hold_back
from tests.calls import request_of, run_until_it_waits
from tests.pages import grant_to_both
from tests.runs import answer

pytestmark = pytest.mark.usefixtures("running_web")


@pytest.fixture
def run(alice: User) -> Run:
    grant_to_both("retrying_listener")
    return run_until_it_waits("retrying_listener", by=alice)


@pytest.fixture
def session(run: Run) -> Session:
    return run.messages.cards().get().session


def test_a_run_is_written_to_and_stopped(
    open_page: OpenPage, run: Run, session: Session, alice: User, bob: User
) -> None:
    page = open_page(alice)
    page.goto(f"/chat/{session.pk}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    send, stop = (page.get_by_role("button", name=name, exact=True) for name in ("Send", "Stop"))
    expect(page.locator("#composer-strip select")).to_have_value(str(run.pk))
    expect(stop).to_have_count(0)

    page.get_by_label("Your message").fill("Use the other account.")
    send.click()

    told = page.locator(".message__delivery")
    expect(told).to_contain_text("Queued until the run reads it")
    answer(request_of(run), by=bob)
    advance_run(run.pk)
    expect(stop).to_be_visible()
    expect(send).to_be_hidden()
    composer = page.locator("#composer-text")
    composer.fill("Wait")
    expect(send).to_be_visible()
    expect(stop).to_be_hidden()
    composer.fill("")

    stop.click()

    dialog = page.locator("#stop-dialog")
    expect(dialog).to_contain_text("A cancelled run can't continue.")
    dialog.get_by_label("Reason (optional)").fill("Wrong account")
    dialog.get_by_role("button", name="Cancel the run").click()
    expect(dialog).to_contain_text("cancelled")
    dialog.get_by_role("link", name="Close").click()
    expect(stop).to_have_count(0)
    expect(told).to_contain_text("The run has ended without reading this")


def test_stop_goes_when_the_run_was_quicker_than_the_answer_that_brings_it(
    open_page: OpenPage, alice: User
) -> None:
    grant_to_both("booking")
    run = run_until_it_waits("booking", by=alice)
    page = open_page(alice)
    page.goto(f"/chat/{run.messages.cards().get().session_id}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")

    held = hold_back(page, "**/messages")
    page.get_by_label("Your message").fill("A table")
    page.keyboard.press("Enter")
    asked = first_of(page, held)
    late = asked.fetch()
    assert 'form="stop-form"' in late.text()
    advance_run(run.pk)
    expect(page.locator(".run-card")).to_contain_text("1 so far. What next?")
    asked.fulfill(response=late)

    expect(page.locator("#composer-text")).to_have_value("")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


def test_steer_now_without_a_connection_steers_once_there_is_one(
    open_page: OpenPage, alice: User, bob: User
) -> None:
    grant_to_both("steered_after_a_question")
    run = run_until_it_waits("steered_after_a_question", by=alice)
    page = open_page(alice)
    page.goto(f"/chat/{run.messages.cards().get().session_id}")
    page.route("**/messages", lambda route: route.abort("internetdisconnected"))

    for text in ("Left!", "Right!"):  # the second one while the first one waits
        page.get_by_label("Your message").fill(text)
        page.get_by_role("button", name="Send to the running step").click()
    expect(page.locator(".outbox .message")).to_contain_text(["Left!", "Right!"])
    page.unroute("**/messages")

    told = page.locator(".message__delivery")
    expect(told).to_contain_text(["Handed to the step that is running"] * 2)
    values = list(run.signals.order_by("pk").values_list("value", flat=True))
    assert [value.split('"steers":')[1] for value in values] == [
        'true,"text":"Left!"}',
        'true,"text":"Right!"}',
    ]
