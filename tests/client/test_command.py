"""The command of the client, at a real site."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from countersign_client import Request
from countersign_client.command import answer_for, main, value_of
from dashboard.models import ApiToken, Scope
from tests.calls import grant
from tests.client.conftest import request_asked
from tests.outside import allow
from tests.processes import Web, Worker


class Terminal:
    """The command as a user of the site types it."""

    def __init__(self, address: str, capsys: Any, monkeypatch: Any) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        monkeypatch.setenv("COUNTERSIGN_URL", address)

    def act_as(self, user: User) -> None:
        token = ApiToken.create_for(user, scopes=Scope)
        self._monkeypatch.setenv("COUNTERSIGN_TOKEN", token)

    def __call__(self, *words: str) -> tuple[int, str]:
        code = main(words)
        told = self._capsys.readouterr()
        return code, told.out + told.err


@pytest.fixture
def terminal(
    running_web: Web, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    return Terminal(running_web.url, capsys, monkeypatch)


def test_somebody_asks_and_somebody_answers(
    terminal: Terminal, running_worker: Worker, bob: User, carol: User, finance: Group
) -> None:
    allow(carol, finance)
    terminal.act_as(carol)
    asked = ("ask", "Deploy \x1b[31m4.2?", "--to", "finance", "--key", "deploy-4.2")
    code, run_id = terminal(*asked)
    assert (code, terminal(*asked)) == (0, (0, run_id))
    request = request_asked("Deploy")

    terminal.act_as(bob)
    code, listed = terminal("inbox")
    assert (code, "\x1b" in listed) == (0, False)
    assert str(request.pk) in listed
    assert "asked of finance" in terminal("request", str(request.pk))[1]
    refused = terminal("answer", str(request.pk), "perhaps")
    assert (refused[0], "answer" in refused[1]) == (1, True)
    code, told = terminal("answer", str(request.pk), "Reject", "--comment", "Not today.")
    assert (code, told) == (0, "Answered: false\n")
    assert terminal("answer", str(request.pk), "yes")[0] == 1

    terminal.act_as(carol)
    code, told = terminal(*asked, "--wait", "--timeout", "60", "--json")
    answer = json.loads(told)
    assert (code, answer["outcome"], answer["comment"]) == (3, "rejected", "Not today.")
    assert f"{run_id.strip()}  succeeded" in terminal("runs", "--status", "succeeded")[1]


def test_a_run_is_started_with_typed_inputs_and_cancelled(
    terminal: Terminal, running_worker: Worker, alice: User, support: Group
) -> None:
    for name in ("agreed", "refund"):
        grant(name, support, "start", "operate")
    terminal.act_as(alice)
    assert "refund  " in terminal("procedures")[1]

    code, told = terminal("start", "refund", "orders=none")
    assert (code, "orders" in told) == (1, True)
    assert terminal("run", "0190a0a0-0000-7000-8000-000000000000")[0] == 1
    assert terminal("start", "agreed", "quorum=two")[0] == 1

    code, told = terminal("start", "agreed", "quorum=3", "--json")
    run = json.loads(told)
    assert (code, run["procedure"], run["inputs"]["quorum"]) == (0, "agreed", 3)
    assert terminal("cancel", run["id"], "Not needed.")[0] == 0
    code, told = terminal("run", run["id"], "--wait", "--timeout", "60")
    assert (code, f"{run['id']}  cancelled" in told) == (3, True)


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("31", {"type": "string"}, "31"),
        ("31", {"type": "integer"}, 31),
        ("yes", {"type": "boolean"}, True),
        ("yes", {"enum": ["yes", "no"]}, "yes"),
        ('["a"]', {"type": "array"}, ["a"]),
        ("A-7", {}, "A-7"),
    ],
)
def test_a_text_is_read_as_its_schema_says(text: str, schema: dict[str, Any], value: Any) -> None:
    assert value_of(text, schema) == value


def test_a_label_is_its_value_and_a_decision_is_named() -> None:
    def asked(schema: dict[str, Any], **labels: str) -> Any:
        request = object.__new__(Request)
        vars(request).update(schema=schema, labels=labels)
        return request

    assert answer_for(asked({"type": "boolean"}, true="Pay", false="Keep"), "pay") is True
    decided = {"properties": {"decision": {"enum": ["approved", "rejected"]}}}
    said = answer_for(asked(decided, approved="Pack it", rejected="No"), "Pack it")
    assert said == {"decision": "approved"}


def test_without_a_site_or_a_token_it_says_what_to_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COUNTERSIGN_URL", "COUNTERSIGN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit):
        main(["runs"])
    assert "Set COUNTERSIGN_URL" in capsys.readouterr().err
