"""Two hosts' worth of processes: folders of their own, clocks that are apart, one store."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests import machine
from tests.conftest import StartClock, StartWeb, StartWorker
from tests.desk import Desk
from tests.processes import Process, Web, faketime, wait_until
from tests.runs import answer, client_of, wait_for_request

pytestmark = [
    pytest.mark.soak,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        os.environ.get("TEST_DATABASE") != "postgres",
        reason="Two hosts share no SQLite file: TEST_DATABASE=postgres.",
    ),
]
RUNS = 40
LEASE = 60
"""Seconds: on a busy machine shorter ones are lost, and their steps rightly done again."""


@pytest.fixture(params=["+3s", f"+{2 * LEASE}s"])
def hosts(
    request: pytest.FixtureRequest,
    web: StartWeb,
    worker: StartWorker,
    clock: StartClock,
    tmp_path: Path,
) -> list[list[Process]]:
    """Each host's web, worker and clock."""
    found: list[list[Process]] = []
    for number, offset in enumerate(["+0s", request.param]):
        folder = tmp_path / f"host-{number}"
        folder.mkdir()
        own = {"LOCAL_DIR": str(folder), "FILES_URL": str(machine.FOLDER / "files")}
        own |= {"RUN_LEASE_SECONDS": str(LEASE), **faketime(offset)}
        found.append([web(**own), worker(concurrency=1, **own), clock(**own)])
    return found


def test_forty_runs_over_two_hosts(
    hosts: list[list[Process]], desk: Desk, alice: User, bob: User
) -> None:
    ids = [one for host in hosts for one in start_half(host[0], alice, desk)]
    for one in ids:
        answer(wait_for_request(Run.objects.get(pk=one)), by=bob)

    wait_until(lambda: not Run.objects.unended().exists(), timeout=180, what="all ends")

    assert {run.status for run in Run.objects.all()} == {RunStatus.SUCCEEDED}
    assert Run.objects.count() == RUNS + 2
    assert desk.effects == {"reserve": RUNS, "pay": RUNS, "send": RUNS}
    assert len(desk.keys) == 3 * RUNS
    assert not [one.name for host in hosts for one in host if "Traceback" in one.output]


def start_half(site: Process, user: User, desk: Desk) -> list[str]:
    """Half of the runs and one that sleeps, started at that host; the ids of those that ask."""
    assert isinstance(site, Web)
    with client_of(user, site) as client, ThreadPoolExecutor(4) as pool:
        path, body = "/procedures/purchase/runs", {"folder": desk.folder}
        half = range(RUNS // 2)
        replies = list(pool.map(lambda _: client.post(path, json=body), half))
        slept = client.post("/procedures/short_sleep/runs", json={"seconds": 2})
    assert {reply.status_code for reply in (*replies, slept)} == {201}
    return [reply.json()["id"] for reply in replies]
