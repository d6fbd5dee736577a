"""Callers of the API: tokens, sign-in sessions, and nobody else."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from dashboard.models import ApiToken
from tests.calls import JSON, RUNS, caller, detail, grant


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer wrong", "Bearer é\0", "Basic YWxpY2U6YWxpY2U=", "wrong", "\0"],
)
def test_a_wrong_token_is_refused(alice: User, header: str) -> None:
    client = Client(headers={"Authorization": header})
    client.force_login(alice)

    response = client.get("/api/runs")

    assert detail(response, 401) == "Sign in, or send a valid token."
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_nobody_is_refused(db: None, client: Client) -> None:
    detail(client.get("/api/runs"), 401)
    detail(client.post(RUNS), 401)


def test_the_token_of_somebody_deactivated_is_dead(alices: Client, alice: User) -> None:
    assert alices.get("/api/runs").status_code == 200

    User.objects.filter(pk=alice.pk).update(is_active=False)

    detail(alices.get("/api/runs"), 401)


def test_a_token_ends_with_its_user_and_by_hand(alices: Client, alice: User, bob: User) -> None:
    bobs = caller(bob)

    ApiToken.objects.filter(user=bob).delete()
    alice.delete()

    detail(alices.get("/api/runs"), 401)
    detail(bobs.get("/api/runs"), 401)


def test_a_token_is_kept_as_a_digest_only(alice: User) -> None:
    token = ApiToken.create_for(alice)
    row = ApiToken.objects.get()

    assert token not in (row.digest, row.hint, str(row))
    assert token.startswith(row.hint)


def test_a_session_needs_the_csrf_token_to_change_something(alice: User, support: Group) -> None:
    grant("typed_inputs", support, "start")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.get("/api/docs")  # as any page with a form it sets the cookie

    assert client.get("/api/runs").status_code == 200
    sentence = detail(client.post(RUNS, {"count": 1}, JSON), 403)
    assert sentence == "Send the value of the cookie csrftoken in the header X-CSRFToken."
    token = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post(RUNS, {"count": 1}, JSON, headers=token).status_code == 201


def test_a_session_of_somebody_deactivated_is_nobodys(alice: User) -> None:
    client = Client()
    client.force_login(alice)

    User.objects.filter(pk=alice.pk).update(is_active=False)

    detail(client.get("/api/runs"), 401)
