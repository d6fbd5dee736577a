"""Two web processes and two workers behind one address, of which one each is killed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import httpx
import pytest
from django.contrib.auth.models import User

from procedures.models import Event, Run
from tests.balancers import Address, nginx, relay
from tests.conftest import StartWeb, StartWorker
from tests.desk import Desk
from tests.processes import Web
from tests.runs import client_of, wait_for_request, wait_for_success
from tests.sockets import page

Balance = Callable[[Sequence[Web]], AbstractContextManager[Address]]
CONNECTED = "WSCONNECT /live"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def webs(web: StartWeb) -> list[Web]:
    return [web(), web()]


@pytest.fixture(params=[relay, pytest.param(nginx, marks=pytest.mark.soak)])
def site(request: pytest.FixtureRequest, webs: list[Web]) -> Iterator[Address]:
    balance: Balance = request.param
    with balance(webs) as address:
        yield address


def test_a_sign_in_at_one_process_holds_at_all(site: Address, webs: list[Web], alice: User) -> None:
    alice.set_password(PASSWORD)
    alice.save()
    unpooled = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=site.url, limits=unpooled, timeout=60) as browser:
        browser.get("/sign-in")
        token = browser.cookies["csrftoken"]
        sent = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert browser.post("/sign-in", data=sent).status_code == 302

        shown = [browser.get("/") for _ in range(4)]

        assert all("Hello, alice" in one.text for one in shown)
        assert all("GET /" in web.output for web in webs)
        webs[0].kill()
        assert {browser.get("/").status_code for _ in range(4)} == {200}


@pytest.mark.usefixtures("running_clock")
def test_an_answer_at_one_process_shows_at_the_other_and_survives_the_death_of_one_of_each(
    site: Address, webs: list[Web], worker: StartWorker, desk: Desk, alice: User, bob: User
) -> None:
    first = worker()
    with client_of(alice, site) as client:
        path, body = "/procedures/purchase/runs", {"folder": desk.folder}
        run = Run.objects.get(pk=client.post(path, json=body).json()["id"])
    request = wait_for_request(run)
    with page(site, alice) as opened:
        opened.follow(f"run:{run.pk}")
        read = opened.hear_until(request.wait.opened_seq)
        [near] = [web for web in webs if CONNECTED in web.output]
        [far] = [web for web in webs if web is not near]

        with desk.closed("before pay"), client_of(bob, far) as client:
            reply = client.post(f"/requests/{request.pk}/response", json={"value": True})
            assert reply.status_code == 201
            desk.wait_for_arrivals("before pay")
            read += opened.hear_until(Event.objects.get(run=run, kind="wait.closed").seq)
            worker()
            near.kill()
            first.kill()

    wait_for_success(run)
    last = run.events.latest("seq").seq
    with page(site, alice) as opened:
        opened.follow(f"run:{run.pk}", after=read[-1])
        read += opened.hear_until(last)
    assert [*dict.fromkeys(read)] == list(range(1, last + 1))
    assert CONNECTED in far.output
    assert desk.effects == {"reserve": 1, "pay": 1, "send": 1}
