"""The admin's pages about decisions, the log and the site: for everybody, on desk and phone."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.models import HumanResponse
from chat.services import Answer, respond
from procedures.models import Act
from procedures.models.act import log_act
from procedures.services.retention.holds import place_hold
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_admin_page import admin_faults
from tests.browser.test_keyboard import enter
from tests.browser.test_people_and_access import main, written
from tests.calls import request_of, run_until_it_waits
from tests.pages import grant_to_both


@pytest.fixture
def decision(alice: User, bob: User) -> HumanResponse:
    grant_to_both("question")
    request = request_of(run_until_it_waits("question", by=alice))
    return respond(request.pk, Answer(value=True, comment="Carrier agrees."), by=bob)[0]


@pytest.fixture
def logged(admin_user: User, bob: User) -> Act:
    changes = {"first_name": ["", "Robert"], "groups": [["finance"], ["audit", "support"]]}
    return log_act(
        Act.Kind.PERSON, "Changed.", by=admin_user, about=bob, reason="Moved.", changes=changes
    )


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_no_page_about_the_site_has_a_grave_fault(
    width: int,
    scheme: Scheme,
    open_page: OpenPage,
    admin_user: User,
    decision: HumanResponse,
    logged: Act,
) -> None:
    page = open_page(admin_user, width=width, scheme=scheme, bypass_csp=True)
    hold = place_hold(decision.request.wait.run, by=admin_user, reason="Lawsuit.")
    paths = [
        "",
        "settings/",
        "new-runs/",
        "verification/",
        "retention/",
        "retention/procedures/question/?days=30",
        f"retention/holds/{hold.pk}/release/",
        "countersign_chat/decision/",
        f"countersign_chat/decision/{decision.pk}/change/",
        "countersign_procedures/act/",
        f"auth/user/{logged.about_id}/history/",
    ]

    faults = {path: admin_faults(page, path) for path in paths}

    assert not {path: found for path, found in faults.items() if found}


def test_an_auditor_reaches_the_certificate_by_keyboard(
    open_page: OpenPage, admin_user: User, decision: HumanResponse
) -> None:
    page = open_page(admin_user)

    here = main(page, "/admin/countersign_chat/decision/")
    written(page, here.get_by_label("Find"), "bob")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 result")).to_be_visible()
    enter(page, page.get_by_role("main").get_by_role("link", name=f"{decision.at:%Y}").first)

    expect(page.get_by_role("heading", level=1)).to_have_text("Certificate of a decision")
    expect(page.get_by_text("the answer is unchanged")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("#header")).to_be_hidden()
