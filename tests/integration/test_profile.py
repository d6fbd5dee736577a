"""A person's own page: tokens, sessions, password, time zone."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from dashboard.models import ApiToken, SignIn
from tests.calls import caller
from tests.pages import browser, shown

OLD, NEW = "correct horse battery", "staple of another kind"


def signed_in(name: str, password: str = OLD) -> Client:
    client = Client(headers={"User-Agent": f"Browser of {name}"})
    assert client.login(username=name, password=password)
    return client


@pytest.fixture
def alice(alice: User) -> User:
    alice.set_password(OLD)
    alice.save()
    return alice


def page(client: Client, path: str = "/profile") -> str:
    return shown(client.get(path))


def create(client: Client, **fields: Any) -> Any:
    return client.post("/profile/tokens", {"name": "Till 3", "scopes": ["read"]} | fields)


def test_the_page_is_linked_from_every_page(alice: User) -> None:
    assert 'href="/profile"' in page(browser(alice), "/")
    assert Client().get("/profile").headers["Location"] == "/sign-in?next=/profile"


def test_a_token_is_shown_once_and_works(alice: User) -> None:
    client = browser(alice)

    created = create(client, scopes=["read", "answer"], days="30")

    assert created.status_code == 201
    assert "no-store" in created.headers["Cache-Control"]
    token = re.findall(r"own-token__text[^>]*>([^<]+)<", created.content.decode())[0]
    assert Client(headers={"Authorization": f"Bearer {token}"}).get("/api/runs").status_code == 200
    again = page(client, "/profile")
    assert token not in again
    assert "Till 3" in again
    assert "read, answer" in again


@pytest.mark.parametrize(
    "fields",
    [{"name": ""}, {"scopes": []}, {"scopes": ["all"]}, {"days": "36500"}, {"name": "x" * 81}],
)
def test_a_token_that_cannot_be_is_refused(alice: User, fields: dict[str, Any]) -> None:
    refused = create(browser(alice), **fields)

    assert refused.status_code == 422
    assert not ApiToken.objects.exists()


def test_one_token_is_revoked_or_all_of_them(alice: User, bob: User) -> None:
    client, bobs = browser(alice), caller(bob)
    programs = [caller(alice) for _ in range(3)]
    first = ApiToken.objects.filter(user=alice).latest("pk")

    client.post(f"/profile/tokens/{first.pk}/revocation")
    assert [one.get("/api/runs").status_code for one in programs] == [200, 200, 401]
    client.post("/profile/tokens/revocation")
    assert [one.get("/api/runs").status_code for one in programs] == [401, 401, 401]
    assert bobs.get("/api/runs").status_code == 200


def test_nobody_touches_what_is_somebody_elses(alice: User, bob: User) -> None:
    bobs, token = caller(bob), ApiToken.objects.get(user=bob)
    browser(bob)
    client = browser(alice)

    theirs = SignIn.objects.get(user=bob)
    assert client.post(f"/profile/tokens/{token.pk}/revocation").status_code == 404
    assert client.post(f"/profile/sign-ins/{theirs.pk}/end").status_code == 404
    client.post("/profile/sign-ins/end")
    assert bobs.get("/api/runs").status_code == 200
    assert SignIn.objects.filter(pk=theirs.pk).exists()


def test_sessions_are_listed_and_ended(alice: User) -> None:
    here, there, elsewhere = (signed_in("alice") for _ in range(3))
    text = page(here, "/profile")
    assert text.count("Browser of alice") == 0  # the test's client signs in without its headers
    assert text.count("This session") == 1
    assert text.count("Sign out<span") == 3

    other = SignIn.objects.get(session=there.session.session_key)
    here.post(f"/profile/sign-ins/{other.pk}/end")
    assert [one.get("/").status_code for one in (here, there, elsewhere)] == [200, 302, 200]
    here.post("/profile/sign-ins/end")
    assert [one.get("/").status_code for one in (here, elsewhere)] == [200, 302]


def test_ones_own_session_can_be_ended(alice: User) -> None:
    here = signed_in("alice")
    own = SignIn.objects.get()

    assert here.post(f"/profile/sign-ins/{own.pk}/end").headers["Location"] == "/sign-in"
    assert here.get("/").status_code == 302


def test_a_sign_in_at_the_door_keeps_where_it_came_from(alice: User) -> None:
    agent = "Browser\x1b[31m of alice" + "x" * 300
    Client(headers={"User-Agent": agent}).post("/sign-in", {"username": "alice", "password": OLD})

    kept = SignIn.objects.get()
    assert kept.address == "127.0.0.1"
    assert kept.agent == ("Browser[31m of alice" + "x" * 300)[:200]


def test_sessions_that_have_ended_are_not_listed(alice: User) -> None:
    here, there = signed_in("alice"), signed_in("alice")
    Session.objects.filter(pk=there.session.session_key).update(expire_date="2020-01-01T00:00Z")

    assert page(here, "/profile").count("Sign out<span") == 1


def change(client: Client, old: str, new: str, again: str = "") -> Any:
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post("/profile/password", fields)


def test_a_new_password_ends_every_other_way_in(alice: User) -> None:
    here, there, program = signed_in("alice"), signed_in("alice"), caller(alice)

    assert change(here, OLD, NEW).status_code == 302

    assert here.get("/profile").status_code == 200
    assert page(here, "/profile").count("This session") == 1
    assert there.get("/").status_code == 302
    assert program.get("/api/runs").status_code == 401
    assert not Client().login(username="alice", password=OLD)
    signed_in("alice", NEW)


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", NEW, ""),
        (OLD, NEW, "another one entirely"),
        (OLD, "short", ""),
        (OLD, "12345678", ""),
    ],
)
def test_a_password_is_not_changed_like_that(alice: User, old: str, new: str, again: str) -> None:
    here, there, program = signed_in("alice"), signed_in("alice"), caller(alice)

    refused = change(here, old, new, again)

    assert refused.status_code == 422
    assert 'class="field__fault"' in refused.content.decode()
    assert there.get("/").status_code == 200
    assert program.get("/api/runs").status_code == 200


def test_who_came_by_a_link_sets_a_first_password(bob: User) -> None:
    client = browser(bob)

    assert "old_password" not in page(client, "/profile")
    client.post("/profile/password", {"new_password1": NEW, "new_password2": NEW})

    signed_in("bob", NEW)


def test_times_are_shown_for_the_chosen_zone(alice: User) -> None:
    client = signed_in("alice")
    assert " UTC</time>" in page(client, "/profile")
    assert "data-time-zone" not in page(client, "/")

    client.post("/profile/time-zone", {"time_zone": "Asia/Tokyo"})

    assert " JST</time>" in page(client, "/profile")
    assert 'data-time-zone="Asia/Tokyo"' in page(client, "/")
    assert " UTC</time>" in page(signed_in_as_bob(), "/profile")
    client.post("/profile/time-zone", {"time_zone": ""})
    assert " UTC</time>" in page(client, "/profile")


def signed_in_as_bob() -> Client:
    return browser(User.objects.create_user("bobby"))


@pytest.mark.parametrize("zone", ["Mars/Phobos", "../etc/passwd", "Europe/Berlin\0", "x" * 65])
def test_no_other_zone_is_taken(alice: User, zone: str) -> None:
    client = browser(alice)

    assert client.post("/profile/time-zone", {"time_zone": zone}).status_code == 422
    assert "data-time-zone" not in page(client, "/")


def test_keys_are_on_until_somebody_switches_them_off(alice: User) -> None:
    client = browser(alice)
    assert " data-keys" in shown(client.get("/profile"))
    client.post("/profile/keys", {})
    assert " data-keys" not in shown(client.get("/profile"))
    client.post("/profile/keys", {"has_keys": "true"})
    assert " data-keys" in shown(client.get("/profile"))
