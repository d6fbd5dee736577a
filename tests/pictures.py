"""The pictures of the README, made anew from the demo: `make pictures`."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from dashboard.environment.variables import CHECKOUT
from tests.chromium import ARGUMENTS, WITH_WINDOWS
from tests.embedded.product import Product

FOLDER = CHECKOUT / "docs" / "pictures"
LARGEST = 150_000
DESK = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
QUESTION = "Refund 100.01 EUR for order 9659 (Copper Workshop)?"
WORDS = "@approver, two of our chairs have broken. May we order new ones?"
REPLY = "Yes, the budget of this month has room for two."
COMPRESS = """async (png) => {
  const shot = await (await fetch(`data:image/png;base64,${png}`)).blob();
  const bitmap = await createImageBitmap(shot);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  const small = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
  const reader = new FileReader();
  await new Promise((done) => { reader.onload = done; reader.readAsDataURL(small); });
  return reader.result.split(",")[1];
}"""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=WITH_WINDOWS, args=ARGUMENTS)
        product = Product(Path(made, "local"))
        try:
            product.start()
            session = talk(browser, product)
            for scheme in SCHEMES:
                take_all(browser, product, session, scheme)
        finally:
            product.end()
            browser.close()


def talk(browser: Browser, product: Product) -> str:
    """People talk in a session, and with a run that they start there. Returns its address."""
    with signed_in(browser, product, "starter", DESK, "light") as page:
        page.goto("/chat")
        page.get_by_role("link", name="New session").click()
        page.get_by_label("Title").fill("Chairs for the packing room")
        page.get_by_label("Members").fill("approver")
        page.get_by_label("First message").fill(WORDS)
        page.get_by_role("button", name="Open the session").click()
        expect(page.get_by_role("log")).to_contain_text("two of our chairs")
        session = page.url
    with signed_in(browser, product, "approver", DESK, "light") as page:
        page.goto(session)
        say(page, REPLY, shows=REPLY)
    with signed_in(browser, product, "starter", DESK, "light") as page:
        page.goto(session)
        say(page, "/order_supplies", shows="only you see this")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_role("log")).to_contain_text("What do you need?")
        say(page, "2 chairs", shows="The order has 2 chairs. What else?")
        say(page, "done", shows="Order 2 chairs from Paper & Pens?")
    return session


def say(page: Page, words: str, *, shows: str) -> None:
    page.get_by_label("Your message").fill(words)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text(shows)


def take_all(browser: Browser, product: Product, session: str, scheme: Scheme) -> None:
    with signed_in(browser, product, "approver", DESK, scheme) as page:
        page.goto(session)
        take(page, f"chat-{scheme}")
        open_run(page)
        take(page, f"run-{scheme}")
    with signed_in(browser, product, "approver", PHONE, scheme) as page:
        page.goto("/")
        take(page, f"phone-{scheme}")


def open_run(page: Page) -> None:
    """Open the run that asks the question of the pictures."""
    page.goto("/")
    page.get_by_role("article", name=QUESTION).locator(".request__meta a").click()


@contextmanager
def signed_in(
    browser: Browser, product: Product, name: str, size: ViewportSize, scheme: Scheme
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=product.url, viewport=size, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(product.manage("sign_in_link", name).stdout.strip())
    page.get_by_role("button", name=f"Sign in as {name}").click()
    yield page
    context.close()


def take(page: Page, name: str) -> None:
    """Take a picture of the page as Chromium shows it once it is live."""
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    shot = page.screenshot()
    blank = page.context.new_page()
    small = b64decode(blank.evaluate(COMPRESS, b64encode(shot).decode()))
    blank.close()
    assert len(small) < LARGEST, f"{name} has {len(small):,} bytes."
    Path(FOLDER, f"{name}.webp").write_bytes(small)


if __name__ == "__main__":
    main()
