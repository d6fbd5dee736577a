"""Rules for every page: it fits, it is calm, it is small, everybody can use it."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, Request, expect

from chat.models import HumanRequest
from chat.services import post_message
from procedures.models import Run
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.calls import request_of, run_until_it_waits
from tests.pages import ask_in, grant_to_both
from tests.processes import Web
from tests.runs import answer

LARGEST_PAGE = 150_000
MOST_SHIFT = 0.02
NARROWEST = 80
"""Pixels."""
SMALLEST = 320
"""The width in pixels of the smallest phone."""
ASKED = ("told", "review", "choice", "date", "many", "form", "problem", "told of trouble")
LOOKS = pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (DESK, "light"),
        (PHONE, "dark"),
        pytest.param(DESK, "dark", marks=pytest.mark.soak),
        pytest.param(PHONE, "light", marks=pytest.mark.soak),
    ],
)
FILLED_IN = {"amount": "31.20", "due": "2026-12-24", "carrier": "post", "sender": "Mrs Blum"}


@pytest.fixture
def questions(alice: User, bob: User) -> list[HumanRequest]:
    """One of each kind, two of them answered; alerts, a message, and a run that has failed."""
    grant_to_both("one_of_each")
    waiting = [run_until_it_waits("one_of_each", by=alice, kind=kind) for kind in ASKED]
    run_until_it_waits("one_of_each", by=alice, kind="nothing that is known")
    found = [request_of(run) for run in waiting]
    post_message(found[0].session, "Is https://example.org/a-rather-long-address it?", by=alice)
    answer(found[1], value={"decision": "approved", "text": "Dear bob,\nit is lost.\n"}, by=bob)
    ask_in(found[2].session, "boolean", by=alice)
    answer(ask_in(found[1].session, "form", by=alice), value=FILLED_IN, by=bob)
    grant_to_both("long_words")
    return [*found, request_of(run_until_it_waits("long_words", by=alice))]


def with_forms(questions: list[HumanRequest]) -> list[str]:
    """The pages of somebody who is asked: one question, and several in one session."""
    asked = [questions[0], *questions[2:]]
    sessions = [questions[2].session_id, questions[-2].session_id]
    return [
        "/",
        "/inbox/?tab=groups",
        f"/inbox/?tab=groups&request={asked[0].pk}&focus=1",
        *(f"/chat/{one}" for one in sessions),
        *(f"/requests/{one.pk}" for one in asked),
    ]


def addresses(questions: list[HumanRequest]) -> list[str]:
    first = questions[0]
    failed = Run.objects.get(status="failed")
    sessions = [f"/chat/{asked.session_id}" for asked in questions]
    requests = [f"/requests/{asked.pk}" for asked in questions]
    run = f"/runs/{first.wait.run_id}"
    procedures = ["/procedures", "/procedures/refund", "/procedures/release"]
    long = questions[-1]
    in_long_words = [
        "/procedures/long_words",
        f"/runs/{long.wait.run_id}",
        f"/chat/{long.session_id}",
    ]
    lists = ["/", "/chat", "/runs", "/profile", "/nowhere"]
    return [
        *lists,
        *procedures,
        *in_long_words,
        *sessions[:2],
        *requests[:2],
        run,
        f"{run}/journal",
        f"/runs/{failed.pk}",
    ]


@LOOKS
def test_every_page_fits_and_violates_no_rule_of_axe(
    width: int,
    scheme: Scheme,
    open_page: OpenPage,
    questions: list[HumanRequest],
    alice: User,
    bob: User,
) -> None:
    faults: dict[str, list[str]] = {}
    pages = ((alice, addresses(questions)), (bob, with_forms(questions)), (None, ["/sign-in"]))
    for user, seen in pages:
        page = open_page(user, width=width, scheme=scheme, bypass_csp=True)  # axe needs it
        for address in seen:
            visit(page, address)
            faults[f"{user}: {address}"] = faults_of(page)
    assert not {address: found for address, found in faults.items() if found}


RUNS_FROM_RIGHT = """(text) => {
  const [first, last] = ["من", "الآن"].map((word) => {
    const range = document.createRange();
    const at = text.firstChild.data.indexOf(word);
    range.setStart(text.firstChild, at);
    range.setEnd(text.firstChild, at + word.length);
    return range.getBoundingClientRect();
  });
  const box = text.getBoundingClientRect();
  return first.left > last.left && box.right - first.right < 24;
}"""


def test_what_is_written_from_right_to_left_is_read_so(
    open_page: OpenPage, questions: list[HumanRequest], alice: User
) -> None:
    session = questions[0].session
    post_message(session, "من يدفع 9 EUR الآن", by=alice)
    page = open_page(alice)

    page.goto(f"/chat/{session.pk}")

    assert page.get_by_text("من يدفع").last.evaluate(RUNS_FROM_RIGHT)


IN_ORDER = """(title) => {
  const [words, ...others] = [...title.children].map((one) => one.getBoundingClientRect());
  return others.every((one) => words.right <= one.left || words.bottom <= one.top);
}"""


def test_a_title_from_right_to_left_stands_before_what_follows_it(
    open_page: OpenPage, alice: User, bob: User
) -> None:
    grant_to_both("arabic")
    asked = request_of(run_until_it_waits("arabic", by=alice))
    page = open_page(alice)

    for address in ("/runs", f"/runs/{asked.wait.run_id}", f"/chat/{asked.session_id}"):
        visit(page, address)
        title = page.locator(".run-row__title, h1", has=page.locator("bdi")).last
        assert title.evaluate(IN_ORDER)


GAPS = """(meta) => {
    const dot = [...meta.childNodes].find((node) => node.nodeType === 3 && node.data.includes("·"));
    const place = dot.data.indexOf("·");
    const edge = (node, from, to, side) => {
      const range = document.createRange();
      range.setStart(node, from);
      range.setEnd(node, to);
      return range.getBoundingClientRect()[side];
    };
    const before = meta.querySelector("bdi").getBoundingClientRect().right;
    const after = meta.querySelector("local-time").getBoundingClientRect().left;
    const space = document.createElement("canvas").getContext("2d");
    // The shorthand may be empty, if a part of the font has no place in it.
    const style = getComputedStyle(meta);
    space.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const width = space.measureText(" ").width;
    const [left, right] = ["left", "right"].map((side) => edge(dot, place, place + 1, side));
    const gaps = [left - before, after - right];
    return gaps.every((gap) => Math.abs(gap - width) < 1);
}"""


def test_a_row_of_runs_has_one_space_on_each_side_of_its_dot(
    running_web: Web, open_page: OpenPage, alice: User
) -> None:
    grant_to_both("one_of_each")
    run_until_it_waits("one_of_each", by=alice, kind="told")
    page = open_page(alice)

    visit(page, "/runs")

    assert page.locator(".run-row__meta").evaluate(GAPS)


def faults_of(page: Page) -> list[str]:
    """Return what doesn't fit, is too narrow to write in, or violates a rule of axe."""
    assert page.viewport_size
    is_phone = page.viewport_size["width"] == PHONE
    found = [*sideways(page), *narrow(page), *violations_of(page)]
    return [*found, *(at_smallest(page) if is_phone else ())]


