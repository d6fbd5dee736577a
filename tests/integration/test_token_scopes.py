"""Rights of tokens: scopes, an end, and the people who end them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from dashboard.accounts.shell import shell_author
from dashboard.api.site import api
from dashboard.models import ApiToken, Scope
from dashboard.models.token import USE_NOTED_EVERY
from procedures.models import Act, Run
from tests.calls import JSON, RUNS, detail, grant, request_of, respond, run_until_it_waits
from tests.outside import ASK, allow, allow_runs
from tests.pages import browser

PEOPLE = "people"
"""No scope: only somebody who is signed in."""
NEEDED = {
    "start_run": {"start"},
    "send_signal": {"start"},
    "create_response": {"answer"},
    "create_ask_back": {"answer"},
    "delete_standing_decision": {"answer"},
    "create_file": {"answer"},
    "create_message_file": {"answer"},
    "create_answer": {"answer"},
    "create_run": {"answer", "start"},
    "restart_run": {"operate", "start"},
    "fork_run": {"operate", "start"},
    "cancel_run": {"operate"},
    "force_end_run": {"operate"},
    "pause_run": {"operate"},
    "unpause_run": {"operate"},
    "retry_run": {"operate"},
    "reassign_request": {"operate"},
    "create_claim": {"answer"},
    "create_session": {"answer"},
    "create_message": {"answer"},
    "update_session": {"operate"},
    "create_member": {"operate"},
    "delete_member": {"operate"},
    "delete_claim": {"answer"},
    "create_sight": {"answer"},
    "create_responses": {"answer"},
    "put_snooze": {"answer"},
    "delete_snooze": {"answer"},
    "get_draft": {"answer"},
    "put_draft": {"answer"},
    "delete_draft": {"answer"},
    "delete_response": {PEOPLE},
    "create_delegation": {PEOPLE},
    "delete_delegation": {PEOPLE},
    "get_token": set(),
}
"""The scopes by operation; an operation without an entry only reads."""


def program(user: User, *scopes: str, **options: Any) -> Client:
    token = ApiToken.create_for(user, scopes=scopes, **options)
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


def operations() -> Iterator[tuple[str, str, str]]:
    """Every route of the API: its name, method, and an address that leads to it."""
    for path, methods in api.get_openapi_schema(path_prefix="/api/")["paths"].items():
        for method, operation in methods.items():
            address = re.sub("{[a-z]+_id}", str(uuid4()), path.replace("{seq}", "1"))
            address = re.sub("{[a-z]+}", "question", address)
            yield operation["operationId"].rpartition("_api_")[2], method, address


@pytest.fixture
def run(admin_user: User) -> Run:
    return run_until_it_waits("question", by=admin_user)


@pytest.mark.parametrize("scope", Scope.values)
def test_every_route_asks_for_its_scope(run: Run, admin_user: User, scope: str) -> None:
    """An administrator may do all of it: only the token's scopes are in the way."""
    client, found = program(admin_user, scope), list(operations())

    for name, method, address in found:
        response = client.generic(method.upper(), address, "{}", JSON)
        needed = NEEDED.get(name, {"read"})
        is_refused = response.status_code == 403
        assert is_refused is not (needed <= {scope}), (name, method, response.content)
        if is_refused:
            why = "can't be done with a token" if needed == {PEOPLE} else "needs the scope"
            assert why in response.json()["detail"]

    assert {name for name, _method, _address in found} > set(NEEDED)


@pytest.mark.parametrize("scopes", [{"operate", "start"}, set(Scope.values)])
def test_several_scopes_open_what_needs_both(run: Run, admin_user: User, scopes: set[str]) -> None:
    client = program(admin_user, *scopes)

    assert client.post(f"/api/runs/{run.pk}/restart", {"reason": "Again."}, JSON).status_code == 201


def test_a_new_token_reads_and_asks(run: Run, admin_user: User) -> None:
    client = Client(headers={"Authorization": f"Bearer {ApiToken.create_for(admin_user)}"})

    assert client.get("/api/runs").status_code == 200
    assert "The token has: read, ask" in detail(respond(client, request_of(run), value=True), 403)


