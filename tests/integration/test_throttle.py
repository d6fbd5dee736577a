"""Whoever guesses is slowed down, by address and by name, and it stands in the log."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from dashboard.accounts.sign_in import sign_in_link
from dashboard.http.throttle import network_of
from tests.calls import caller, detail
from tests.configured import configure
from tests.pages import path_in
from tests.processes import Redis

RIGHT = "correct horse battery"


@pytest.fixture(autouse=True)
def small_limits(settings: Settings) -> None:
    configure(settings, ATTEMPTS_PER_NAME="3 per 15 minutes")
    configure(settings, ATTEMPTS_PER_ADDRESS="6 per 15 minutes")


@pytest.fixture
def alice(alice: User) -> User:
    alice.set_password(RIGHT)
    alice.save()
    return alice


def addresses() -> Iterator[str]:
    yield from (f"198.51.100.{number}" for number in range(1, 250))


def sign_in(name: str, password: str, address: str = "192.0.2.1") -> Any:
    fields = {"username": name, "password": password}
    return Client().post("/sign-in", fields, REMOTE_ADDR=address)


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_name_is_tried_a_few_times_from_anywhere(alice: User, name: str) -> None:
    """It counts the same if there is no such name, and in whatever letters it is written."""
    spellings = [name, name.upper(), f" {name} "]
    tries = [sign_in(*pair) for pair in zip(spellings, "xyz", addresses(), strict=False)]

    refused = sign_in(name, RIGHT, "203.0.113.9")

    assert [one.status_code for one in tries] == [200, 200, 200]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert "Too many attempts" in refused.content.decode()
    assert "_auth_user_id" not in refused.wsgi_request.session


def test_what_is_said_does_not_depend_on_there_being_such_a_name(alice: User) -> None:
    texts = {}
    for name in ("alice", "nobody"):
        for _ in range(3):
            sign_in(name, "x")
        text = sign_in(name, "x", "203.0.113.9").content.decode()
        texts[name] = text[text.index("<h1>") : text.index("csrfmiddlewaretoken")].replace(name, "")

    assert texts["alice"] == texts["nobody"]


def test_other_names_are_not_held_up(alice: User, bob: User) -> None:
    bob.set_password(RIGHT)
    bob.save()
    for _ in range(3):
        sign_in("alice", "x")

    assert sign_in("bob", RIGHT).status_code == 302


def test_an_address_is_refused_for_all_names_after_enough_of_them(alice: User) -> None:
    for number in range(6):
        assert sign_in(f"somebody {number}", "x", "2001:db8:1:2::1").status_code == 200

    assert sign_in("alice", RIGHT, "2001:db8:1:2:ffff::9").status_code == 429
    assert sign_in("alice", RIGHT, "2001:db8:1:3::1").status_code == 302


def test_signing_in_forgives_the_failures_of_the_name(alice: User) -> None:
    for _ in range(3):
        sign_in("alice", "x", "198.51.100.1")
        sign_in("alice", "x", "198.51.100.1")
        assert sign_in("alice", RIGHT, "192.0.2.1").status_code == (302 if _ < 3 else 429)


def test_failures_stand_in_the_log_with_name_and_address(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in("alice\n", "x", "198.51.100.7")
    for _ in range(3):
        sign_in("alice", RIGHT + "x", "198.51.100.7")

    assert "Failed sign-in as 'alice' from 198.51.100.7." in caplog.messages
    assert "Refused sign-in as 'alice' from 198.51.100.7: too many failures." in caplog.messages
    assert RIGHT not in caplog.text


def test_links_are_guessed_a_few_times(
    alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    good = path_in(sign_in_link(alice))
    tried = [Client().get(f"/sign-in/{name}/{n}").status_code for n, name in enumerate("abcdef")]

    assert tried == [410] * 6
    assert Client().get(good).status_code == Client().post(good).status_code == 429
    assert Client().get(good, REMOTE_ADDR="198.51.100.7").status_code == 200
    assert "Failed sign-in link as 'f' from 127.0.0.1." in caplog.messages


def test_tokens_are_guessed_a_few_times_and_good_ones_go_on(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    good = caller(alice)
    guesses = [Client(headers={"Authorization": f"Bearer x{number}"}) for number in range(8)]

    statuses = [one.get("/api/runs").status_code for one in guesses]

    assert statuses == [401] * 6 + [429] * 2
    detail(guesses[0].get("/api/runs"), 429)
    assert good.get("/api/runs").status_code == 200
    assert "Failed API token from 127.0.0.1." in caplog.messages


def test_the_old_password_is_guessed_a_few_times(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    fields = {"new_password1": "staple of a kind", "new_password2": "staple of a kind"}

    tries = [client.post("/profile/password", {"old_password": w} | fields) for w in "xyz"]

    assert [one.status_code for one in tries] == [422] * 3
    refused = client.post("/profile/password", {"old_password": RIGHT} | fields)
    assert refused.status_code == 429
    assert Client().login(username="alice", password=RIGHT)


def test_without_redis_each_process_counts(alice: User, redis_server: Redis) -> None:
    redis_server.stop()

    for _ in range(3):
        assert sign_in("dora", "x").status_code == 200
    assert sign_in("dora", "x").status_code == 429
    assert sign_in("alice", RIGHT).status_code == 302


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
