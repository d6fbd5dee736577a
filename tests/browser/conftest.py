"""The whole product in a real browser: Daphne, a worker, the clock, Redis, Chromium."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.chromium import ARGUMENTS, CHROMIUM
from tests.processes import Web, Worker, wait_until

HERE = Path(__file__).parent
Scheme = Literal["light", "dark"]
PATIENCE = 30_000
"""Milliseconds: a busy machine draws a page late, and what is expected costs no more by that."""
T = TypeVar("T")
DESK = 1440
PHONE = 390
NETWORK = (
    "Failed to load resource",
    "WebSocket connection to",
    "ERR_INTERNET_DISCONNECTED",
    "htmx:sendError",
    "Response Status Error Code",
    "htmx:afterRequest",
)
"""Messages of Chromium and htmx themselves if a page is refused something or cut off."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers come last: Playwright's event loop stays in this thread until the end."""
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    require(CHROMIUM)
    # Playwright's event loop lives in this thread, and Django would refuse the ORM here.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=PATIENCE)
    return {"executable_path": str(CHROMIUM), "args": list(ARGUMENTS)}


def require(program: Path) -> None:
    """Skip the test without the browser, or fail where everything is to be tested."""
    if not program.exists():
        told = f"No Chromium at {program}: apt-get install chromium, or name one with CHROMIUM."
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)


class OpenPage(Protocol):
    def __call__(
        self,
        user: User | None,
        *,
        web: Web | None = None,
        width: int = DESK,
        scheme: Scheme = "light",
        bypass_csp: bool = False,
        scripts: bool = True,
    ) -> Page: ...


@pytest.fixture
def open_page(browser: Browser, running_web: Web) -> Iterator[OpenPage]:
    """Opens browsers of people who are signed in. No script may fail, nothing may break the CSP."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_for(
        user: User | None,
        *,
        web: Web | None = None,
        width: int = DESK,
        scheme: Scheme = "light",
        bypass_csp: bool = False,
        scripts: bool = True,
    ) -> Page:
        address = (web or running_web).url
        is_phone = width == PHONE
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 844 if is_phone else 900},
            color_scheme=scheme,
            has_touch=is_phone,
            is_mobile=is_phone,
            reduced_motion="reduce",
            bypass_csp=bypass_csp,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        if not bypass_csp:
            context.on("console", lambda line: take(line.type, line.text))
        if user:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": sign_in(user), "url": address}
            context.add_cookies([cookie])  # type: ignore[list-item]
        return context.new_page()

    def take(kind: str, text: str) -> None:
        if kind == "error" and not any(words in text for words in NETWORK):
            faults.append(text)

    yield open_for
    for context in contexts:
        context.close()
    assert not faults


def sign_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def hold_back(page: Page, pattern: str) -> list[Route]:
    """Hold back what a page asks for from now on, and return what is held, to be continued."""
    held = list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route(pattern, hold)
    return held


def first_of(page: Page, held: list[Route]) -> Route:
    """Return the first of what is held back, once the page has asked for it."""
    return wait_with(page, lambda: held, what="what the page asks for")[0]


def wait_with(page: Page, condition: Callable[[], T], *, what: str) -> T:
    """Wait for what a page's events bring: they are heard during each call, and only then."""
    return wait_until(lambda: page.evaluate("1") and condition(), what=what)


@pytest.fixture
def site(running_web: Web, running_worker: Worker, running_clock: Worker) -> Web:
    """Everything runs."""
    return running_web


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Two returned orders, one above the limit."""
    path = tmp_path / "orders.csv"
    path.write_text(
        "order,customer,amount,status,currency,reason\n"
        "A-1,Mrs Blum,31.20,returned,EUR,too small\n"
        "A-2,Mr Green,249.00,returned,EUR,broken\n"
        "A-3,Ms Stone,18.00,delivered,EUR,\n"
    )
    return path


Start = Callable[[Page, Path], None]


@pytest.fixture
def start_refund() -> Start:
    """Start a run through the catalogue and the form, as people do."""

    def start(page: Page, orders: Path) -> None:
        page.goto("/")
        page.get_by_role("link", name="Procedures", exact=True).click()
        page.get_by_role("link", name="Refund orders").click()
        page.get_by_label("Orders").set_input_files(orders)
        page.get_by_role("button", name="Start").click()

    return start
