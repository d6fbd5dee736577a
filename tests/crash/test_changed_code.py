"""Code that changes under a waiting run: an answer serves only the question it was given to."""

import json
import os
import subprocess
import sys
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

HEAD = """
from procedures.engine import (Context, procedure)
from tests.crash.procedures import ROLES, act

@procedure(roles=ROLES)
def shop(ctx: Context, folder: str) -> None:
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
print(start_run("shop", {"folder": sys.argv[1]}, by=alice)[0].pk)
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

    def deploy(self, *parts: str) -> None:
        """End the worker, change the code, and start the worker again."""
        if self._worker:
            self._worker.kill()
        self._module.write_text("".join([HEAD, *parts]))
        self._run(REGISTER)
        self._worker = self._start_worker(concurrency=1, **self._environment)

    def start(self, desk: Desk) -> Run:
        return Run.objects.get(pk=self._run(START, desk.folder))

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


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("pay", "send"),
    [
        pytest.param(PAY, SEND, id="unnamed"),
        pytest.param(NAMED_PAY, NAMED_SEND, id="named", marks=pytest.mark.soak),
    ],
)
def test_two_approvals_swapped_under_a_waiting_run_quarantine_it(
    shop: Shop, pay: str, send: str, desk: Desk, bob: User
) -> None:
    shop.deploy(pay, send)
    run = shop.start(desk)
    request = wait_for_request(run)

    shop.deploy(send, pay)
    assert HumanRequest.objects.open().get() == request
    answer(request, value=True, by=bob)

    error = error_of(wait_for_status(run, RunStatus.QUARANTINED))
    assert "“Pay?”" in error["message"]
    assert "“Send?”" in error["message"]
    assert error["remedy"] == "Deploy code that fits the journal and retry, or cancel the run."
    assert not desk.effects
    request = HumanRequest.objects.get()
    assert (request.prompt, request.outcome, request.closed_by) == ("Pay?", "approved", "bob")


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("pay", "send", "becomes"),
    [
        pytest.param(
            *(PAY, SEND, (RunStatus.QUARANTINED, CHANGED)), id="unnamed", marks=pytest.mark.soak
        ),
        pytest.param(NAMED_PAY, NAMED_SEND, (RunStatus.SUCCEEDED, ""), id="named"),
    ],
)
def test_two_answered_approvals_swapped_keep_their_answers_or_stop_the_run(
    shop: Shop, pay: str, send: str, becomes: tuple[RunStatus, str], desk: Desk, bob: User
) -> None:
    shop.deploy(pay, send)
    run = shop.start(desk)
    answer(wait_for_request(run), value=True, by=bob)
    request = wait_for_request(run, prompt="Send?")

    shop.deploy(send, pay)
    answer(request, value=False, by=bob)

    status, said = becomes
    ended = wait_for_status(run, status)
    assert error_of(ended).get("message", "") == said
    assert desk.effects == {"payment": 1}


def error_of(run: Run) -> dict[str, str]:
    error: dict[str, str] = json.loads(run.error or "{}")
    return error
