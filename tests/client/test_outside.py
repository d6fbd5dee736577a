"""Runs that a program owns, at a real site with a worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from chat.services import Answer, respond
from countersign_client import (
    Client,
    EndedRunError,
    InvalidError,
    LostRunError,
    NoAnswerError,
    OutsideRun,
    WaitTimeoutError,
)
from dashboard.environment.variables import CHECKOUT
from dashboard.models import ApiToken
from procedures.models import Run
from tests.client.conftest import PATIENCE, request_asked
from tests.documents import Page as Document
from tests.processes import Web

LARGE = "x" * 150_000
Start = Callable[..., OutsideRun]

ASKS = """
import sys
from countersign_client import Client, OutsideRun

way, site, token = sys.argv[1:]
with Client(site, token) as client:
    if way == "ask":
        question = client.ask("Deploy 4.2?", to=["finance"], key="deploy-4.2")
    else:
        run = OutsideRun.open(client, "deploy-4.2", "Deploy 4.2", to=["finance"])
        question = run.ask("deploy", "Deploy 4.2?", to=["finance"])
    print("asked", flush=True)
    answer = question.wait()
    if way == "outside":
        run.finish(answer.outcome)
    print(answer.responder, answer.outcome)
"""


def opened(client: Client, key: str = "import-7", **options: object) -> OutsideRun:
    return OutsideRun.open(client, key, "Import 7", to=["finance"], **options)  # type: ignore[arg-type]


def test_values_and_questions_are_there_again_for_another_process(
    site: Client, bob: User, threads: ThreadPoolExecutor
) -> None:
    run = opened(site)
    run.keep({"a": 1, "large": LARGE, "larger": LARGE, "b": {"c": [2, None]}}, stage="Load")
    run.keep({"a": 2}, gone=["b"])
    run.post("Hello", body="**You**")
    run.log("Loaded.", level="warning")
    question = run.ask("deploy", "Deploy?", kind="input", values={"asked": True})
    assert question.poll() is None

    again = opened(site)
    same = again.ask("deploy", "Deploy?", kind="input", values={"asked": True})
    assert again.values == {"a": 2, "large": LARGE, "larger": LARGE, "asked": True}
    assert (again.get("a"), again.get("b", 3), again.has("outside")) == (2, 3, False)
    waiting = threads.submit(same.wait, timeout=PATIENCE)
    respond(request_asked().pk, Answer(value="tonight", comment="Fine."), by=bob)
    answer = waiting.result(PATIENCE)

    assert (answer.value, answer.responder, answer.comment) == ("tonight", "bob", "Fine.")
    assert same.poll() == answer
    assert HumanRequest.objects.count() == Run.objects.count() == 1
    kinds = {"stage": "Load", "notice": "Hello", "log": "Loaded."}
    assert kinds.items() <= {one.kind: one.name for one in Run.objects.get().events.all()}.items()
    again.finish({"done": 2})
    again.finish({"done": 2})
    assert site.get_result(run.id) == {"done": 2}
    with pytest.raises(EndedRunError, match="succeeded"):
        again.keep({"a": 3})
    ended = opened(site)
    assert ended.is_over
    assert ended.get("a") == 2


def test_only_the_process_that_came_last_continues(site: Client, bob: User) -> None:
    first = opened(site)
    question = first.ask("deploy", "Deploy?")
    second = opened(site)
    respond(request_asked().pk, Answer(value=True), by=bob)

    with pytest.raises(LostRunError):
        question.wait(timeout=PATIENCE)
    for act in (first.refresh, question.poll, lambda: first.keep({"a": 1})):
        with pytest.raises(LostRunError):
            act()
    found = second.question("deploy")
    assert found
    assert found.wait(timeout=PATIENCE).responder == "bob"
    assert second.values == {}


def test_what_the_run_does_not_obey_is_an_error(site: Client) -> None:
    run = opened(site)
    run.ask("deploy", "Deploy?")

    with pytest.raises(InvalidError, match="Another question"):
        run.ask("deploy", "Deploy now?")
    with pytest.raises(InvalidError, match="'support' can't be asked"):
        run.ask("other", "Deploy?", to=["support"])
    with pytest.raises(InvalidError, match="limit"):
        run.keep({"a": "x" * 300_000})
    assert (run.question("other"), run.values) == (None, {})


def test_a_question_is_withdrawn_and_a_run_fails(site: Client) -> None:
    run = opened(site)
    question = run.ask("deploy", "Deploy?")
    with pytest.raises(WaitTimeoutError):
        question.wait(timeout=0.1)

    assert question.withdraw("It was deployed already.") is True
    assert question.withdraw("It was deployed already.") is False
    with pytest.raises(NoAnswerError, match="already"):
        question.poll()
    other = run.ask("other", "Stop?")
    run.fail("The disk is full.")

    assert site.get_run(run.id).error
    assert {one.status for one in HumanRequest.objects.all()} == {"withdrawn"}
    with pytest.raises(NoAnswerError, match="failed"):
        other.wait()


def test_without_a_worker_nothing_is_lost(owner: Client) -> None:
    with pytest.raises(WaitTimeoutError, match="hasn't read this command"):
        opened(owner, patience=0.2)
    run = Run.objects.get()

    assert run.signals.count() == 1


@pytest.mark.parametrize("way", ["ask", "outside"])
def test_a_process_that_is_killed_while_it_waits_gets_the_answer_when_it_asks_again(
    site: Client, carol: User, bob: User, running_web: Web, way: str
) -> None:
    command = [sys.executable, "-c", ASKS, way, running_web.url, ApiToken.create_for(carol)]

    def start() -> subprocess.Popen[str]:
        variables = {**os.environ, "PYTHONPATH": str(CHECKOUT / "client")}
        started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        assert started.stdout
        assert started.stdout.readline() == "asked\n"
        return started

    killed = start()
    request = request_asked()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL
    respond(request.pk, Answer(value=True), by=bob)

    printed, _ = start().communicate(timeout=PATIENCE)

    assert printed == "bob approved\n"
    assert HumanRequest.objects.count() == Run.objects.count() == 1
    assert request.responses.count() == 1


def test_the_example_of_the_document_imports_each_order_once(
    site: Client, carol: User, bob: User, running_web: Web, threads: ThreadPoolExecutor
) -> None:
    import_orders = Document(Path(CHECKOUT / "docs" / "outside.md")).definitions["import_orders"]
    token = ApiToken.create_for(carol)
    importing = threads.submit(import_orders, running_web.url, token, ["a", "b"])
    for order, value in (("a", True), ("b", False)):
        respond(request_asked(f"order {order}").pk, Answer(value=value), by=bob)

    assert importing.result(PATIENCE) == ["a"]
    assert Run.objects.get().status == "succeeded"
