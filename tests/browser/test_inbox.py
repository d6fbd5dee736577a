"""The inbox in a real browser: cleared by keys alone, on a phone, and while others answer."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from chat.models import HumanRequest
from chat.services import Answer, respond, snooze_request, undo_response
from procedures.models.clock import clock
from tests.browser.conftest import PHONE, OpenPage
from tests.calls import grant
from tests.deciding import (
    Asked,
    answer_by_keys,
    answer_by_taps,
    ask,
    ask_all,
    choose_files,
    wait_until_cleared,
    wait_until_opened,
    wrong,
)
from tests.mixed import mixed, short
from tests.processes import Web

SMALL = 20
DUE = {7: "2 min", 20: "2h", 30: "3h"}


@pytest.fixture
def finance_asked(finance: Group, support: Group) -> Group:
    grant("inbox_item", finance, "answer")
    grant("inbox_item", support, "start")
    return finance


def clear(page: Page, asked: Asked) -> int:
    """Answer everything in the order in which it comes, by keys; return how many were pressed."""
    choose_files(page)
    page.goto("/inbox/?tab=groups&focus=1")
    presses = 0
    for one, request in asked:
        wait_until_opened(page, request)
        presses += answer_by_keys(page, one)
    wait_until_cleared(page)
    return presses


def test_twenty_mixed_requests_are_cleared_by_keys_alone(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    asked = ask_all(mixed(SMALL), alice)

    presses = clear(open_page(bob), asked)

    assert wrong(asked) == []
    assert presses <= 2.5 * SMALL


@pytest.mark.soak
def test_a_hundred_mixed_requests_are_cleared_by_keys_alone(
    running_web: Web,
    open_page: OpenPage,
    alice: User,
    bob: User,
    finance_asked: Group,
    tell: Callable[[str], None],
) -> None:
    asked = ask_all(mixed(100), alice)
    assert Counter(one.kind for one, _ in asked) == {
        "approval": 40,
        "choice": 16,
        "long choice": 4,
        "text": 15,
        "form": 10,
        "review": 10,
        "upload": 3,
        "escalation": 2,
    }
    assert len([one for one, _ in asked if one.options.get("irreversible")]) == 5

    presses = clear(open_page(bob), asked)

    tell(f"100 mixed requests by keys alone: {presses} key presses")
    assert wrong(asked) == []
    assert presses <= 250


def test_an_answer_is_undone_by_its_key(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    held, other = ask("Release it?", alice, undo="1 min"), ask("Pay?", alice)
    page = open_page(bob)
    page.goto("/inbox/?tab=groups")
    wait_until_opened(page, held)

    page.keyboard.press("r")
    wait_until_opened(page, other)
    expect(page.locator("#inbox-last")).to_contain_text("Rejected")
    page.keyboard.press("u")

    wait_until_opened(page, held)
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    held.refresh_from_db()
    assert held.is_open
    expect(page.locator(".inbox-row")).to_have_count(2)


def choose_three(page: Page, requests: list[HumanRequest]) -> None:
    page.goto("/inbox/?tab=groups")
    wait_until_opened(page, requests[0])
    page.keyboard.press("x")
    for request in requests[1:3]:
        page.keyboard.press("j")
        wait_until_opened(page, request)
    page.keyboard.press("X")
    expect(page.get_by_text("3 chosen")).to_be_visible()


def test_keys_walk_choose_and_answer_several(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    ann = User.objects.create_user("ann")
    ann.groups.add(finance_asked)
    requests = [ask(f"Refund {n}.50 €?", alice) for n in range(1, 6)]
    page = open_page(bob)
    choose_three(page, requests)
    approve, dialog = page.get_by_role("button", name="Approve…"), page.get_by_role("dialog")

    approve.click()
    expect(dialog.get_by_role("heading", level=1)).to_have_text("Approve 3 requests")
    expect(dialog.get_by_text("7.50 € in total")).to_be_visible()
    expect(dialog.get_by_role("button", name="Approve 3 requests")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(approve).to_be_focused()
    page.route("**/inbox/rows*", lambda route: route.abort())
    respond(requests[0].pk, Answer(False, channel="page"), by=ann)  # noqa: FBT003
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("This request has already been decided.")
    page.unroute("**/inbox/rows*")
    dialog.get_by_label("Comment").fill("Seen.")
    page.keyboard.press("Control+Enter")

    expect(dialog.locator('[data-result="applied"]')).to_have_count(2)
    answered = HumanRequest.objects.filter(status="answered", outcome="approved")
    assert set(answered.values_list("pk", flat=True)) == {one.pk for one in requests[1:3]}
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    wait_until_opened(page, requests[3])
    expect(page.locator(".inbox__card")).to_be_focused()
    expect(page.locator(".inbox-row")).to_have_count(2)


def test_what_is_snoozed_again_stays_among_the_snoozed(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    request, other = ask("Release it?", alice), ask("Pay?", alice)
    for one in (request, other):
        snooze_request(one.pk, by=bob, until=clock.now() + timedelta(hours=1))
    page = open_page(bob)
    page.goto("/inbox/?tab=snoozed")
    rows, dialog = page.locator(".inbox-row"), page.get_by_role("dialog")
    page.locator(f"#row-{request.pk} .inbox-row__box").check()

    page.get_by_role("button", name="Snooze…").click()
    dialog.get_by_role("button", name="Snooze 1 request").click()
    expect(dialog.locator('[data-result="applied"]')).to_have_count(1)
    page.keyboard.press("Enter")

    expect(page.locator(".inbox-row__box:checked")).to_have_count(0)
    expect(rows).to_have_count(2)
    expect(page.locator(".inbox__news")).to_be_empty()


@pytest.mark.parametrize("width", [1440, PHONE])
def test_a_new_request_slides_into_its_place_and_is_announced(
    width: int,
    running_web: Web,
    open_page: OpenPage,
    alice: User,
    bob: User,
    finance_asked: Group,
) -> None:
    """It is due in 5 minutes: after what is due in 2, before what is due later or never."""
    others = [ask(f"Item {n}", alice, **({"due": DUE[n]} if n in DUE else {})) for n in range(40)]
    page = open_page(bob, width=width)
    page.goto("/inbox/?tab=groups")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    expect(page.locator(".inbox-row")).to_have_count(40)
    page.evaluate("document.body.dataset.opened = 'before'")

    soon = ask("Urgent", alice, due="5 min")

    rows = page.locator(".inbox-row")
    expect(rows.nth(1)).to_have_attribute("id", f"row-{soon.pk}")
    expect(rows.nth(1)).to_be_in_viewport()
    expect(rows.nth(1)).to_contain_text(re.compile("due in [45] min"))
    expect(rows.nth(0)).to_have_attribute("id", f"row-{others[7].pk}")
    expect(rows.nth(2)).to_have_attribute("id", f"row-{others[20].pk}")
    news = page.locator(".inbox__news[aria-live=polite]")
    expect(news).to_contain_text("1 new")
    expect(page).to_have_title(re.compile(r"^\(41\)"))
    # Another reading of the list takes back no words that somebody may not have heard.
    ask("Later", alice)
    expect(news).to_contain_text("2 new")
    rows.nth(1).get_by_role("link").click()
    expect(news).to_be_empty()
    expect(page.locator("body")).to_have_attribute("data-opened", "before")


def test_what_becomes_overdue_looks_so_on_open_pages(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    later, soon = ask("Pay?", alice, due="1h"), ask("Release it?", alice, due="8s")
    inbox, home = open_page(bob), open_page(bob, width=PHONE)
    inbox.goto("/inbox/?tab=groups")
    home.goto("/")

    due, row = home.locator(f"#request-{soon.pk} .request__due"), inbox.locator(f"#row-{soon.pk}")
    expect(inbox.locator(".inbox__group").first).to_contain_text("Overdue 1")
    expect(row.locator(".inbox-row__when")).to_have_attribute("data-look", "late")
    expect(row.locator(".inbox-row__when")).to_contain_text("late")
    expect(due).to_have_attribute("data-due", "late")
    expect(due).to_contain_text("overdue by")
    expect(inbox.locator(f"#row-{later.pk} .inbox-row__when")).to_contain_text("due in")


def test_what_others_answer_turns_into_its_receipt_and_the_draft_stays(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    ann = User.objects.create_user("ann")
    ann.groups.add(finance_asked)
    request, _other = ask("Release it?", alice), ask("Pay?", alice)
    page = open_page(bob)
    page.goto("/inbox/?tab=groups")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    page.get_by_label("Comment").fill("Half a thought")

    respond(request.pk, Answer(True, channel="page"), by=ann)  # noqa: FBT003

    card = page.locator(f"#request-{request.pk}")
    expect(card.locator(".receipt")).to_contain_text("Approved by ann")
    expect(card.locator(".kept-words")).to_contain_text("Half a thought")
    expect(card.get_by_role("button", name="Copy", exact=True)).to_be_visible()
    expect(page.locator(f"#row-{request.pk}")).to_have_count(0)


def test_what_was_refused_stays_with_its_receipt(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    ann = User.objects.create_user("ann")
    ann.groups.add(finance_asked)
    request, other = ask("Release it?", alice), ask("Pay?", alice)
    page = open_page(bob)
    page.route_web_socket("**/live", lambda _socket: None)  # silent
    page.goto("/inbox/?tab=groups")
    wait_until_opened(page, request)
    page.get_by_label("Comment").fill("Half a thought")
    opened: list[str] = []
    page.on("request", lambda sent: opened.append(sent.url))
    respond(request.pk, Answer(True, channel="page"), by=ann)  # noqa: FBT003

    page.get_by_role("button", name="Reject").click()

    card = page.locator(f"#request-{request.pk}")
    expect(card.locator(".receipt")).to_contain_text("Approved by ann")
    expect(card.locator(".kept-words")).to_contain_text("Half a thought")
    page.get_by_role("link", name="Next request").click()
    wait_until_opened(page, other)
    assert len([url for url in opened if "/inbox/requests/" in url]) == 1


def test_a_draft_is_there_again_when_a_held_answer_was_undone(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    ann = User.objects.create_user("ann")
    ann.groups.add(finance_asked)
    request = ask("Release it?", alice, undo="1 min")
    page = open_page(bob)
    page.goto("/inbox/?tab=groups")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    page.get_by_label("Comment").fill("Half a thought")
    card = page.locator(f"#request-{request.pk}")

    respond(request.pk, Answer(True, channel="page"), by=ann)  # noqa: FBT003
    expect(card.locator(".receipt .kept-words")).to_contain_text("Half a thought")
    undo_response(request.pk, by=ann)

    expect(card.locator(".kept-words")).to_contain_text("Half a thought")
    expect(card.get_by_label("Comment")).to_have_value("Half a thought")


def test_the_newest_text_is_shown_after_leaving_at_once(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    request, other = ask("Release it?", alice), ask("Pay?", alice)
    page = open_page(bob)
    page.goto(f"/inbox/?tab=groups&request={request.pk}")
    with page.expect_response(lambda answer: answer.url.endswith("/draft")):
        page.get_by_label("Comment").fill("Half")

    with page.expect_response(lambda answer: answer.url.endswith("/draft")):
        page.get_by_label("Comment").fill("Half a thought")
        page.locator(f"#row-{other.pk} a").click()
        wait_until_opened(page, other)
    page.locator(f"#row-{request.pk} a").click()
    wait_until_opened(page, request)

    expect(page.get_by_label("Comment")).to_have_value("Half a thought")


def test_what_was_typed_is_there_in_another_browser(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    request = ask("Release it?", alice)
    page = open_page(bob)
    page.goto(f"/inbox/?tab=groups&request={request.pk}")
    with page.expect_response(lambda answer: answer.url.endswith("/draft")):
        page.get_by_label("Comment").fill("Half a thought")

    other = open_page(bob, width=PHONE)
    other.goto(f"/inbox/?tab=groups&request={request.pk}")

    expect(other.get_by_label("Comment")).to_have_value("Half a thought")


@pytest.mark.parametrize("size", [SMALL, pytest.param(40, marks=pytest.mark.soak)])
def test_requests_take_at_most_three_taps_for_two_of_them_on_a_phone(
    size: int,
    open_page: OpenPage,
    alice: User,
    bob: User,
    finance_asked: Group,
    tell: Callable[[str], None],
) -> None:
    """A tap for each approval, and two for each irreversible one and each choice."""
    asked = ask_all(short(size), alice)
    page = open_page(bob, width=PHONE)
    page.goto(f"/inbox/?tab=groups&request={asked[0][1].pk}")
    taps = 0
    for one, request in asked:
        wait_until_opened(page, request)
        taps += answer_by_taps(page, one)
    wait_until_cleared(page)

    tell(f"{size} requests on a phone: {taps} taps")
    assert taps <= 1.5 * size
    assert wrong(asked) == []
    assert HumanRequest.objects.open().count() == 0


def test_without_scripts_links_and_forms_do_the_same(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    first, second = ask("Release it?", alice), ask("Pay?", alice)
    page = open_page(bob, scripts=False)
    page.goto("/inbox/?tab=groups")
    page.get_by_role("link", name="Pay?").first.click()
    expect(page.locator(f"#request-{second.pk}")).to_be_visible()
    page.get_by_role("link", name="Previous request").click()
    expect(page.locator(f"#request-{first.pk}")).to_be_visible()

    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".receipt")).to_contain_text("Approved by bob")
    page.goto("/inbox/?tab=groups&q=nothing")
    expect(page.get_by_text("No matches")).to_be_visible()
    page.get_by_role("link", name="Clear “nothing”").click()

    expect(page.locator(".inbox-row")).to_have_count(1)


def test_on_a_phone_the_comment_unfolds_and_a_line_above_the_buttons_undoes(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, finance_asked: Group
) -> None:
    held, other = ask("Release it?", alice, undo="1 min"), ask("Pay?", alice)
    page = open_page(bob, width=PHONE)
    page.goto(f"/inbox/?tab=groups&request={held.pk}")
    comment = page.locator("#inbox-request").get_by_label("Comment")
    expect(comment).to_have_css("opacity", "0")
    page.locator("#inbox-request .field__label").filter(has_text="Comment").tap()
    page.keyboard.type("Seen.")
    expect(comment).to_have_css("opacity", "1")

    page.get_by_role("button", name="Approve").tap()
    wait_until_opened(page, other)
    page.locator("#inbox-last").get_by_role("button", name="Undo").tap()

    wait_until_opened(page, held)
    held.refresh_from_db()
    assert held.is_open
