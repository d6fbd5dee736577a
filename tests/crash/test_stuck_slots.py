"""Runs that never come back from their code, and the slots that they hold."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import User

from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.services import cancel_run, force_end_run
from tests.conftest import StartClock, StartWeb, StartWorker
from tests.desk import Desk
from tests.processes import Web, Worker, wait_until
from tests.runs import client_of, start, wait_for_status, wait_for_success
from tests.sockets import session_of

SILENT = "1"
ENDS_WITHIN = 10
"""Seconds: less than a process takes that ends by itself."""
ENDS_ITSELF_WITHIN = 30
"""Seconds: its lease, ten more where its code lets no other thread have a turn, and some."""


def wait_for_begun(runs: list[Run]) -> None:
    wait_until(
        lambda: all(run.events.filter(kind="step.succeeded").exists() for run in runs),
        timeout=60,
        what="all to be at work",
    )


def hold_all(where: list[str], by: User) -> list[Run]:
    runs = [start("never_back", where=one, by=by) for one in where]
    wait_for_begun(runs)
    return runs


def wait_until_free(worker: Worker, before: set[int]) -> None:
    """The processes that never came back have ended, in time."""
    wait_until(
        lambda: before.isdisjoint(worker.slots), timeout=ENDS_WITHIN, what="the slots to be free"
    )


def browser_of(user: User, web: Web) -> httpx.Client:
    """Their browser, signed in."""
    cookies = {settings.SESSION_COOKIE_NAME: session_of(user)}
    return httpx.Client(base_url=web.url, cookies=cookies, timeout=60)


def text_of(browser: httpx.Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.text.split())


def check_that_home_names(runs: list[Run], browser: httpx.Client) -> None:
    """Check the runs under *Stuck* and in the sentence about the workers: these and no others."""
    home = text_of(browser, "/")
    stuck = home.partition('id="stuck"')[2].partition("</section>")[0]
    assert {*re.findall(r'href="/runs/([^"/]+)"', stuck)} == {str(run.pk) for run in runs}
    [complaint] = re.findall(r"\d+ runs? (?:is|are) stuck[^<:]*occup[^<:]*: [^<]*", home)
    assert all(str(run.pk)[-8:] in complaint for run in runs)


def test_four_runs_that_never_come_back_are_named_and_ended_and_free_their_slots(
    worker: StartWorker, web: StartWeb, desk: Desk, alice: User, dave: User
) -> None:
    site, four = web(RUN_SILENT_SECONDS=SILENT), worker(concurrency=4, RUN_SILENT_SECONDS=SILENT)
    before = set(four.slots)
    runs = hold_all(["step", "between", "in C", "between"], alice)
    queued = start("one_step", folder=desk.folder, by=alice)

    with client_of(dave, site) as api, browser_of(dave, site) as daves:
        wait_until(
            lambda: sum(one["is_stuck"] for one in api.get("/health").json()["slots"]) == 4,
            timeout=30,
            what="all to show",
        )
        check_that_home_names(runs, daves)
        assert all("tuck" in text_of(daves, f"/runs/{run.pk}") for run in runs)
        with browser_of(alice, site) as alices:
            wait_until(
                lambda: "Stuck runs occupy 4 workers." in text_of(alices, f"/runs/{queued.pk}"),
                timeout=30,
                what="the page of the queued run to say what holds it",
            )

        for run in runs:
            told = api.post(f"/runs/{run.pk}/force_end", json={"reason": "It never ends."})
            assert told.status_code == 200
        wait_until_free(four, before)
        wait_for_success(queued)
        assert {api.get(f"/runs/{run.pk}").json()["status"] for run in runs} == {"cancelled"}
        assert "Nothing is stuck." in text_of(daves, "/")


@pytest.mark.usefixtures("running_clock")
@pytest.mark.parametrize(
    "where",
    [
        pytest.param("step", marks=pytest.mark.soak),
        pytest.param("between", marks=pytest.mark.soak),
        "in Python",
    ],
)
def test_a_cancel_reaches_a_run_that_is_stuck(
    where: str, worker: StartWorker, clock: StartClock, alice: User, dave: User
) -> None:
    clock(RUN_SILENT_SECONDS=SILENT)
    worker(concurrency=1, RUN_SILENT_SECONDS=SILENT)
    [run] = hold_all([where], alice)

    cancel_run(run.pk, by=dave, reason="Not needed.")

    wait_for_status(run, RunStatus.CANCELLED, timeout=30)


def has_ended(pid: int) -> bool:
    """Say whether the process has, also while nobody has taken notice of its end."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("where", ["step", pytest.param("between", marks=pytest.mark.soak), "in C"])
def test_a_process_whose_run_was_taken_ends_by_itself(
    where: str, worker: StartWorker, desk: Desk, alice: User, dave: User
) -> None:
    """The main process, which would end it, stands still meanwhile."""
    alone = worker(concurrency=1, RUN_SILENT_SECONDS=SILENT)
    [pid] = alone.slots
    [run] = hold_all([where], alice)
    os.kill(alone.pid, signal.SIGSTOP)

    force_end_run(run.pk, by=dave, reason="It never ends.")

    wait_until(lambda: has_ended(pid), timeout=ENDS_ITSELF_WITHIN, what="the process to end")
    assert "Timeout (" in alone.output
    os.kill(alone.pid, signal.SIGCONT)
    wait_for_success(start("one_step", folder=desk.folder, by=alice))
