"""The address that is kept of whoever acts, through daphne and all that it serves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import User

from chat.models import HumanRequest, HumanResponse
from dashboard.models.sign_in import SignIn
from procedures import models
from tests.pages import ask
from tests.processes import Redis, Web
from tests.runs import client_of
from tests.sockets import session_of

PROXY, CLIENT, CLAIMED = "127.0.0.1", "203.0.113.5", "6.6.6.6"
FORWARDED = {"X-Forwarded-For": f"{CLAIMED}, {CLIENT}"}
Act = Callable[[Web, User, HumanRequest], httpx.Response]


@contextmanager
def browser(web: Web, user: User) -> Iterator[httpx.Client]:
    """Their browser behind the proxy, with what a form of ours is sent with."""
    cookies = {settings.SESSION_COOKIE_NAME: session_of(user)}
    with httpx.Client(base_url=web.url, headers=FORWARDED, cookies=cookies, timeout=60) as client:
        client.get("/profile")
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def by_the_api(web: Web, user: User, asked: HumanRequest) -> httpx.Response:
    with client_of(user, web) as client:
        path = f"/requests/{asked.pk}/response"
        return client.post(path, json={"value": True}, headers=FORWARDED)


def by_the_page(web: Web, user: User, asked: HumanRequest) -> httpx.Response:
    with browser(web, user) as client:
        return client.post(f"/requests/{asked.pk}/response", data={"value": "true"})


def by_the_chat(web: Web, user: User, asked: HumanRequest) -> httpx.Response:
    with browser(web, user) as client:
        fields = {"text": asked.asked.labels["true"], "request": str(asked.pk)}
        return client.post(f"/chat/{asked.session_id}/messages", data=fields)


ACTS = [by_the_api, by_the_page, by_the_chat]


@pytest.fixture(scope="module")
def proxied(start_for_module: Callable[[Web], Web]) -> Web:
    return start_for_module(Web(TRUSTED_PROXIES=PROXY))


@pytest.fixture
def behind_a_proxy(proxied: Web, transactional_db: None, redis_server: Redis) -> Web:
    proxied.revive()
    return proxied


@pytest.mark.parametrize("act", ACTS)
def test_an_answer_is_kept_with_the_address_that_the_trusted_proxy_has_seen(
    act: Act, behind_a_proxy: Web, alice: User, bob: User
) -> None:
    asked = ask("approval", by=alice)

    answered = act(behind_a_proxy, bob, asked)

    assert answered.status_code < 400, answered.text
    assert HumanResponse.objects.get(request=asked).address == CLIENT


@pytest.mark.parametrize("act", ACTS)
def test_a_caller_that_is_no_trusted_proxy_gives_no_other_address(
    act: Act, running_web: Web, alice: User, bob: User
) -> None:
    asked = ask("approval", by=alice)

    answered = act(running_web, bob, asked)

    assert answered.status_code < 400, answered.text
    assert HumanResponse.objects.get(request=asked).address == PROXY


def test_a_sign_in_is_kept_with_the_address_that_the_trusted_proxy_has_seen(
    behind_a_proxy: Web, bob: User
) -> None:
    bob.set_password("Red snow falls in May")
    bob.save()
    with httpx.Client(base_url=behind_a_proxy.url, headers=FORWARDED, timeout=60) as client:
        client.get("/sign-in")
        sent = {"username": "bob", "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        client.post("/sign-in", data={**sent, "password": "wrong"})
        client.post("/sign-in", data={**sent, "password": "Red snow falls in May"})

    assert SignIn.objects.get(user=bob).address == CLIENT
    told = models.Act.objects.about(bob).order_by("pk").values_list("words", "address")
    assert list(told) == [("A sign-in failed.", CLIENT), ("Signed in.", CLIENT)]
