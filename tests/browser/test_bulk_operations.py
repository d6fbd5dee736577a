"""Jobs started by keyboard, on desk and phone: an operation on many runs, and a verification."""

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from procedures.models import Run
from procedures.services import verification
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_page import sideways, violations_of
from tests.browser.test_keyboard import enter
from tests.browser.test_people_and_access import written
from tests.calls import grant, run_until_it_waits
from tests.conftest import make_staff
from tests.runs import status_of


@pytest.mark.usefixtures("running_web")
@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_jobs_are_started_by_keyboard(
    width: int, scheme: Scheme, open_page: OpenPage, dave: User, operators: Group
) -> None:
    grant("question", operators, "operate")
    make_staff(dave, "view_act", "view_run")
    runs = [run_until_it_waits("question") for _ in range(2)]
    page = open_page(dave, width=width, scheme=scheme, bypass_csp=True)

    page.goto("/runs?procedure=question")
    enter(page, page.get_by_role("link", name="Act on all that match…"))
    expect(page.get_by_text("2 runs can be cancelled.")).to_be_visible()
    assert [*violations_of(page), *sideways(page)] == []
    enter(page, page.get_by_role("link", name="Pause", exact=True))
    expect(page.get_by_text("2 runs can be paused.")).to_be_visible()
    written(page, page.get_by_label("Reason", exact=True), "The shop is closed.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pause 2 runs: procedure question")
    assert Run.objects.get(procedure__name="act_on_runs").started_by == dave
    assert {status_of(run) for run in runs} == {"waiting"}

    page.goto("/admin/verification/")
    enter(page, page.get_by_role("button", name="Verify the whole site"))
    expect(page.get_by_text("It has just started.")).to_be_visible()
    assert [*violations_of(page), *sideways(page)] == []
    assert verification.verifications().get().started_by == dave
