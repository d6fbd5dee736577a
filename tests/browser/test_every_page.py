"""What holds for every page: it fits, it is calm, it is small, everybody can use it."""

import gzip

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, Request, expect

from chat.models import HumanRequest
from chat.services import post_message
from procedures.models import Run
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.calls import request_of, run_until_it_waits
from tests.pages import grant_to_both
from tests.processes import Web

LARGEST_PAGE = 150_000
MOST_SHIFT = 0.02
GRAVE = ("serious", "critical")
ASKED = ("told", "review", "choice", "date", "many")


@pytest.fixture
def questions(alice: User) -> list[HumanRequest]:
    """One of each kind, a message, and a run that has failed."""
    grant_to_both("one_of_each")
    waiting = [run_until_it_waits("one_of_each", by=alice, kind=kind) for kind in ASKED]
    run_until_it_waits("one_of_each", by=alice, kind="nothing that is known")
    found = [request_of(run) for run in waiting]
    post_message(found[0].session, "Is https://example.org/a-rather-long-address it?", by=alice)
    return found


def addresses(questions: list[HumanRequest]) -> list[str]:
    first = questions[0]
    failed = Run.objects.get(status="failed")
    sessions = [f"/chat/{asked.session_id}" for asked in questions]
    requests = [f"/requests/{asked.pk}" for asked in questions]
    run = f"/runs/{first.wait.run_id}"
    procedures = ["/procedures", "/procedures/refund", "/procedures/release"]
    lists = ["/", "/chat", "/runs", "/nowhere"]
    return [
        *lists,
        *procedures,
        *sessions[:2],
        *requests[:2],
        run,
        f"{run}/journal",
        f"/runs/{failed.pk}",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_every_page_fits_and_has_no_grave_fault(
    width: int, scheme: Scheme, open_page: OpenPage, questions: list[HumanRequest], alice: User
) -> None:
    faults: dict[str, list[str]] = {}
    for user, seen in ((alice, addresses(questions)), (None, ["/sign-in"])):
        plain, under_axe = (
            open_page(user, width=width, scheme=scheme, bypass_csp=is_under_axe)
            for is_under_axe in (False, True)
        )
        for address in seen:
            faults[address] = [*sideways(plain, address), *grave(under_axe, address)]
    assert not {address: found for address, found in faults.items() if found}


def sideways(page: Page, address: str) -> list[str]:
    visit(page, address)
    is_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return ["It scrolls sideways."] if is_wide else []


def grave(page: Page, address: str) -> list[str]:
    """What axe finds; it styles elements itself, which the CSP would tell as faults of the page."""
    visit(page, address)
    options = {"resultTypes": ["violations"], "preload": False}
    violations = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in violations if v["impact"] in GRAVE]


def visit(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("main")).to_be_visible()


@pytest.mark.parametrize("name", ["home", "chat", "run"])
def test_a_first_visit_is_small_and_asks_nobody_else(
    name: str, open_page: OpenPage, running_web: Web, questions: list[HumanRequest], bob: User
) -> None:
    asked = questions[0]
    paths = {"home": "/", "chat": f"/chat/{asked.session_id}", "run": f"/runs/{asked.wait.run_id}"}
    page = open_page(bob)
    sizes: dict[str, int] = {}
    page.on("requestfinished", lambda request: sizes.update(size_of(request)))

    visit(page, paths[name])
    page.wait_for_load_state("networkidle")

    assert all(url.startswith(running_web.url) for url in sizes)
    assert "live.js" in str(sizes)
    assert sum(sizes.values()) < LARGEST_PAGE, sizes


def size_of(request: Request) -> dict[str, int]:
    response = request.response()
    return {request.url: len(gzip.compress(response.body())) if response else 0}
