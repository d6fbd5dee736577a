"""The client stands alone, shows no secret, and has one shape in both of its forms."""

import inspect
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from packaging.requirements import Requirement

from chat.models import HumanRequest
from chat.services import Answer, respond
from countersign_client import AsyncClient, AsyncQuestion, Client, InvalidError, Question
from countersign_client.doorbells import Doorbell
from countersign_client.errors import TooManyError, UnreachableError, error_of
from dashboard.environment.variables import CHECKOUT
from dashboard.models import ApiToken
from tests.client.conftest import Open
from tests.documents import Page as Document
from tests.outside import allow
from tests.processes import Web, Worker, run_python, wait_until

ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(name)

folder, *installed = sys.argv[1:]
allowed = {"countersign_client", *installed, *sys.stdlib_module_names}
sys.path = [folder, *sys.path]
sys.meta_path.insert(0, Refuse())
import countersign_client
print(countersign_client.Client("https://sign.example", "token"))
"""


def installed_with(*names: str) -> set[str]:
    """The distributions that come with these, without their extras."""
    found = set[str]()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        found.add(name)
        needed = [Requirement(one) for one in requires(name) or ()]
        here = [one.name for one in needed if one.marker is None or one.marker.evaluate()]
        waiting += set(here) - found
    return found


def test_it_runs_with_nothing_but_its_own_dependencies() -> None:
    names = {name.replace("-", "_") for name in installed_with("httpx", "websockets")}

    printed = run_python(ALONE, str(CHECKOUT / "client"), *sorted(names))

    assert printed.strip() == "Client('https://sign.example')"
    assert "django" not in names


@pytest.mark.parametrize(("one", "other"), [(Client, AsyncClient), (Question, AsyncQuestion)])
def test_both_clients_have_one_shape(one: type, other: type) -> None:
    def shape(kind: type) -> dict[str, list[str]]:
        public = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}
        return {
            name: [str(parameter) for parameter in inspect.signature(found).parameters.values()]
            for name, found in public.items()
            if callable(found)
        }

    assert shape(one) == shape(other)
    assert all(getattr(kind, name).__doc__ for kind in (one, other) for name in shape(one))


def test_no_secret_is_shown_or_logged(
    open_client: Open, asker: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client = open_client(asker)
        question = client.ask("Deploy?")
        with pytest.raises(TimeoutError):
            question.wait(timeout=0.5)
        with pytest.raises(InvalidError) as refused:
            client.ask("")

    token = open_client.tokens[-1]
    assert "/api/procedures/ask/runs" in caplog.text
    for text in (caplog.text, repr(client), repr(question), repr(refused.value)):
        assert token not in text


def test_a_limit_says_when_to_try_again_and_a_proxy_says_nothing_of_a_call() -> None:
    limited = error_of(429, b'{"detail": "Too many."}', "17")

    assert isinstance(limited, TooManyError)
    assert (str(limited), limited.retry_after) == ("Too many.", 17)
    assert isinstance(error_of(502, b"<html>Bad gateway</html>"), UnreachableError)


def test_a_doorbell_follows_again_after_a_gap() -> None:
    bell = Doorbell("run:7", 3, kinds={"run.succeeded"})

    def hear(**message: Any) -> tuple[bool, bool]:
        return bell.rings(json.dumps({"stream": "run:7", **message})), bell.has_gap

    assert hear(frames=[{"seq": 3, "kind": "run.succeeded"}]) == (False, False)
    assert hear(frames=[{"seq": 4, "kind": "log"}]) == (False, False)
    assert hear(frames=[{"seq": 5, "kind": "run.succeeded"}, {"seq": 6, "kind": "log"}])[0]
    assert hear(frames=[{"seq": 8, "kind": "log"}]) == (True, True)
    assert json.loads(bell.follow()) == {"follow": "run:7", "form": "data", "after": 8}
    assert hear(head=9) == (True, True)


def test_the_example_of_the_document_asks_once_and_gets_the_answer(
    bob: User, carol: User, running_web: Web, running_worker: Worker, capsys: Any
) -> None:
    operations = Group.objects.create(name="operations")
    bob.groups.add(operations)
    allow(carol, operations)
    may_deploy = Document(Path(CHECKOUT / "docs" / "client.md")).definitions["may_deploy"]
    token = ApiToken.create_for(carol)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(may_deploy, running_web.url, token, "4.2")
        request = wait_until(HumanRequest.objects.first, what="the question")
        assert request
        respond(request.pk, Answer(value=True, comment="Go."), by=bob)
        assert first.result(60) is True

    assert may_deploy(running_web.url, token, "4.2") is True
    assert capsys.readouterr().out.count("bob: approved. Go.") == 2
    assert HumanRequest.objects.count() == 1
