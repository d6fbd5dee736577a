"""Files that are edited under running workers: a run goes on with the text it was started with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from procedures.models import Run
from tests.conftest import StartWeb, StartWorker
from tests.desk import Desk
from tests.processes import Web, Worker, run_python, wait_until
from tests.runs import answer, client_of, wait_for_request, wait_for_success

REGISTER = """
import django
django.setup()
from procedures import registry
registry.register_all()
"""
ROLES = {"start": "support", "answer": "finance"}


class Site:
    """A folder of files, with a web and a worker that read it."""

    def __init__(self, folder: Path, web: StartWeb, worker: StartWorker) -> None:
        self.file = folder / "flows" / "shoes.json"
        self.file.parent.mkdir()
        self._start_web, self._start_worker = web, worker
        self._environment = {
            "PROCEDURE_FILES": f"{self.file.parent}/*.json",
            "PROCEDURE_READERS": json.dumps({".json": "tests.list_reader.read_steps"}),
        }
        self.web: Web
        self.worker: Worker

    def write(self, *steps: dict[str, str]) -> None:
        text = json.dumps({"name": "shoes", "roles": ROLES, "steps": steps})
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.replace(self.file)

    def open(self) -> None:
        """Deploy: register what is there, then start the processes."""
        run_python(REGISTER, **self._environment)
        self.web, self.worker = self._start_web(**self._environment), self.new_worker()

    def new_worker(self) -> Worker:
        self.worker = self._start_worker(concurrency=2, **self._environment)
        return self.worker

    def start(self, desk: Desk, *, by: User) -> Run:
        with client_of(by, self.web) as client:
            started = client.post("/procedures/shoes/runs", json={"folder": desk.folder})
        assert started.status_code == 201, started.text
        return Run.objects.get(pk=started.json()["id"])

    def version(self, *, by: User) -> str:
        with client_of(by, self.web) as client:
            return str(client.get("/procedures/shoes").json().get("version"))


@pytest.fixture
def site(tmp_path: Path, web: StartWeb, worker: StartWorker) -> Site:
    return Site(tmp_path, web, worker)


def restart(site: Site) -> None:
    site.worker.kill()
    site.new_worker()


def lose_slots(site: Site) -> None:
    site.worker.kill_slots()


def remove(site: Site) -> None:
    site.file.unlink()
    restart(site)


def leave(site: Site) -> None:
    """The worker that asked is the one that goes on."""


@pytest.mark.parametrize(
    "then",
    [
        remove,
        *(pytest.param(one, marks=pytest.mark.soak) for one in (lose_slots, restart, leave)),
    ],
)
def test_a_run_goes_on_with_its_text_whatever_becomes_of_file_and_worker(
    site: Site, then: Callable[[Site], None], desk: Desk, alice: User, bob: User
) -> None:
    site.write({"do": "load"}, {"ask": "Send them?"}, {"do": "send"})
    site.open()
    run = site.start(desk, by=alice)
    request = wait_for_request(run)
    first = site.version(by=alice)

    site.write({"do": "weigh"}, {"ask": "Burn them?"}, {"do": "burn"})
    wait_until(lambda: site.version(by=alice) != first, what="the edit to be noticed")
    newer = site.start(desk, by=alice)
    other = wait_for_request(newer)
    then(site)
    answer(request, value=True, by=bob)
    answer(other, value=True, by=bob)

    assert wait_for_success(run).result == '["load","True","send"]'
    assert wait_for_success(newer).result == '["weigh","True","burn"]'
    assert desk.effects == {"load": 1, "send": 1, "weigh": 1, "burn": 1}
