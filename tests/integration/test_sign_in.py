"""Signing in by name and by link, signing out, and who may open what."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from dashboard.accounts.sign_in import sign_in_link
from tests.conftest import make_staff
from tests.pages import path_in


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def post(client: Client, path: str, **fields: str) -> int:
    """Post like a browser: with the form's token."""
    client.get("/sign-in")
    token = client.cookies["csrftoken"].value
    response = client.post(path, {"csrfmiddlewaretoken": token, **fields})
    return response.status_code


def path_of(user: User) -> str:
    return path_in(sign_in_link(user))


def who(client: Client) -> str | None:
    user_id = client.session.get("_auth_user_id")
    return User.objects.get(pk=user_id).username if user_id else None


def test_a_link_signs_in_by_its_button(client: Client, alice: User) -> None:
    path = path_of(alice)
    page = client.get(path)

    assert "Sign in as alice" in page.content.decode()
    assert post(client, path) == 302
    assert who(client) == "alice"


def test_opening_a_link_changes_nothing(client: Client, alice: User) -> None:
    path = path_of(alice)

    for _ in range(2):
        assert client.get(path).status_code == client.head(path).status_code == 200

    alice.refresh_from_db()
    assert alice.last_login is None
    assert not Session.objects.exists()


def test_a_link_works_once(client: Client, alice: User) -> None:
    first, second = path_of(alice), path_of(alice)
    post(client, first)
    other = Client(enforce_csrf_checks=True)

    assert other.get(first).status_code == 410
    assert post(other, first) == post(other, second) == 410
    assert who(other) is None
    assert b"An administrator of this site can give you another." in other.get(first).content


def test_a_link_grows_old(client: Client, alice: User, settings: Settings) -> None:
    path = path_of(alice)
    settings.PASSWORD_RESET_TIMEOUT = -1

    assert client.get(path).status_code == 410
    assert post(client, path) == 410


@pytest.mark.parametrize(
    "path", ["/sign-in/alice/x-y", "/sign-in/alice/nonsense", "/sign-in/eve/x"]
)
def test_a_forged_link_tells_nothing(client: Client, alice: User, path: str) -> None:
    assert client.get(path).status_code == 410
    assert post(client, path) == 410


def test_a_link_is_for_its_person_only(client: Client, alice: User, bob: User) -> None:
    path = path_of(alice).replace("alice", "bob")

    assert client.get(path).status_code == 410


def test_a_deactivated_person_has_no_link(client: Client, alice: User) -> None:
    path = path_of(alice)
    alice.is_active = False
    alice.save()

    assert client.get(path).status_code == 410


def test_a_link_needs_its_own_form(client: Client, alice: User) -> None:
    path = path_of(alice)

    refused = client.post(path)

    assert refused.status_code == 403
    assert b"Please try again" in refused.content
    assert who(client) is None


def test_a_link_takes_over_from_somebody_else(client: Client, alice: User, bob: User) -> None:
    client.force_login(bob)
    page = client.get(path_of(alice)).content.decode()

    assert "You are signed in as <strong>bob</strong>" in page
    assert post(client, path_of(alice)) == 302
    assert who(client) == "alice"


def test_the_page_of_a_link_is_kept_nowhere_and_named_to_nobody(
    client: Client, alice: User
) -> None:
    page = client.get(path_of(alice))

    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "same-origin"


def test_the_command_prints_a_link(client: Client, alice: User) -> None:
    output = StringIO()
    call_command("sign_in_link", "alice", stdout=output)
    link = output.getvalue().strip()

    assert link.startswith("http://localhost:8000/sign-in/alice/")
    assert client.get(link).status_code == 200


def test_the_command_knows_whom_it_does_not_know(db: None) -> None:
    with pytest.raises(CommandError, match="There is no active user with the name eve"):
        call_command("sign_in_link", "eve")


def test_a_name_and_its_password_sign_in(client: Client, alice: User) -> None:
    alice.set_password("correct horse")
    alice.save()

    assert post(client, "/sign-in", username="alice", password="battery staple") == 200
    assert who(client) is None
    assert post(client, "/sign-in", username="alice", password="correct horse") == 302
    assert who(client) == "alice"


def test_a_wrong_password_is_said(client: Client, db: None) -> None:
    client.get("/sign-in")
    token = client.cookies["csrftoken"].value
    fields = {"username": "eve", "password": "x", "csrfmiddlewaretoken": token}

    page = client.post("/sign-in", fields).content.decode()

    assert "Wrong name or password" in page
    assert 'value="eve"' in page


def test_signing_out_takes_a_post(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.get("/sign-out").status_code == 405
    assert who(client) == "alice"
    assert post(client, "/sign-out") == 302
    assert who(client) is None


def test_home_is_for_those_signed_in(client: Client, alice: User) -> None:
    assert client.get("/").headers["Location"] == "/sign-in?next=/"

    client.force_login(alice)
    page = client.get("/").content.decode()

    assert "alice" in page
    assert "Support" in page
    assert "/api/docs" in page
    assert "/admin/" not in page


def test_staff_find_the_admin_at_home(client: Client, dave: User) -> None:
    client.force_login(make_staff(dave))

    assert b"/admin/" in client.get("/").content
    assert client.get("/admin/").status_code == 200


def test_the_admin_asks_at_our_own_door(client: Client, alice: User) -> None:
    asked = client.get("/admin/", follow=True)
    assert asked.request["PATH_INFO"] == "/sign-in"

    client.force_login(alice)
    refused = client.get("/admin/", follow=True)

    assert "who can't open that page" in refused.content.decode()