def test_a_token_that_asks_starts_only_what_asks(admin_user: User) -> None:
    client = program(admin_user, "ask")

    assert client.post("/api/procedures/ask/runs", {}, JSON).status_code in {201, 404, 422}
    detail(client.post("/api/procedures/question/runs", {}, JSON), 403)
    detail(client.post("/api/procedures/asks/runs", {}, JSON), 403)


@pytest.mark.parametrize("procedure", ["ask", "outside"])
def test_a_token_that_asks_withdraws_and_tells_what_its_account_has_asked(
    carol: User, dave: User, procedure: str
) -> None:
    for user in (carol, dave):
        allow(user)
        allow_runs(user)
    path = f"/api/procedures/{procedure}/runs"
    mine, other = (program(user, "ask", name="bot") for user in (carol, dave))
    run = mine.post(path, {"subject": "Deploy?"}, JSON).json()["id"]
    tell, cancel = f"/api/runs/{run}/signals/tell", f"/api/runs/{run}/cancellation"
    told = {"id": "1", "value": {"id": "1"}}

    for client, words in ((other, "The token has: ask"), (program(carol, "read"), "has: read")):
        assert words in detail(client.post(tell, told, JSON), 403)
        assert words in detail(client.post(cancel, {"reason": "No."}, JSON), 403)
    assert mine.post(tell, told, JSON).status_code == 201
    detail(mine.post(f"/api/runs/{run}/pause", {"reason": "No."}, JSON), 403)
    detail(mine.post(f"/api/runs/{run}/restart", {"reason": "No."}, JSON), 403)

    assert mine.post(cancel, {"reason": "No."}, JSON).json()["run"]["status"] == "cancelled"


def test_a_token_that_asks_leaves_other_runs_alone(carol: User, admin_user: User) -> None:
    """Others are those that its user started by hand, and those of an operator's procedures."""
    allow(carol)
    by_hand = browser(carol).post(ASK, {"subject": "Deploy?"}, JSON).json()["id"]
    allow(admin_user)
    whole = program(admin_user, *Scope.values, name="bot")
    other = whole.post("/api/procedures/question/runs", {}, JSON).json()["id"]

    for user, run in ((carol, by_hand), (admin_user, other), (admin_user, uuid4())):
        client = program(user, "ask", name="bot")
        detail(client.post(f"/api/runs/{run}/cancellation", {"reason": "No."}, JSON), 403)
        detail(client.post(f"/api/runs/{run}/signals/tell", {"id": "1"}, JSON), 403)


def test_a_group_with_the_role_cancel_keeps_it_from_programs_too(
    carol: User, support: Group
) -> None:
    allow(carol)
    grant("ask", support, "cancel")
    mine = program(carol, "ask", name="bot")
    run = mine.post(ASK, {"subject": "Deploy?"}, JSON).json()["id"]

    said = mine.post(f"/api/runs/{run}/cancellation", {"reason": "No."}, JSON)

    assert "Operators" in detail(said, 403)


def test_a_scope_is_no_right(carol: User) -> None:
    """Somebody without a part in anything has none by a token with everything."""
    client = program(carol, *Scope.values)

    assert client.get("/api/runs").json()["items"] == []
    detail(client.post(RUNS, {"count": 1}, JSON), 404)


def test_no_token_opens_a_page(run: Run, admin_user: User) -> None:
    client = program(admin_user, *Scope.values)

    for path in ("/", f"/runs/{run.pk}", f"/live/range?stream=run:{run.pk}", "/admin/", "/profile"):
        assert client.get(path).status_code == 302, path


# Their end


@pytest.mark.parametrize("days", [-1, 1])
def test_a_token_expires(alice: User, days: int) -> None:
    client = program(alice, "read", expires_at=timezone.now() + timedelta(days=days))

    assert client.get("/api/runs").status_code == (200 if days > 0 else 401)


