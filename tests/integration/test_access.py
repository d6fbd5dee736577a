"""Strangers see nothing by any route, and looking changes nothing: every address of the site."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from chat.models import Delegation, HumanRequest, Member, Message, StandingDecision
from chat.services import delegate
from dashboard.accounts.sign_in import tokens
from dashboard.demo.people import let_operators_view
from dashboard.models import ApiToken, PushSubscription, SignIn
from procedures.models import Artifact, Run, Signal, Wait
from procedures.models.clock import clock
from procedures.services import Sent, send_signal
from tests.calls import caller, detail, grant, request_of, respond, run_until_it_waits
from tests.conftest import create_person, make_staff
from tests.every_table import fill_tables, hold_on
from tests.routes import Address, addresses

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
SECRET = "Pay 31.20"
BODY, UNREAD = '{"value": true}', b"value: isn't a known field"
BEFORE_LOOKING = (UNREAD, b"file: is missing.", b"This can't be done with a token.")
"""Refusals that don't depend on whether the thing of the address exists."""
Visitor = Callable[[], Client]


@pytest.fixture
def run(alice: User, bob: User, support: Group, finance: Group, operators: Group) -> Run:
    """It asks bob; an earlier one was answered; every table has a row."""
    for group, role in ((support, "start"), (finance, "answer"), (operators, "operate")):
        grant("question", group, role)
    answered = run_until_it_waits("question", by=alice)
    respond(caller(bob), request_of(answered), value=True, comment=SECRET)
    run_until_it_waits("reports", fails=False)
    waiting = run_until_it_waits("question", by=alice)
    send_signal(waiting.pk, Sent("paid", "p-1", SECRET), by=alice)
    fill_tables(request_of(answered), bob, deputy=alice)
    return waiting


@pytest.fixture
def filled(run: Run, alice: User) -> dict[str, object]:
    """The value of each parameter of a route."""
    return {
        "procedures/name": "question",
        "runs/run_id": run.pk,
        "artifacts/name": "report.csv",
        "files/name": "report.csv",
        "files/digest": Artifact.objects.latest("pk").digest,
        "signals/name": "paid",
        "events/seq": 1,
        "whole/name": "inputs",
        "whole/part": "evidence",
        "messages/message_id": Message.objects.latest("seq").pk,
        "signals/number": Signal.objects.get().pk,
        "chat/session_id": request_of(run).session_id,
        "sessions/session_id": request_of(run).session_id,
        "members/member_id": Member.objects.get(session=request_of(run).session_id).pk,
        "starts/name": "question",
        "access/procedure": "question",
        "/role": "answer",
        "person/key": alice.pk,
        "groups/key": alice.groups.get().pk,
        "holds/key": hold_on(alice).pk,
        "requests/request_id": request_of(run).pk,
        "standing-decisions/decision_id": StandingDecision.objects.get().pk,
        "operations/name": "pause",
        "sign-in/name": alice.username,
        "channels/name": "page",
        "/token": tokens.make_token(alice),
        "tokens/token_id": token_of(alice).pk,
        "sign-ins/sign_in_id": sign_in_of(alice).pk,
        "browsers/subscription_id": browser_of(alice).pk,
        "delegations/delegation_id": delegation_of(alice).pk,
    }


def delegation_of(user: User) -> Delegation:
    until = clock.now() + timedelta(days=1)
    return delegate(by=user, to=create_person("deputy"), until=until)


def token_of(user: User) -> ApiToken:
    ApiToken.create_for(user)
    return ApiToken.objects.filter(user=user).latest("pk")


def sign_in_of(user: User) -> SignIn:
    Client().force_login(user)
    return SignIn.objects.filter(user=user).latest("pk")


def browser_of(user: User) -> PushSubscription:
    """A browser in which the user is notified; `fill_tables` may have made it already."""
    made = PushSubscription.objects.of(user).first()
    return made or PushSubscription.objects.create(sign_in=sign_in_of(user), digest="of alice")


@pytest.fixture
def operator(dave: User) -> User:
    let_operators_view()
    return make_staff(dave)