def sideways(page: Page) -> list[str]:
    """Measured against the screen: a phone's `innerWidth` grows with what doesn't fit."""
    assert page.viewport_size
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"It is {wide} px wide."] if wide > page.viewport_size["width"] else []


def at_smallest(page: Page) -> list[str]:
    """Return what doesn't fit the smallest phone; the window then has its width again."""
    size = page.viewport_size
    assert size
    page.set_viewport_size({**size, "width": SMALLEST})
    found = [f"At {SMALLEST} px: {fault}" for fault in sideways(page)]
    page.set_viewport_size(size)
    return found


def narrow(page: Page) -> list[str]:
    """The fields for words that are too narrow to write in."""
    fields = page.locator("input:is([type=text], [type=search], :not([type])), textarea")
    shown = [one for one in fields.all() if one.is_visible()]
    widths = {one: box["width"] for one in shown if (box := one.bounding_box())}
    return [f"{one} is {width} px wide." for one, width in widths.items() if width < NARROWEST]


def violations_of(page: Page) -> list[str]:
    """The findings of axe, which styles elements itself: the CSP would call that a fault."""
    page.wait_for_load_state()
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found]


def visit(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("main")).to_be_visible()


@pytest.mark.parametrize("name", ["home", "chat", "run", "request", "procedures", "procedure"])
def test_a_first_visit_is_small_and_asks_nobody_else(
    name: str,
    open_page: OpenPage,
    running_web: Web,
    questions: list[HumanRequest],
    bob: User,
    tell: Callable[[str], None],
) -> None:
    page = open_page(bob)
    found: dict[str, Request] = {}
    page.on("requestfinished", lambda request: found.update({request.url: request}))

    visit(page, landing(name, questions[0]))
    page.wait_for_load_state("networkidle")

    sizes = {url: sizes_of(request) for url, request in list(found.items())}
    plain, sent = (sum(column) for column in zip(*sizes.values(), strict=True))
    tell(f"{name:<12}{sent:>8,} bytes sent, {plain:>8,} as they are, {len(sizes)} requests")
    assert all(url.startswith(running_web.url) for url in sizes)
    assert "app.js" in str(sizes)
    assert sent < LARGEST_PAGE, sizes


def landing(name: str, asked: HumanRequest) -> str:
    """A page on which a first visit may begin: home, or one that a mail or a colleague links to."""
    return {
        "home": "/",
        "chat": f"/chat/{asked.session_id}",
        "run": f"/runs/{asked.wait.run_id}",
        "request": f"/requests/{asked.pk}",
        "procedures": "/procedures",
        "procedure": "/procedures/release",
    }[name]


def sizes_of(request: Request) -> tuple[int, int]:
    """Bytes as they are, and as they travel."""
    response = request.response()
    body = response.body() if response and response.status != 204 else b""
    return len(body), request.sizes()["responseBodySize"]


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_badge_of_three_digits_covers_no_icon(
    width: int, open_page: OpenPage, questions: list[HumanRequest], bob: User
) -> None:
    page = open_page(bob, width=width)
    visit(page, "/")
    entry = page.locator(".nav__item", has=page.locator("#waiting-requests"))
    badge, icon = entry.locator(".nav__count"), entry.locator("svg").first

    badge.evaluate("element => element.firstChild.data = '128'")

    there, beside = badge.bounding_box(), icon.bounding_box()
    assert there
    assert beside
    assert there["x"] >= beside["x"] + beside["width"]
    assert there["x"] + there["width"] <= width
