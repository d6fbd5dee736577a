"""A page stays where somebody reads it while live updates arrive."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from chat.services import post_message
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import pause_run, unpause_run
from tests import runs
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.calls import grant, request_of
from tests.operated import quarantine
from tests.pages import ask, grant_to_both
from tests.processes import Web

MOST_SHIFT = 0.02
MEASURE = """
    const shifts = [];
    const take = (entries) => {
      for (const { value, hadRecentInput, sources } of entries) {
        const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 100));
        if (!hadRecentInput) shifts.push({ value, moved });
      }
    };
    const observer = new PerformanceObserver((list) => take(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    window.readShifts = () => {
      take(observer.takeRecords());
      return shifts;
    };
"""
PARTS = {
    "operations": ".operations",
    "state": ".run-now__state",
    "sentence": ".run-now__sentence",
    "steps": ".bars",
}
"""The parts above the steps of a run, and the beginning of these."""
BELOW_STEPS = """() => {
    const [steps, parts] = [".bars", ".run-now > .columns"]
      .map((one) => document.querySelector(one).getBoundingClientRect());
    return Math.round(parts.top - steps.bottom);
}"""
"""The distance of the inputs, the result and the files from the steps, which may get more."""
NOTE_PLACES = """(parts) => {
    window.places = {};
    const note = () => {
      for (const [name, selector] of Object.entries(parts)) {
        const box = document.querySelector(selector)?.getBoundingClientRect();
        (places[name] ??= new Set()).add(box ? Math.round(box.top) : "missing");
      }
    };
    note();
    const changes = { childList: true, subtree: true, attributes: true };
    new MutationObserver(note).observe(document.documentElement, changes);
    window.readPlaces = () =>
      Object.fromEntries(Object.entries(places).map(([name, tops]) => [name, [...tops]]));
}"""
NARROWEST = 320
AGES = ("just now", "59 s ago", "59 min ago", "23 h 59 min ago", "364 d 23 h ago")
WORDS = ("", *("Waiting " * count for count in (1, 6, 25, 90)))
VARYING = {
    ".run-now__sentence": WORDS,
    ".run-now__state .state > :last-child": WORDS,
    ".run-now__state time": AGES,
    ".live-mark__polling time": AGES,
}
"""The texts above the steps of a run that change while somebody watches it."""
TOPS_WITH = """(varying) => Object.entries(varying).map(([selector, texts]) => {
    const element = document.querySelector(selector), kept = [...element.childNodes];
    const tops = texts.map((text) => {
      element.textContent = text;
      return document.querySelector(".bars").getBoundingClientRect().top;
    });
    element.replaceChildren(...kept);
    return [selector, new Set(tops).size];
})"""
OVERLAPPING = """(text) => {
    const marks = [...document.querySelectorAll(".bars__marks > *")];
    for (const mark of marks) mark.textContent = text;
    const seen = marks.filter((one) => one.checkVisibility({ visibilityProperty: true }));
    const boxes = seen.map((one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      return range.getBoundingClientRect();
    });
    return boxes.filter(({ left }, place) => place && left < boxes[place - 1].right).length;
}"""
"""The number of marks of the time axis that begin before the one at their left ends."""
LONGEST_MARK = "12 Nov 14:02"
TOP = "id => document.getElementById(id).getBoundingClientRect().top"
HIDDEN = """() => {
    const text = document.querySelector("cut-text");
    return text.scrollHeight - text.clientHeight;
}"""
HEIGHT = "document.querySelector('.run-card').offsetHeight"
SCROLL_TO = "id => document.getElementById(id).scrollIntoView({ block: 'start' })"


@pytest.fixture
def queued(running_web: Web, operators: Group, finance: Group, dave: User) -> Run:
    """A run that dave has started and operates, and that will ask finance."""
    grant("bill_and_question", operators, "start", "operate")
    grant("bill_and_question", finance, "answer")
    return runs.start("bill_and_question", by=dave)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_what_stands_above_the_steps_of_a_run_stays_there_from_its_start_to_its_end(
    width: int, queued: Run, open_page: OpenPage, dave: User, bob: User
) -> None:
    page = watch(open_page(dave, width=width), f"/runs/{queued.pk}")
    page.evaluate(NOTE_PLACES, PARTS)
    sentence = page.locator(".run-now__sentence")
    question = page.get_by_role("link", name="Open the question")

    def offers(name: str) -> None:
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()

    advance_run(queued.pk)
    expect(question).to_be_visible()
    for state in ("polling", "live"):
        page.evaluate("state => document.documentElement.dataset.live = state", state)
    pause_run(queued.pk, by=dave, reason="Lunch.")
    offers("Resume")
    unpause_run(queued.pk, by=dave, reason="Back.")
    offers("Pause")
    runs.answer(request_of(queued), by=bob)
    expect(question).to_be_hidden()
    advance_run(queued.pk)
    expect(sentence).to_contain_text("Finished")
    offers("Restart…")

    assert_all_stayed(page)


def test_no_words_above_the_steps_of_a_run_move_them_at_any_width(
    queued: Run, open_page: OpenPage, dave: User
) -> None:
    page = watch(open_page(dave), f"/runs/{queued.pk}")
    page.evaluate("document.documentElement.dataset.live = 'polling'")

    for width in (NARROWEST, PHONE, 600, 768, 1024, DESK):
        page.set_viewport_size({"width": width, "height": 900})
        assert dict(page.evaluate(TOPS_WITH, VARYING)) == dict.fromkeys(VARYING, 1), width
        assert page.evaluate(OVERLAPPING, LONGEST_MARK) == 0, width


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_run_that_is_quarantined_while_it_is_watched_moves_neither_its_steps_nor_its_files(
    width: int, queued: Run, open_page: OpenPage, dave: User, bob: User
) -> None:
    page = watch(open_page(dave, width=width), f"/runs/{queued.pk}")
    question = page.get_by_role("link", name="Open the question")
    advance_run(queued.pk)
    expect(question).to_be_visible()
    runs.answer(request_of(queued), by=bob)
    expect(question).to_be_hidden()
    page.evaluate(NOTE_PLACES, PARTS)
    distance = page.evaluate(BELOW_STEPS)

    quarantine(queued)

    expect(page.get_by_role("cell", name="step b")).to_be_attached()
    assert_all_stayed(page)
    assert page.evaluate(BELOW_STEPS) == distance
    page.get_by_role("link", name="See what differs").click()
    expect(page.get_by_role("cell", name="step b")).to_be_in_viewport()


def test_a_sentence_that_is_longer_than_its_room_is_shown_whole_on_request_and_stays_so(
    queued: Run, open_page: OpenPage, dave: User
) -> None:
    page = open_page(dave, width=PHONE)
    page.set_viewport_size({"width": NARROWEST, "height": 844})
    watch(page, f"/runs/{queued.pk}")
    sentence = page.locator(".run-now__sentence")
    more, less = (page.get_by_role("button", name=f"Show {which}") for which in ("more", "less"))
    expect(more.or_(less)).to_have_count(0)

    pause_run(queued.pk, by=dave, reason="The mail server is away. " * 10)
    more.click()
    expect(less).to_be_visible()
    assert page.evaluate(HIDDEN) == 0
    top = page.evaluate(TOP, f"run-now-{queued.pk}")
    unpause_run(queued.pk, by=dave, reason="It is back.")

    expect(sentence).to_contain_text("Waiting for a free worker")
    assert page.evaluate(TOP, f"run-now-{queued.pk}") == top
    less.click()
    expect(less).to_be_hidden()
    assert page.evaluate(TOP, f"run-now-{queued.pk}") < top


def test_whoever_reads_below_the_steps_of_a_run_stays_there_while_these_get_more(
    queued: Run, open_page: OpenPage, dave: User
) -> None:
    page = open_page(dave, width=PHONE)
    page.set_viewport_size({"width": PHONE, "height": 300})
    watch(page, f"/runs/{queued.pk}")
    files, steps = f"files-{queued.pk}", page.locator(".bars__row")
    expect(steps).to_have_count(1)
    page.evaluate(SCROLL_TO, files)
    top = page.evaluate(TOP, files)
    assert page.evaluate(TOP, f"run-now-{queued.pk}") < 0
    assert abs(top) < 300

    advance_run(queued.pk)

    expect(steps).to_have_count(2)
    expect(page.get_by_role("link", name="blum.csv")).to_be_visible()
    assert abs(page.evaluate(TOP, files) - top) <= 1  # pages scroll by whole pixels


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_nothing_jumps_while_live_updates_arrive(
    width: int, site: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    grant_to_both("one_of_each")
    run = runs.start("one_of_each", by=alice, kind="told")
    asked = runs.wait_for_request(run)
    chat, detail, home = (
        watch(open_page(alice, width=width), address)
        for address in (f"/chat/{asked.session_id}", f"/runs/{run.pk}", "/")
    )
    bobs = watch(open_page(bob), "/")

    post_message(asked.session, "I looked at it.\n\nIt is fine.", by=bob)
    later = runs.wait_for_request(runs.start("one_of_each", by=alice, kind="approval"))
    expect(bobs.get_by_role("article", name="Pay 31.20 €?")).to_be_visible()
    runs.answer(asked, by=bob)
    runs.answer(later, by=bob)

    expect(chat.get_by_role("article", name="One of each", exact=True)).to_contain_text("Done")
    expect(detail.locator(".run-now__state")).to_contain_text("Done")
    expect(bobs.get_by_role("article", name="Pay 31.20 €?")).to_contain_text("by bob")
    for page in (chat, detail, home, bobs):
        assert_calm(page)


def test_what_stands_below_the_card_of_a_run_stays_there_when_its_stages_are_folded(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    grant_to_both("posts_everything")
    run = runs.start("posts_everything", by=alice)
    advance_run(run.pk)
    asked = request_of(run)
    page = open_page(alice, width=PHONE)
    page.set_viewport_size({"width": PHONE, "height": 1600})  # all of it is in sight
    chat = watch(page, f"/chat/{asked.session_id}")
    stages, card = chat.locator(".run-card__stages li"), chat.locator(".run-card")
    expect(stages).to_have_count(2)
    height = chat.evaluate(HEIGHT)

    runs.answer(asked, by=bob)
    advance_run(run.pk)

    expect(card).to_contain_text("Done")
    expect(stages).to_have_count(0)
    assert chat.evaluate(HEIGHT) == height
    assert_calm(chat)
    for _ in ("unfold", "fold"):
        card.locator("summary").click()
    chat.wait_for_function(f"height => {HEIGHT} < height", arg=height)


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("there", [0, pytest.param(1, marks=pytest.mark.soak), 3])
def test_cards_come_and_go_on_home_without_moving_anything(
    width: int, there: int, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    earlier = [ask("told", by=alice) for _ in range(there)]
    home = watch(open_page(bob, width=width), "/")
    cards, shown = home.locator(".request"), home.locator(".request[data-status=open]")

    later = ask("approval", by=alice)
    expect(home.locator("#waiting-requests")).to_have_attribute("data-count", str(there + 1))
    news = home.get_by_role("button", name="Waiting for you")
    expect(shown.nth(there).or_(news)).to_be_visible()
    for request in earlier[:1]:
        runs.answer(request, by=bob)
        expect(cards.first).to_contain_text("by bob")
    assert_calm(home)

    if news.is_visible():
        news.click()
    expect(home.get_by_role("article", name=later.prompt)).to_be_visible()
    expect(news).to_be_hidden()


def test_no_list_of_the_admin_moves_what_is_below_when_its_script_has_come(
    open_page: OpenPage, admin_user: User
) -> None:
    page = open_page(admin_user)
    page.add_init_script(MEASURE)

    page.goto("/admin/auth/group/add/")
    expect(page.get_by_label("Chosen permissions")).to_be_visible()

    assert_calm(page)


def assert_calm(page: Page, *, most: float = MOST_SHIFT) -> None:
    shifts: list[dict[str, Any]] = page.evaluate("readShifts()")
    assert sum(shift["value"] for shift in shifts) <= most, (page.url, shifts)


def watch(page: Page, address: str) -> Page:
    page.add_init_script(MEASURE)
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    return page


def assert_all_stayed(page: Page) -> None:
    """Each part has been at one place only since its place was first noted."""
    places = page.evaluate("readPlaces()")
    assert {name: len(tops) for name, tops in places.items()} == dict.fromkeys(PARTS, 1), places