def with_session(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    return client


def send(client: Client, method: str, path: str) -> Any:
    return client.generic(method, path, BODY, "application/json")


def named(filled: dict[str, object]) -> list[Address]:
    """The addresses of things: neither the admin's nor a person's own sign-in link."""
    found = [address for address in addresses(filled) if address.is_of_something]
    return [one for one in found if not one.is_admin and not one.path.startswith("/sign-in/")]


# Strangers


@pytest.mark.parametrize("visit", [caller, with_session], ids=["token", "session"])
def test_a_stranger_finds_nothing_by_any_route(
    filled: dict[str, object], carol: User, visit: Callable[[User], Client]
) -> None:
    found, stranger = named(filled), visit(carol)

    for address in found:
        for method in METHODS:
            response = send(stranger, method, address.path)
            is_sent_away = visit is caller and not address.is_api and response.status_code == 302
            is_unread = any(words in response.content for words in BEFORE_LOOKING)
            is_nothing = response.status_code in {404, 405}
            assert is_sent_away or is_unread or is_nothing, (method, address.path)
            assert SECRET not in response.content.decode()

    assert {address.path for address in found} >= {
        f"/api/runs/{filled['runs/run_id']}",
        f"/api/runs/{filled['runs/run_id']}/events",
        f"/api/runs/{filled['runs/run_id']}/artifacts/report.csv",
        f"/api/requests/{filled['requests/request_id']}",
        f"/api/requests/{filled['requests/request_id']}/response",
        "/api/procedures/question",
        "/api/procedures/question/runs",
        f"/runs/{filled['runs/run_id']}",
        f"/requests/{filled['requests/request_id']}",
        f"/requests/{filled['requests/request_id']}/response",
        f"/chat/{filled['chat/session_id']}",
        f"/chat/{filled['chat/session_id']}/messages",
        "/procedures/question",
    }


def test_a_stranger_cannot_tell_what_is_hidden_from_what_is_not_there(
    filled: dict[str, object], carol: User
) -> None:
    nothing = {
        "procedures/name": "x",
        "runs/run_id": uuid4(),
        "requests/request_id": uuid4(),
        "chat/session_id": uuid4(),
    }
    stranger = caller(carol)

    for hidden, absent in zip(named(filled), named({**filled, **nothing}), strict=True):
        for method in METHODS:
            first, second = (send(stranger, method, one.path) for one in (hidden, absent))
            assert (first.status_code, first.content) == (second.status_code, second.content)


def test_nobody_signed_in_is_sent_away(filled: dict[str, object]) -> None:
    for address in named(filled):
        for method in METHODS:
            response = send(Client(), method, address.path)
            sent_away = {401, 405} if address.is_api else {302, 405}
            assert response.status_code in sent_away, (method, address.path)
            assert SECRET not in response.content.decode()


def test_lists_and_pages_show_a_stranger_nothing(filled: dict[str, object], carol: User) -> None:
    visits = (caller(carol), with_session(carol))

    for address in addresses(filled):
        for client in visits:
            response = client.get(address.path)
            content = getattr(response, "content", b"").decode()
            assert SECRET not in content, address.path
            if address.is_admin and "jsi18n" not in address.path:
                assert response.status_code in {302, 404, 405}, address.path


@pytest.mark.parametrize("path", ["procedures", "runs", "requests"])
def test_a_strangers_lists_are_empty(run: Run, carol: User, bob: User, path: str) -> None:
    assert caller(carol).get(f"/api/{path}").json() == {"items": [], "next": None}
    assert caller(bob).get(f"/api/{path}").json()["items"]


# Parameters


def test_no_route_lets_an_unknown_parameter_pass(
    filled: dict[str, object], admin_user: User
) -> None:
    """The parameters of an address are read from its documentation."""
    client = caller(admin_user)
    described = client.get("/api/openapi.json").json()["paths"]
    paths = [one.path for one in addresses(filled) if one.is_api]
    tried = 0

    for path in paths:
        taken = described.get(pattern_of(path, described), {}).get("get")
        if taken is None or client.get(path).status_code != 200:
            continue
        names = [one["name"] for one in taken.get("parameters", []) if one["in"] == "query"]
        for wrong in ("colour", *(f"{name}z" for name in names)):
            sentence = detail(client.get(f"{path}?{wrong}=1"), 422)
            assert sentence.startswith(f"{wrong}: isn't a parameter of this endpoint."), path
            assert (f"Did you mean {wrong[:-1]!r}?" in sentence) == (wrong[:-1] in names), path
            known = f"Its parameters: {', '.join(names)}." if names else "It has no parameters."
            assert sentence.endswith(known), path
        tried += 1

    assert tried >= 12


def pattern_of(path: str, patterns: Iterable[str]) -> str:
    same = (one for one in patterns if re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", one), path))
    return next(same, "")


def test_what_changes_something_refuses_unknown_parameters_too(run: Run, admin_user: User) -> None:
    request = request_of(run)
    path = f"/api/requests/{request.pk}/response?user=bob"

    response = caller(admin_user).post(path, {"value": True}, "application/json")

    assert (
        detail(response, 422) == "user: isn't a parameter of this endpoint. It has no parameters."
    )
    assert not request.responses.exists()


# Looking


@pytest.mark.parametrize(
    ("person", "method"),
    [
        (None, "get"),
        ("admin", "get"),
        *(
            pytest.param(*one, marks=pytest.mark.soak)
            for one in product((None, "admin", "carol", "alice", "bob", "dave"), ("get", "head"))
            if one not in {(None, "get"), ("admin", "get")}
        ),
    ],
)
def test_looking_changes_nothing(
    filled: dict[str, object],
    carol: User,
    operator: User,
    admin_user: User,
    person: str | None,
    method: str,
) -> None:
    """All rows of all tables before and after everything is looked at, also what is overdue."""
    Wait.objects.filter(closed_at=None).update(due_at=clock.now() - timedelta(hours=1))
    user = User.objects.get(username=person) if person else None
    ApiToken.create_for(admin_user)
    clients = [with_session(user), *([caller(user)] if user else [])]
    found = list(addresses(filled))
    for client in clients:
        client.get("/api/procedures")  # the use of a token is kept once a minute
    before = every_row()

    for client in clients:
        for address in found:
            with nothing_written(f"{method} {address.path}"):
                response = getattr(client, method)(address.path)
            assert response.status_code < 500, address.path

    assert len(found) > 60
    assert every_row() == before


def every_row() -> dict[str, list[Any]]:
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows[table] = sorted(map(repr, cursor.fetchall()))
    return rows


@contextmanager
def nothing_written(where: str) -> Iterator[None]:
    """Names the address that writes, before the comparison of all tables says that one did."""

    def check(execute: Any, sql: str, *rest: Any) -> Any:
        assert not sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")), (where, sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(check):
        yield


def test_a_request_is_still_open_after_all_that_looking(run: Run, bob: User) -> None:
    request = request_of(run)

    caller(bob).get(f"/api/requests/{request.pk}")

    assert HumanRequest.objects.get(pk=request.pk).is_open