def test_a_revoked_token_is_dead_and_is_still_told_of(alice: User) -> None:
    client, other = program(alice, "read"), program(alice, "read", name="Other")
    ApiToken.objects.filter(name="").revoke()

    detail(client.get("/api/runs"), 401)
    assert other.get("/api/runs").status_code == 200
    assert [one.state for one in ApiToken.objects.order_by("pk")] == ["revoked", "active"]


def test_a_new_password_ends_the_tokens_of_the_account_only(alice: User, bob: User) -> None:
    alices, bobs = program(alice, "read"), program(bob, "read")

    alice.set_password("correct horse battery")
    alice.save()

    detail(alices.get("/api/runs"), 401)
    assert bobs.get("/api/runs").status_code == 200


def test_signing_in_ends_no_token(alice: User) -> None:
    """Also where Django renews the hash of the password."""
    alice.set_password("correct horse battery")
    alice.password = alice.password.replace("$1000000$", "$1000$")
    alice.save()
    client = program(alice, "read")

    Client().login(username="alice", password="correct horse battery")

    assert client.get("/api/runs").status_code == 200


def test_the_last_use_is_kept_to_the_minute(alice: User) -> None:
    client = program(alice, "read")
    assert ApiToken.objects.get().last_used_at is None

    client.get("/api/runs")
    first = ApiToken.objects.get().last_used_at
    client.get("/api/runs")

    assert first
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - USE_NOTED_EVERY)
    client.get("/api/runs")
    assert ApiToken.objects.get().last_used_at != first - USE_NOTED_EVERY


def test_what_is_refused_is_no_use(alice: User) -> None:
    program(alice, "read").post(RUNS, {"count": 1}, JSON)

    assert ApiToken.objects.get().last_used_at is None


def test_every_token_can_read_itself_and_nobody_else_can(alice: User) -> None:
    said = program(alice, "ask", name="Till").get("/api/token")

    assert said.json() == {
        "user": "alice",
        "program": "Till",
        "scopes": ["ask"],
        "expires_at": None,
    }
    browser = Client()
    browser.force_login(alice)
    assert browser.get("/api/token").status_code == 401


# The command


def made(*arguments: str) -> tuple[Client, ApiToken]:
    output = StringIO()
    call_command("create_token", "alice", *arguments, stdout=output)
    token = output.getvalue().splitlines()[-1]
    return Client(headers={"Authorization": f"Bearer {token}"}), ApiToken.objects.latest("pk")


def test_the_command_makes_a_token_that_reads_and_asks(alice: User) -> None:
    client, token = made()

    assert client.get("/api/runs").status_code == 200
    assert (token.scopes, token.expires_at) == (["read", "ask"], None)
    act = Act.objects.about(token).get()
    assert (act.by_id, act.name) == ("", shell_author("create_token"))
    call_command("sign_in_link", "alice", stdout=StringIO())
    link = Act.objects.about(alice).get(kind=Act.Kind.LINK)
    assert (link.by_id, link.name) == ("", shell_author("sign_in_link"))
    assert Act.objects.by(alice).count() == 0


def test_the_command_takes_scopes_a_label_and_an_end(alice: User) -> None:
    _client, token = made("--scopes", "start, read", "--label", "Till", "--days", "30")

    assert (token.scopes, token.name) == (["read", "start"], "Till")
    assert token.expires_at
    assert token.expires_at > timezone.now() + timedelta(days=29)


@pytest.mark.parametrize("scopes", ["all", "read,write", " , "])
def test_the_command_knows_its_scopes(alice: User, scopes: str) -> None:
    with pytest.raises(CommandError, match="scope"):
        made("--scopes", scopes)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "36501", "9" * 20, "٣", "soon"])
def test_the_command_makes_no_token_with_an_absurd_end(alice: User, days: str) -> None:
    with pytest.raises(CommandError, match="isn't a number from 1 to 36500"):
        made(f"--days={days}")
    assert not ApiToken.objects.exists()


def test_a_browser_needs_no_scope(alice: User) -> None:
    grant("typed_inputs", alice.groups.get(), "start")
    client = Client()
    client.force_login(alice)

    assert client.post(RUNS, {"count": 1}, JSON).status_code == 201
