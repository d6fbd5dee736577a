"""Operators act on the run page: with two clicks and a reason, by keys, without scripts."""

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Locator, Page, expect

from procedures.models import Event, Run
from procedures.services import pause_run
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_page import faults_of
from tests.calls import grant, run_until_it_waits
from tests.operated import quarantine
from tests.processes import Web
from tests.runs import status_of

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
REASON = "The mail server is back."
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
LINES = """(label) => {
  const range = document.createRange();
  range.selectNodeContents(label);
  return new Set([...range.getClientRects()].map((one) => one.top)).size;
}"""
ROW = """(row) => {
    const { left, right, height } = row.getBoundingClientRect();
    const shown = [...row.querySelectorAll(":scope > .button:not([hidden])")];
    const isOutside = (box) => box.left < left - 1 || box.right > right + 1;
    const words = shown[0].querySelector("bdi");
    return {
      height,
      offered: row.querySelectorAll(".button > bdi").length,
      outside: shown.filter((one) => isOutside(one.getBoundingClientRect())).length,
      hidden: words.scrollHeight - words.clientHeight > 1,
    };
}"""
"""The row of operations: what is cut off, and whether the words of its first button are whole."""


@pytest.fixture
def failed(operators: Group) -> Run:
    """A run that dave may operate; he has no other role."""
    grant("broken_child", operators, "operate")
    run = run_until_it_waits("broken_child")
    assert status_of(run) == "failed"
    return run


def button(within: Page | Locator, name: str) -> Locator:
    return within.get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_failed_run_is_retried_with_two_clicks_and_a_reason(
    width: int,
    scripts: bool,  # noqa: FBT001 (a parameter of the test)
    running_web: Web,
    open_page: OpenPage,
    failed: Run,
    dave: User,
) -> None:
    page = open_page(dave, width=width, scripts=scripts)
    page.goto(f"/runs/{failed.pk}")

    button(page, "Retry from mend").click()
    dialog = page.get_by_role("dialog", name="Retry from mend")
    expect(dialog).to_contain_text("1 step is kept and isn't repeated.")
    expect(dialog).to_contain_text("mend is tried again.")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill(REASON)
    assert page.evaluate(SIDEWAYS) == 0
    button(dialog, "Retry").click()

    expect(page.get_by_text("The run continues and tries mend again.")).to_be_visible()
    expect(page).to_have_url(f"{running_web.url}/runs/{failed.pk}")
    assert status_of(failed) == "queued"
    assert failed.pk == Run.objects.get().pk
    assert not Event.objects.filter(run=failed, kind="run.cancelled").exists()


def test_keys_open_a_dialog_choose_a_reason_and_fire(
    running_web: Web, open_page: OpenPage, failed: Run, dave: User
) -> None:
    page = open_page(dave)
    page.goto(f"/runs/{failed.pk}")
    page.keyboard.press("t")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Enter")  # without a reason nothing is done
    expect(page.get_by_text("Give a reason. It is recorded in the journal.")).to_be_visible()
    assert status_of(failed) == "failed"
    page.get_by_label("Reason").fill(REASON)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The run continues and tries mend again.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-live", "live")  # its scripts run

    page.keyboard.press("p")
    dialog = page.get_by_role("dialog", name="Pause")
    dialog.get_by_text(REASON).click()
    page.keyboard.press("Enter")

    expect(page.get_by_text("The run is paused.")).to_be_visible()
    assert status_of(failed) == "paused"


def test_several_runs_are_retried_from_home_or_by_keys_from_the_list_in_a_dialog(
    running_web: Web, open_page: OpenPage, failed: Run, dave: User
) -> None:
    runs = [failed, *(run_until_it_waits("broken_child") for _ in range(2))]
    page = open_page(dave)
    page.goto("/")
    button(page, "Retry 3 runs…").click()
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text("Retry 3 runs")
    page.keyboard.press("Escape")
    page.goto("/runs")
    bar = page.locator(".runs-bulk__words")
    expect(bar).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Choose the highlighted run")
    expect(page.get_by_role("dialog")).not_to_contain_text("Choose up to here")  # not in sight yet
    page.keyboard.press("Escape")
    for key in ("j", "j", "x", "j", "X"):  # the first row, the second one, and up to the third
        page.keyboard.press(key)
    expect(bar).to_have_text("2 chosen")
    page.keyboard.press("k")
    expect(page.locator(f"#run-row-{runs[1].pk}")).to_be_focused()
    button(page, "Retry…").press("Enter")

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Retry 2 runs")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Enter")  # without a reason nothing is done
    expect(dialog).to_contain_text("Give a reason.")
    page.keyboard.type(REASON)
    page.keyboard.press("Enter")
    expect(dialog.locator('[data-result="applied"]')).to_have_count(2)
    page.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(page.locator(".run-line__box:checked")).to_have_count(0)
    assert [status_of(run) for run in runs] == ["queued", "queued", "failed"]


