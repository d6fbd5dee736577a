"""Signing in with a company account: a real provider, and everything it may get wrong."""

import re
from html import unescape
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from dashboard.accounts.offboarding import offboard
from dashboard.admin.pages.settings import in_force
from dashboard.environment.site_secrets import find_site_secrets
from procedures.models import Act
from tests.company.conftest import who
from tests.company.provider import SECRET, Company, new_key
from tests.configured import configure
from tests.conftest import create_person

WORDS = re.compile(r'<p class="notice" role="alert">([^<]+)')


def to_company(client: Client, **fields: str) -> str:
    """The address at the company to which the page after the button leads."""
    page = client.post("/company-sign-in/corp", fields).content.decode()
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert found, page
    return unescape(found[1])


def back(address: str) -> str:
    """The path with which the company sends the browser back."""
    url = urlsplit(address)
    connection = HTTPConnection(str(url.hostname), url.port)
    connection.request("GET", f"{url.path}?{url.query}")
    there = urlsplit(str(connection.getresponse().headers["Location"]))
    connection.close()
    return f"{there.path}?{there.query}"


def sign_in(client: Client, **fields: str) -> Any:
    return client.get(back(to_company(client, **fields)))


def refusal(response: Any) -> tuple[int, str]:
    found = WORDS.search(response.content.decode())
    assert found, response.content.decode()
    return response.status_code, unescape(found[1])


def acts() -> set[str]:
    return set(Act.objects.values_list("words", flat=True))


def test_invited_people_are_matched_by_a_verified_address_and_stay_linked(
    company: Company, ann: User
) -> None:
    client = Client()
    assert "Sign in with Corp" in client.get("/sign-in").content.decode()

    response = sign_in(client, next="/runs")

    assert (response.status_code, response["Location"], who(client)) == (302, "/runs", "ann")
    assert {"Linked an account at Corp.", "Signed in."} <= acts()

    company.person |= {"email": "blum@corp.example", "email_verified": False}
    sign_in(other := Client(), next="https://elsewhere.example/")
    assert who(other) == "ann"


def test_nobody_takes_an_account_over_by_an_unverified_address(company: Company, ann: User) -> None:
    for told in (False, "false", None):
        company.person["email_verified"] = told
        status, words = refusal(sign_in(client := Client()))

        assert (status, who(client)) == (403, None)
        assert "hasn't verified" in words
    assert not ann.socialaccount_set.exists()  # type: ignore[attr-defined]


def test_strangers_are_refused_until_a_group_is_named_for_them(
    company: Company, settings: Settings, ann: User, alice: User
) -> None:
    company.person |= {"sub": "7", "email": "Zoe@corp.example", "name": "Zoe Stone"}
    client = Client()
    assert "No account here has" in refusal(sign_in(client))[1]
    assert not User.objects.filter(email__iexact="zoe@corp.example").exists()

    configure(settings, NEW_PEOPLE_GROUP="visitors")
    assert refusal(sign_in(client))[0] == 403  # there is no such group
    Group.objects.create(name="visitors")
    sign_in(client)

    zoe = User.objects.get(email__iexact="zoe@corp.example")
    assert (zoe.username, zoe.first_name, zoe.last_name) == ("zoe", "Zoe", "Stone")
    assert [one.name for one in zoe.groups.all()] == ["visitors"]
    assert (zoe.is_staff, zoe.is_superuser, zoe.has_usable_password()) == (False, False, False)
    assert who(client) == "zoe"

    company.person |= {"sub": "8", "email": "alice@other.example"}
    sign_in(client)
    assert who(client) == "alice@other.example"  # and not alice
    company.person |= {"sub": "9", "email": "ALICE@other.example"}
    sign_in(client)
    assert who(client) == "alice@other.example"


def test_an_address_of_two_people_signs_in_nobody(company: Company, ann: User) -> None:
    other = create_person("anna")
    other.email = "ANN@corp.example"
    other.save()

    client = Client()
    assert "Several accounts" in refusal(sign_in(client))[1]
    assert who(client) is None


@pytest.mark.parametrize("is_linked", [True, False])
def test_whoever_has_left_is_refused(
    company: Company, ann: User, admin_user: User, *, is_linked: bool
) -> None:
    if is_linked:
        sign_in(Client())
    offboard(ann, {}, rest="", by=admin_user, reason="Left.")

    client = Client()
    assert "isn't active" in refusal(sign_in(client))[1]
    assert who(client) is None
    assert "A sign-in failed." in acts()


@pytest.mark.parametrize(
    ("changes", "signing"),
    [
        ({"nonce": "another"}, {}),
        ({"nonce": None}, {}),
        ({"iss": "https://other.example"}, {}),
        ({"aud": "another site"}, {}),
        ({"exp": 1_700_000_000}, {}),
        ({"sub": ""}, {}),
        ({}, {"key": new_key()}),
        ({}, {"key": SECRET, "algorithm": "HS256"}),
        ({}, {"key": None, "algorithm": "none"}),
    ],
    ids=lambda one: ",".join(f"{name}={str(value)[:20]}" for name, value in one.items()) or "-",
)
def test_a_token_that_isnt_this_sign_ins_signs_in_nobody(
    company: Company, ann: User, changes: dict[str, Any], signing: dict[str, Any]
) -> None:
    company.changes = changes
    company.signing |= signing

    client = Client()
    assert refusal(sign_in(client))[0] == 403
    assert who(client) is None


def test_the_way_back_is_good_for_its_own_browser_and_once(company: Company, ann: User) -> None:
    victim, thief = Client(), Client()
    path = back(to_company(thief))
    assert refusal(victim.get(path))[0] == 403
    assert who(victim) is None

    thief.get(path)
    assert who(thief) == "ann"
    assert refusal(Client().get(path))[0] == 403
    assert refusal(victim.get("/company-sign-in/corp/callback"))[0] == 403
    assert victim.get("/company-sign-in/none/callback").status_code == 404
    assert victim.get("/company-sign-in/corp").status_code == 405


def test_the_person_is_told_if_the_company_says_no_or_is_away(
    company: Company, ann: User, settings: Settings
) -> None:
    client = Client()
    state = dict(pair.split("=") for pair in urlsplit(to_company(client)).query.split("&"))["state"]
    query = urlencode({"error": "access_denied", "state": state})
    assert "didn't sign you in" in refusal(client.get(f"/company-sign-in/corp/callback?{query}"))[1]

    path = back(to_company(client))
    away = {**company.setting, "url": "http://127.0.0.1:9"}
    configure(settings, OIDC_PROVIDERS={"corp": away})
    for response in (client.get(path), client.post("/company-sign-in/corp")):
        status, words = refusal(response)
        assert (status, "can't be reached" in words) == (502, True)
    assert client.post("/sign-in", {"username": "ann", "password": "x"}).status_code == 200


def test_failures_are_counted_by_address(company: Company, ann: User, settings: Settings) -> None:
    configure(settings, ATTEMPTS_PER_ADDRESS="2 per hour")
    company.changes = {"nonce": "another"}
    client = Client()
    assert [refusal(sign_in(client))[0] for _ in range(2)] == [403, 403]

    company.changes = {}
    assert client.post("/company-sign-in/corp").status_code == 429
    assert client.get("/company-sign-in/corp/callback?code=1").status_code == 429
    assert who(client) is None


def test_the_secret_is_shown_nowhere(company: Company, root: Client) -> None:
    assert in_force("OIDC_PROVIDERS").value == "corp"
    assert SECRET in set(find_site_secrets())
    assert SECRET not in root.get("/admin/settings/").content.decode()
    assert SECRET not in to_company(Client())
