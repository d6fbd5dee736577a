"""Messages on a page: their marks, their links, their files, and how much of a transcript shows."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.services import post_message
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.calls import request_of, run_until_it_waits
from tests.pages import ask, grant_to_both
from tests.talks import begin_talk

pytestmark = pytest.mark.usefixtures("running_web")
MARKED = """See `*.csv` and [the order](https://shop.example/1187):

1. one
2. two

| order | amount | reason |
|-------|--------|--------|
| 1187  | 12 €   | a rather long reason, which needs several lines on a phone |
"""
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIVE_FILE = """(target, [type, name, kind, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: kind }));
  const event = type === "paste"
    ? new ClipboardEvent(type, { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""
"""Gives an element a file as a person does who pastes or drops it."""
READ = "() => navigator.clipboard.readText()"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_links_to_messages_requests_and_steps_are_copied_by_keyboard(
    open_page: OpenPage, alice: User, width: int
) -> None:
    request = ask("approval", by=alice)
    message = post_message(request.session, MARKED, by=alice)
    page = open_page(alice, width=width)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/chat/{request.session_id}")
    entry = page.locator(f"#message-{message.pk}")
    expect(entry.locator("li")).to_have_text(["one", "two"])

    link = entry.get_by_role("button", name="Copy link")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Link copied")).to_be_visible()
    address = page.evaluate(READ)
    assert address.endswith(f"/chat/{request.session_id}?message={message.pk}#message-{message.pk}")

    page.goto(f"/runs/{request.wait.run_id}")
    row = page.locator(".bars__item").first
    row.locator("summary").click()
    row.get_by_role("button", name="Copy link").press(" ")
    expect(page.get_by_text("Link copied")).to_be_visible()
    page.goto(page.evaluate(READ))
    expect(page.locator(".bars__item[data-marked]")).to_have_attribute("open", "")


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_files_are_pasted_and_dropped_and_one_too_large_loses_nothing(
    open_page: OpenPage, alice: User, bob: User, width: int
) -> None:
    talk = begin_talk(alice, bob, title="Parcels")
    page = open_page(alice, width=width)
    page.goto(f"/chat/{talk.pk}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    text, files = (
        page.get_by_label("Your message"),
        page.get_by_role("list", name="Files of this message"),
    )
    text.fill("Both are here")
    text.evaluate(GIVE_FILE, ["paste", "screen.png", "image/png", PICTURE])
    page.locator(".transcript").evaluate(
        GIVE_FILE, ["drop", "orders.csv", "text/csv", "YSxiCjEsMgo="]
    )
    expect(files.get_by_role("checkbox")).to_have_count(2)
    page.locator("message-files").evaluate("(element) => element.setAttribute('most', 0)")
    page.get_by_label("Attach files").set_input_files(
        {"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"long"}
    )
    expect(page.get_by_text("film.mp4 is too large; the limit is 0 MB.")).to_be_visible()
    expect(text).to_have_value("Both are here")
    page.get_by_role("button", name="Send").click()

    sent = page.locator(".transcript__list .message[data-kind=person]")
    expect(sent.get_by_role("link", name="orders.csv")).to_be_visible()
    picture = sent.get_by_role("img", name="screen.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    expect(files.get_by_role("checkbox")).to_have_count(0)

    # Without words, and still on its way when its author sends it.
    page.get_by_label("Attach files").set_input_files(
        {"name": "alone.txt", "mimeType": "text/plain", "buffer": b"a"}
    )
    page.locator(".composer__form").evaluate("(form) => form.requestSubmit()")
    expect(sent.get_by_role("link", name="alone.txt")).to_be_visible()
    assert talk.messages.count() == 2


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_how_much_of_runs_shows_is_chosen_without_a_reload(
    open_page: OpenPage, alice: User, width: int
) -> None:
    grant_to_both("telling")
    run = run_until_it_waits("telling", by=alice, lines=7, fails=True)
    page = open_page(alice, width=width)
    page.goto(f"/chat/{request_of(run).session_id}")
    card, choice = page.locator(".run-card"), page.get_by_role("slider", name="Level of detail")
    expect(card.locator(".run-card__sentence")).to_be_visible()
    if width == PHONE:
        page.get_by_role("button", name="Details").click()
    expect(card.get_by_text("OSError: lost the thread")).to_be_hidden()

    choice.focus()
    for key, words in (("Home", "Messages"), ("End", "Everything")):
        with page.expect_response("**/detail"):
            page.keyboard.press(key)
        expect(choice).to_have_attribute("aria-valuetext", words)
        is_whole = words == "Everything"
        expect(card.locator(".run-card__sentence")).to_be_visible(visible=is_whole)
        expect(card.get_by_text("OSError: lost the thread")).to_be_visible(visible=is_whole)
    page.reload()
    choices = page.locator("detail-choice")
    expect(choices.locator("[aria-valuetext=Everything]")).to_have_count(2)
    expect(choices.locator(".detail__chosen")).to_have_text(["Everything"] * 2)
    expect(card.get_by_text("OSError: lost the thread")).to_be_visible()