def test_the_buttons_follow_the_run_but_never_under_an_open_dialog(
    running_web: Web, open_page: OpenPage, operators: Group, dave: User
) -> None:
    grant("question", operators, "operate")
    run = run_until_it_waits("question")
    page = open_page(dave)
    page.goto(f"/runs/{run.pk}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    button(page, "Cancel").click()
    dialog = page.get_by_role("dialog", name="Cancel")
    dialog.get_by_label("Reason").fill("A mist")

    pause_run(run.pk, by=dave, reason="Lunch.")
    expect(page.locator(".run-now")).to_have_attribute("data-phase", "paused")
    expect(dialog.get_by_label("Reason")).to_have_value("A mist")
    dialog.get_by_label("Reason").press_sequentially("ake.")
    button(dialog, "Cancel the run").click()
    expect(page.get_by_role("alert")).to_contain_text("The run has changed since you opened this.")
    expect(page.get_by_label("Reason")).to_have_value("A mistake.")
    assert status_of(run) == "paused"

    page.goto(f"/runs/{run.pk}")
    button(page, "Cancel").click()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    button(page, "Resume").click()
    page.get_by_role("dialog", name="Resume").get_by_label("Reason").fill("Back.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The run is waiting again.")).to_be_visible()
    expect(button(page, "Pause")).to_be_visible()


def test_the_operations_are_one_row_at_any_width_and_the_menu_has_what_finds_no_room(
    running_web: Web, open_page: OpenPage, operators: Group, dave: User
) -> None:
    grant("question", operators, "operate", "start")
    run = run_until_it_waits("question")
    quarantine(run)
    page = open_page(dave)  # with a mouse, so the keys are printed
    page.goto(f"/runs/{run.pk}")
    row, more = page.locator(".operations"), button(page, "More")
    rows = {}

    for width in (DESK, 1024, 768, PHONE, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(FRAMES)
        assert page.evaluate(SIDEWAYS) == 0, width
        rows[width] = row.evaluate(ROW)
    expect(button(page, "Cancel")).to_be_hidden()
    more.click()
    page.locator(".operations__menu").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog", name="Cancel")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": DESK, "height": 900})

    expect(button(page, "Cancel")).to_be_visible()
    whole = {"height": rows[DESK]["height"], "offered": 7, "outside": 0, "hidden": False}
    assert rows == dict.fromkeys(rows, whole)


def test_the_word_of_the_main_operation_is_whole_at_any_width(
    running_web: Web, open_page: OpenPage, operators: Group, dave: User
) -> None:
    grant("question", operators, "operate")
    run = run_until_it_waits("question")
    pause_run(run.pk, by=dave, reason="Lunch.")
    page = open_page(dave)
    page.goto(f"/runs/{run.pk}")
    label = page.locator(".operations > .button--main > bdi")

    for width in (DESK, 1300, 1200, 1024, 768, PHONE, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(FRAMES)
        assert (label.inner_text(), label.evaluate(LINES)) == ("Resume", 1), width


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "dark"), (PHONE, "light")])
def test_an_operator_sends_a_signal_by_a_form_that_fits_and_violates_no_rule_of_axe(
    width: int,
    scheme: Scheme,
    running_web: Web,
    open_page: OpenPage,
    operators: Group,
    dave: User,
) -> None:
    grant("waits_for_a_delivery", operators, "operate")
    run = run_until_it_waits("waits_for_a_delivery")
    page = open_page(dave, width=width, scheme=scheme, bypass_csp=True)  # axe needs it
    page.goto(f"/runs/{run.pk}")

    page.evaluate(FRAMES)  # the row is arranged when its size is known
    more = button(page, "More")
    if more.is_visible():
        more.click()
    page.get_by_role("link", name="Send a signal…").click()
    page.get_by_label("Parcel").fill("P-7")
    page.get_by_label("Weight").fill("heavy")
    page.get_by_label("Reason").fill(REASON)
    button(page, "Send the signal").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert faults_of(page) == []
    page.get_by_label("Weight").fill("1.5")
    button(page, "Send the signal").click()

    expect(page.get_by_text("The signal was sent, and the run continues.")).to_be_visible()
