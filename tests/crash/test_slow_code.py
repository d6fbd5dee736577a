"""Code that takes longer to import than a lease lasts."""

import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from procedures.journal import limit_locks
from procedures.models import Run
from tests.conftest import StartWeb, StartWorker
from tests.crash.weather import pass_time
from tests.desk import Desk
from tests.processes import Worker
from tests.runs import client_of, start, wait_for_success

SLOW = """
import os
from tests.crash.procedures import stop_at
stop_at({folder!r}, "import")
os.environ["SET_BY_CODE"] = "as its author wants it"
"""


@pytest.fixture
def slowly(desk: Desk) -> dict[str, str]:
    """Variables of a process whose code waits at the gate `import`."""
    Path(desk.folder, "slow_code.py").write_text(SLOW.format(folder=desk.folder))
    modules = "slow_code,tests.crash.procedures"
    return {"PYTHONPATH": desk.folder, "PROCEDURE_MODULES": modules}


@pytest.fixture
def importer(worker: StartWorker, slowly: dict[str, str]) -> Worker:
    """A worker of one slot."""
    return worker(concurrency=1, **slowly)


def check_that_nobody_waits_for(run: Run) -> None:
    """Neither who answers or ends the run, nor, on SQLite, anybody else who writes."""
    with transaction.atomic():
        limit_locks(1)
        assert Run.objects.lock(run.pk).status == "queued"


@pytest.mark.usefixtures("running_clock")
def test_a_run_is_claimed_by_a_process_that_has_its_code(
    desk: Desk, alice: User, importer: Worker
) -> None:
    with desk.closed("import"):
        run = start("one_step", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("import")
        check_that_nobody_waits_for(run)
        pass_time(3)  # longer than a lease

    wait_for_success(run)
    run.refresh_from_db()
    assert (run.epoch, desk.effects) == (1, {"work": 1})


def test_a_signal_locks_its_run_only_when_its_process_has_the_code(
    desk: Desk, alice: User, web: StartWeb, slowly: dict[str, str]
) -> None:
    run = start("one_step", folder=desk.folder, by=alice)
    answers: list[int] = []

    def send() -> None:
        path = f"/runs/{run.pk}/signals/hurry"
        answers.append(client.post(path, json={"value": 1, "id": "a"}).status_code)

    with client_of(alice, web(**slowly)) as client:
        sender = threading.Thread(target=send)
        with desk.closed("import"):
            sender.start()
            desk.wait_for_arrivals("import")
            check_that_nobody_waits_for(run)
        sender.join()

    assert answers == [201]


@pytest.mark.usefixtures("importer")
def test_what_code_sets_when_it_is_imported_holds_for_every_run(desk: Desk, alice: User) -> None:
    told = [
        wait_for_success(start("variable", name="SET_BY_CODE", by=alice)).result for _ in range(3)
    ]

    assert told == ['"as its author wants it"'] * 3
