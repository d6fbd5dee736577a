"""Requests answered in a browser, one after the other, with keys alone or with a thumb."""

from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Page, expect

from chat.models import HumanRequest
from tests.calls import request_of, run_until_it_waits
from tests.mixed import PAPER, Mixed

OPENED = """id => document.querySelector("#inbox-request .request")?.id === id
  && !document.querySelector("#inbox-request .htmx-request")"""
CHOSEN = """() => document.querySelector("#inbox-request input[type=file]").files.length"""
NOTHING_LEFT = "Requests are shown here."
WHOLE = 0.99
"""The part of a button that must be in view: a border between two pixels isn't."""
Asked = list[tuple[Mixed, HumanRequest]]


def ask(prompt: str, by: Any, kind: str = "approval", **options: Any) -> HumanRequest:
    run = run_until_it_waits("inbox_item", by=by, prompt=prompt, kind=kind, options=options)
    return request_of(run)


def ask_all(table: Iterable[Mixed], by: Any) -> Asked:
    return [(one, ask(one.prompt, by, one.kind, **one.options)) for one in table]


def wait_until_opened(page: Page, request: HumanRequest) -> None:
    page.wait_for_function(OPENED, arg=f"request-{request.pk}")


def wait_until_cleared(page: Page) -> None:
    expect(page.locator("#inbox-request")).to_contain_text(NOTHING_LEFT)


def answer_by_keys(page: Page, one: Mixed) -> int:
    """Answer the open request, and return how many keys were pressed."""
    if not one.options.get("irreversible"):
        return press(page, one.keys)
    arm, *fire = one.keys
    count = press(page, [arm])
    expect(page.get_by_role("button", name="for good")).to_be_visible()
    return count + press(page, fire)


def press(page: Page, keys: Iterable[str]) -> int:
    """Press the keys, and return how many were pressed; typed characters don't count."""
    count = 0
    for key in keys:
        what, _, rest = key.partition(":")
        if what == "type":
            page.keyboard.type(rest)
            continue
        page.keyboard.press(rest if what == "file" else key)
        if what == "file":
            page.wait_for_function(CHOSEN)
        count += 1
    return count


def choose_files(page: Page) -> None:
    """Choose a file in each dialog that a key opens.

    Once for the page: a dialog that is opened just as somebody begins to expect it may get lost.
    """
    paper: Any = {"name": PAPER, "mimeType": "text/plain", "buffer": b"one"}
    page.on("filechooser", lambda chooser: chooser.set_files(paper))


def answer_by_taps(page: Page, one: Mixed) -> int:
    """Answer the open request, and return how many taps it took; nothing is scrolled to."""
    options = [
        "radio" if one.kind == "choice" and name != "Answer" else "button" for name in one.taps
    ]
    for name, role in zip(one.taps, options, strict=True):
        target = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        expect(target).to_be_in_viewport(ratio=WHOLE)  # so that nobody has to scroll to it
        target.tap()
    return len(one.taps)


def kept(request: HumanRequest) -> Any:
    return request.responses.get(undone_at=None).plain_value


def wrong(asked: Asked) -> list[str]:
    """Return the prompts of those that were answered with something else than was decided."""
    return [one.prompt for one, request in asked if not one.is_kept(kept(request))]
