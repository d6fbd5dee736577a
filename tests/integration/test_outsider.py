"""An outsider finds nothing of a run, its session, its question and its file, by any door.

Beside every refusal, the test shows what a person with the right finds.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.http import urlencode

from chat.models import HumanRequest
from dashboard.demo.people import let_operators_view
from procedures.models import Run
from tests.calls import caller, grant, request_of, respond, run_until_it_waits
from tests.conftest import create_person, group, make_staff
from tests.pages import browser
from tests.processes import Web, promised
from tests.sockets import page

NAME = "bill_and_question"
OF_SOMETHING = [
    f"/procedures/{NAME}",
    "/runs/{run}",
    "/runs/{run}/journal",
    "/runs/{run}/files/blum.csv",
    "/chat/{session}",
    "/chat/{session}/beside",
    "/requests/{request}",
    "/requests/{request}/form",
    "/inbox/requests/{request}",
    "/inbox/?request={request}",
    "/live/range?stream=run:{run}",
    "/live/range?stream=session:{session}&form=page",
    f"/api/procedures/{NAME}",
    "/api/runs/{run}",
    "/api/runs/{run}/events",
    "/api/runs/{run}/artifacts/blum.csv",
    "/api/requests/{request}",
    "/api/sessions/{session}",
    "/api/sessions/{session}/messages",
]
LISTS = [
    "/",
    "/overview",
    "/requests/waiting",
    "/inbox/",
    "/inbox/?tab=groups",
    "/inbox/bulk?request={request}:1",
    "/api/inbox?tab=groups",
    "/chat",
    "/chat/rows",
    "/runs",
    "/runs?state=waiting",
    "/procedures",
    "/api/procedures",
    "/api/runs",
    "/api/sessions",
    "/api/runs?status=waiting",
    "/api/requests",
    "/api/requests?run={run}",
]
ADMIN = [
    "/admin/countersign_procedures/run/",
    "/admin/countersign_procedures/run/?q={run}",
    "/admin/countersign_procedures/run/{run}/change/",
    "/admin/countersign_procedures/artifact/?q=blum",
    "/admin/countersign_chat/session/{session}/change/",
    "/admin/countersign_chat/humanrequest/?q=Blum",
    "/admin/countersign_chat/humanrequest/{request}/change/",
    "/admin/autocomplete/?"
    + urlencode(
        {
            "app_label": "countersign_chat",
            "model_name": "humanresponse",
            "field_name": "request",
            "term": "Blum",
        }
    ),
]
SECONDS_TO_LOSE_A_STREAM = 5


@dataclass(frozen=True)
class Secret:
    """A run with its session, its question and its file, and how one recognises them."""

    run: Run
    request: HumanRequest

    def fill(self, path: str) -> str:
        ids = {"run": self.run.pk, "request": self.request.pk, "session": self.request.session_id}
        return path.format(**ids) if "{" in path else path

    def is_told_by(self, response: Any) -> bool:
        text = b"".join(response).decode()
        ids = (self.run.pk, self.request.pk, self.request.session_id)
        return any(trace in text for trace in ("Blum", NAME, *map(str, ids)))


@pytest.fixture
def secret(alice: User, bob: User, dave: User) -> Secret:
    for name, role in (("support", "start"), ("finance", "answer"), ("operators", "operate")):
        grant(NAME, group(name), role)
    run = run_until_it_waits(NAME, by=alice)
    return Secret(run, request_of(run))


@pytest.fixture
def operator(dave: User) -> Client:
    let_operators_view()
    return browser(make_staff(dave))


def client_for(path: str, user: User) -> Client:
    return caller(user) if path.startswith("/api/") else browser(user)


# Pages and the API


@pytest.mark.parametrize("path", OF_SOMETHING)
def test_what_a_member_opens_is_not_there_for_an_outsider(
    secret: Secret, bob: User, carol: User, path: str
) -> None:
    bobs, carols = (client_for(path, user).get(secret.fill(path)) for user in (bob, carol))

    assert (bobs.status_code, carols.status_code) == (200, 404)
    assert secret.is_told_by(bobs)
    assert not secret.is_told_by(carols)


@pytest.mark.parametrize("path", LISTS)
def test_what_a_member_finds_in_a_list_is_not_in_an_outsiders(
    secret: Secret, bob: User, carol: User, path: str
) -> None:
    bobs, carols = (client_for(path, user).get(secret.fill(path)) for user in (bob, carol))

    assert (bobs.status_code, carols.status_code) == (200, 200)
    assert secret.is_told_by(bobs)
    assert not secret.is_told_by(carols)


@pytest.mark.parametrize(
    "path", ["/requests/waiting?shown={}", "/inbox/rows?shown={}", "/chat/rows?current={}"]
)
def test_to_know_an_id_tells_an_outsider_nothing(secret: Secret, carol: User, path: str) -> None:
    known = secret.request.pk if "shown" in path else secret.request.session_id
    client, absent = browser(carol), uuid4()

    told, blank = (_timeless(client.get(path.format(one))) for one in (known, absent))

    assert "Blum" not in told
    assert told.replace(str(known), str(absent)) == blank


def _timeless(response: Any) -> str:
    """Return the page without the seconds until its list changes by time alone."""
    return re.sub(r'data-changes-in="\d+"', "", response.content.decode())


def test_an_outsider_answers_nothing(secret: Secret, bob: User, carol: User) -> None:
    by_form = f"/requests/{secret.request.pk}/response"

    assert respond(caller(carol), secret.request, value=True).status_code == 404
    assert browser(carol).post(by_form, {"value": "true"}).status_code == 404
    assert HumanRequest.objects.get().is_open
    assert respond(caller(bob), secret.request, value=True).status_code == 201


def test_an_outsider_says_nothing(secret: Secret, bob: User, carol: User) -> None:
    path = f"/chat/{secret.request.session_id}/messages"
    words = {"text": "Hello?", "key": "1"}

    assert browser(carol).post(path, words).status_code == 404
    assert browser(bob).post(path, words).status_code == 302


def test_an_outsider_starts_nothing(secret: Secret, alice: User, carol: User) -> None:
    by_program = f"/api/procedures/{NAME}/runs"

    assert caller(carol).post(by_program).status_code == 404
    assert browser(carol).post(f"/procedures/{NAME}").status_code == 404
    assert caller(alice).post(by_program).status_code == 201
    assert Run.objects.count() == 2


# The live stream


@pytest.mark.parametrize("ask", ["follow", "range"])
@pytest.mark.parametrize("stream", ["run:{run}", "session:{session}"])
def test_an_outsiders_socket_hears_nothing(
    running_web: Web, secret: Secret, bob: User, carol: User, stream: str, ask: str
) -> None:
    name = secret.fill(stream)

    with page(running_web, carol) as carols, page(running_web, bob) as bobs:
        carols.say(**{ask: name, "after": 0})
        bobs.follow(name)
        bobs.say(**{ask: name, "after": 0})

        assert carols.hear() == {
            "stream": name,
            "denied": "Not found, or you don't have access.",
        }
        assert bobs.hear()["seq"] == 1


def test_whoever_leaves_the_group_loses_everything_within_five_seconds(
    running_web: Web, secret: Secret, dave: User, tell: Callable[[str], None]
) -> None:
    streams = {secret.fill("run:{run}"), secret.fill("session:{session}")}
    paths = [secret.fill(path) for path in ("/runs/{run}", "/chat/{session}", "/api/runs/{run}")]
    with page(running_web, dave) as daves:
        for stream in streams:
            daves.follow(stream)
        assert {daves.hear()["stream"] for _ in range(2)} <= streams
        assert [client_for(path, dave).get(path).status_code for path in paths] == [200] * 3

        left_at = time.monotonic()
        dave.groups.clear()

        assert [client_for(path, dave).get(path).status_code for path in paths] == [404] * 3
        lost: set[str] = set()
        while lost != streams:
            frame = daves.hear()
            lost |= {frame["stream"]} if "denied" in frame else set()
    seconds = time.monotonic() - left_at
    tell(f"A stream is lost {seconds:.1f} s after its group")
    assert seconds < promised(SECONDS_TO_LOSE_A_STREAM)


# The admin


@pytest.mark.parametrize("path", ADMIN)
def test_the_admin_tells_an_operator_and_no_outsider(
    secret: Secret, operator: Client, carol: User, path: str
) -> None:
    address = secret.fill(path)
    erins = browser(make_staff(create_person("erin"))).get(address)
    daves, carols = operator.get(address), browser(carol).get(address)

    assert (daves.status_code, erins.status_code, carols.status_code) == (200, 403, 302)
    assert carols.headers["Location"].startswith("/admin/login/")
    assert secret.is_told_by(daves)
    assert not secret.is_told_by(erins)


def test_the_admins_front_page_names_nothing_to_staff_without_permission(
    secret: Secret, operator: Client
) -> None:
    erins = browser(make_staff(create_person("erin"))).get("/admin/")

    assert "/admin/countersign_procedures/" in operator.get("/admin/").content.decode()
    assert "/admin/countersign_procedures/" not in erins.content.decode()
