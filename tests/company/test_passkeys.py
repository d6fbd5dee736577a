"""Passkeys in a real browser with a virtual authenticator; every page there, for everybody."""

import json
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from procedures.models import Act
from tests.browser.conftest import PHONE, OpenPage, Scheme
from tests.company.codes import code_of
from tests.company.conftest import PASSWORD
from tests.company.provider import Company
from tests.conftest import make_staff
from tests.processes import Process, Web

SITE = "http://localhost:{port}"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture(scope="module")
def company_web(start_for_module: Callable[[Process], Web], company_server: Company) -> Web:
    """Requires a second factor of staff, and lets people in by a company."""
    providers = json.dumps({"corp": company_server.setting})
    return start_for_module(Web(OIDC_PROVIDERS=providers, STAFF_NEED_SECOND_FACTOR="true"))


@pytest.fixture
def boss(transactional_db: None) -> User:
    user = User.objects.create_user("ann", "ann@corp.example", PASSWORD)
    return make_staff(user, "view_user")


def with_passkeys(page: Page) -> Page:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


def sign_in(page: Page) -> None:
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def check(page: Page) -> None:
    """The page is usable by everybody, and as wide as the phone at most."""
    page.wait_for_load_state()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def set_a_passkey_up(page: Page, site: str) -> None:
    expect(page).to_have_url(f"{site}/second-factor")
    check(page)
    page.get_by_role("link", name="Add a passkey").click()
    check(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    check(page)
    page.get_by_label("Name").fill("Ann's phone")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    check(page)


def set_an_app_up(page: Page, site: str) -> None:
    page.goto(f"{site}/second-factor/app")
    check(page)
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{site}/second-factor/app")
    check(page)
    secret = page.locator(".factor__key").inner_text()
    page.get_by_role("textbox", name="Code").fill(code_of(secret))
    page.get_by_role("button", name="Use this app").click()
    expect(page).to_have_url(f"{site}/second-factor")
    check(page)


def look_at_removals(page: Page) -> None:
    page.get_by_role("link", name="Remove Ann's phone").click()
    check(page)
    page.get_by_role("link", name="Back to your second factors").click()
    page.get_by_role("link", name="Remove the app").click()
    check(page)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.soak)])
def test_staff_set_a_passkey_up_and_sign_in_with_it_alone(
    open_page: OpenPage, company_web: Web, boss: User, scheme: Scheme
) -> None:
    site = SITE.format(port=company_web.port)
    page = open_page(None, web=company_web, width=PHONE, scheme=scheme, bypass_csp=True)
    with_passkeys(page).goto(f"{site}/admin/")
    check(page)
    sign_in(page)
    set_a_passkey_up(page, site)
    page.goto(f"{site}/admin/")
    expect(page).to_have_url(f"{site}/admin/")

    sign_out(page)
    page.goto(f"{site}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{site}/")
    page.goto(f"{site}/admin/people/")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    set_an_app_up(page, site)
    look_at_removals(page)

    sign_out(page)
    page.goto(f"{site}/sign-in")
    sign_in(page)
    expect(page).to_have_url(f"{site}/second-factor/code")
    check(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{site}/")
    words = set(Act.objects.about(boss).values_list("words", flat=True))
    assert "Added a second factor: Ann's phone." in words


def test_a_company_signs_in_under_the_content_security_policy(
    open_page: OpenPage, company_web: Web, company_server: Company, boss: User
) -> None:
    company_server.forget()
    boss.is_staff = False
    boss.save()
    page = with_passkeys(open_page(None, web=company_web))
    site = SITE.format(port=company_web.port)
    page.goto(f"{site}/sign-in?next=/profile")
    page.get_by_role("button", name="Sign in with Corp").click()
    expect(page).to_have_url(f"{site}/profile")
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    assert re.fullmatch(r"(\d{8}\s*){10}", page.locator(".factor__codes").inner_text())

    sign_out(page)
    company_server.person["email_verified"] = False
    company_server.person["sub"] = "another"
    page.goto(f"{site}/sign-in")
    page.get_by_role("button", name="Sign in with Corp").click()
    expect(page.get_by_role("alert")).to_contain_text("hasn't verified")
    expect(page.get_by_role("link", name="Sign in another way")).to_be_visible()
