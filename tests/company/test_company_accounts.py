"""Signing in with a company account: a real provider, and everything it may get wrong."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings
from requests import RequestException

from dashboard.accounts.offboarding import offboard
from dashboard.admin.pages.settings import in_force
from dashboard.company import adapters, exchanges
from dashboard.environment.site_secrets import find_site_secrets
from tests.company.conftest import who
from tests.company.provider import SECRET, SLOWLY, Company, new_key
from tests.company.steps import acts, back, refusal, sign_in, to_company
from tests.configured import configure
from tests.conftest import create_person

METADATA = "/.well-known/openid-configuration"


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


def test_two_first_sign_ins_at_once_make_one_link_and_one_account(
    company: Company, ann: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is done while this one has not yet found anybody."""
    Group.objects.create(name="visitors")
    configure(settings, NEW_PEOPLE_GROUP="visitors")
    own, seen = adapters.Companies._link, adapters._people_at  # noqa: SLF001 (nothing else calls them)

    def late(self: Any, request: Any, sociallogin: Any) -> None:
        monkeypatch.setattr(adapters.Companies, "_link", own)
        sign_in(Client())
        monkeypatch.setattr(adapters, "_people_at", lambda _address: [])
        own(self, request, sociallogin)

    for address, name in (("ann@corp.example", "ann"), ("zoe@corp.example", "zoe")):
        company.person |= {"sub": name, "email": address}
        monkeypatch.setattr(adapters, "_people_at", seen)
        monkeypatch.setattr(adapters.Companies, "_link", late)
        sign_in(client := Client())

        assert who(client) == name
        assert User.objects.filter(email=address).count() == 1
        assert SocialAccount.objects.filter(user__username=name).count() == 1


def test_a_link_writes_nothing_else_about_the_person(
    company: Company, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = adapters._people_at  # noqa: SLF001 (which nothing else calls)

    def changed_since(address: str) -> list[User]:
        found = seen(address)
        User.objects.filter(pk=ann.pk).update(first_name="Anna", is_active=False)
        return found

    monkeypatch.setattr(adapters, "_people_at", changed_since)
    sign_in(client := Client())

    ann.refresh_from_db()
    assert (ann.first_name, ann.is_active) == ("Anna", False)
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("own", "alike"),
    [("i", "\N{LATIN SMALL LETTER DOTLESS I}"), ("s", "\N{LATIN SMALL LETTER LONG S}")],
)
def test_an_address_that_only_looks_alike_is_anothers(
    company: Company, ann: User, own: str, alike: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some databases find both; here, one that finds everybody."""
    found = SimpleNamespace(model=User, filter=lambda **_: User.objects.all())
    monkeypatch.setattr(adapters, "users", lambda: found)
    ann.email = f"{own}bl@corp.example"
    ann.save()
    company.person["email"] = f"{alike}bl@corp.example"

    assert "No account here has" in refusal(sign_in(client := Client()))[1]
    assert who(client) is None


def test_whoever_comes_back_has_a_new_account(company: Company, ann: User) -> None:
    old = create_person("ann-of-last-year")
    old.email, old.is_active = ann.email, False
    old.save()

    sign_in(client := Client())
    assert who(client) == "ann"


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
        ({"sub": "4" * 192}, {}),
        ({"sub": "4\0"}, {}),
        ({"email": {"is": "ann@corp.example"}}, {}),
        ({"email": "ann@corp.example\0"}, {}),
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


@pytest.mark.parametrize(
    "metadata",
    [
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": ["https://corp.example"]},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "file:///proc/self/environ"},
        {"jwks_uri": "http://[::1"},
    ],
    ids=str,
)
def test_people_and_secrets_go_to_private_addresses_only(
    company: Company, ann: User, metadata: dict[str, Any]
) -> None:
    company.metadata = metadata

    assert refusal(Client().post("/company-sign-in/corp"))[0] == 502


@pytest.mark.parametrize("path", [METADATA, "/keys", "/token"])
@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        '"access_token"',
        '{"access_token": 1, "expires_in": {}, "id_token": 3, "keys": 4}',
        '{"access_token": "1", "expires_in": 1e400, "keys": [{}]}',
        '{"access_token": "1", "expires_in": 99999999999999999}',
        "[" * 200_000,
        f'{{"issuer": "{"x" * 1_000_000}"}}',
        "http://127.0.0.1:9/",
    ],
    ids=lambda one: one[:30],
)
def test_an_answer_that_makes_no_sense_signs_in_nobody(
    company: Company, ann: User, answer: str, path: str
) -> None:
    there = to_company(client := Client())
    company.wrong[path] = answer

    assert refusal(client.get(back(there)))[0] in {403, 502}
    if path == METADATA:
        assert refusal(client.post("/company-sign-in/corp"))[0] == 502
    assert who(client) is None


def test_a_company_that_never_ends_its_answer_holds_nobody(
    company: Company, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = back(to_company(client := Client()))
    told = httpx.get(f"{company.url}{METADATA}").text
    monkeypatch.setattr(exchanges, "SECONDS", 0.5)
    company.wrong[METADATA] = f"{SLOWLY}{told}"

    for response in (client.post("/company-sign-in/corp"), client.get(there)):
        status, words = refusal(response)
        assert (status, "can't be reached" in words) == (502, True)
    with exchanges.Bounded() as session, pytest.raises(RequestException):
        session.get(f"{company.url}{METADATA}")


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
