"""Code that changes under a waiting run: an answer serves only the question it was given to."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests.conftest import StartWorker
from tests.desk import Desk
from tests.processes import Worker
from tests.runs import answer, wait_for_request, wait_for_status

IMPORTS = """
from procedures.engine import (Context, procedure)
from tests.crash.procedures import ROLES, act
"""
HEAD = """

@procedure(roles=ROLES)
def {name}(ctx: Context, folder: str) -> None:
"""
PAY = """
    if ctx.approve("Pay?"):
        ctx.step(act, folder, name="payment")
"""
SEND = """
    if ctx.approve("Send?"):
        ctx.step(act, folder, name="shipment")
"""
NAMED_PAY = PAY.replace('"Pay?"', '"Pay?", name="pay"')
NAMED_SEND = SEND.replace('"Send?"', '"Send?", name="send"')
CHANGED = "The wait approve has changed: the run asked “Pay?”, but the code now asks “Send?”."
REGISTER = """
import sys, django
django.setup()
from procedures import registry
registry.register_all()
"""
START = (
    REGISTER
    + """
from django.contrib.auth.models import User
from procedures.services import start_run
alice = User.objects.get(username="alice")
for name, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    print(start_run(name, {"folder": folder}, by=alice)[0].pk)
"""
)


class Shop:
    """A module outside of the checkout, known only to the processes of this test."""

    def __init__(self, folder: Path, worker: StartWorker) -> None:
        self._module = folder / "shop.py"
        self._start_worker = worker
        self._worker: Worker | None = None
        self._environment = {
            "PYTHONPATH": str(folder),
            "PROCEDURE_MODULES": "shop",
            # Two versions of one length, written within a second, look alike to a .pyc.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def deploy(self, **procedures: Sequence[str]) -> None:
        """End the worker, change the code, and start the worker again."""
        if self._worker:
            self._worker.kill()
        code = [[HEAD.format(name=name), *parts] for name, parts in procedures.items()]
        self._module.write_text("".join([IMPORTS, *chain(*code)]))
        self._run(REGISTER)
        self._worker = self._start_worker(concurrency=1, **self._environment)

    def start(self, *begun: tuple[str, Desk]) -> list[Run]:
        """Start a run of each procedure with the folder of its desk."""
        started = self._run(START, *chain(*((name, desk.folder) for name, desk in begun)))
        return [Run.objects.get(pk=pk) for pk in started.split()]

    def _run(self, script: str, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, **self._environment},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return ended.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path, worker: StartWorker) -> Shop:
    return Shop(tmp_path, worker)


@pytest.fixture
def desks(tmp_path: Path) -> list[Desk]:
    """One for each run."""
    folders = [tmp_path / f"desk{number}" for number in range(4)]
    for folder in folders:
        folder.mkdir()
    return [Desk(folder) for folder in folders]


@pytest.mark.usefixtures("alice")
def test_two_approvals_are_swapped_under_runs_that_wait_for_either(
    shop: Shop, desks: list[Desk], bob: User
) -> None:
    """One deployment for all: each start of a worker takes seconds."""
    shop.deploy(unnamed=(PAY, SEND), named=(NAMED_PAY, NAMED_SEND))
    runs = shop.start(*zip(["unnamed", "named"] * 2, desks, strict=True))
    first = [wait_for_request(run) for run in runs]
    for request in first[2:]:
        answer(request, value=True, by=bob)
    second = [wait_for_request(run, prompt="Send?") for run in runs[2:]]

    shop.deploy(unnamed=(SEND, PAY), named=(NAMED_SEND, NAMED_PAY))
    assert {*HumanRequest.objects.open()} == {*first[:2], *second}
    for request in first[:2]:
        answer(request, value=True, by=bob)
    for request in second:
        answer(request, value=False, by=bob)

    for run, desk in zip(runs[:2], desks, strict=False):
        check_that_an_answer_served_no_other_question(run, desk)
    unnamed = wait_for_status(runs[2], RunStatus.QUARANTINED)
    assert error_of(unnamed)["message"] == CHANGED
    assert error_of(wait_for_status(runs[3], RunStatus.SUCCEEDED)) == {}
    assert [desk.effects for desk in desks[2:]] == [{"payment": 1}] * 2


def check_that_an_answer_served_no_other_question(run: Run, desk: Desk) -> None:
    error = error_of(wait_for_status(run, RunStatus.QUARANTINED))
    assert "“Pay?”" in error["message"]
    assert "“Send?”" in error["message"]
    assert error["remedy"] == "Deploy code that fits the journal and retry, or cancel the run."
    assert not desk.effects
    request = HumanRequest.objects.get(wait__run=run)
    assert (request.prompt, request.outcome, request.closed_by) == ("Pay?", "approved", "bob")


def error_of(run: Run) -> dict[str, str]:
    error: dict[str, str] = json.loads(run.error or "{}")
    return error
