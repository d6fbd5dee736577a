"""Lua programs on a site: their pages, and runs whose worker is another process after each wait."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from pytest_django import Settings

from chat.models import HumanRequest
from procedures import registry
from procedures.models import Grant, Procedure, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run, sweep
from tests.configured import configure
from tests.conftest import StartWorker
from tests.flows import Folder
from tests.pages import browser, shown
from tests.processes import Redis, run_python, wait_until
from tests.programs.lua.readers import READERS, scenarios_in
from tests.programs.lua.shown import examples, text_of, value_for
from tests.programs.lua.test_plexus_examples import CHILD, EXPECTED
from tests.programs.lua.test_tactus import NOT_OFFERED
from tests.runs import answer, error_of, result_of, status_of, wait_for_status

ADVANCE = """
import sys
from datetime import timedelta
from uuid import UUID
import django
django.setup()
from procedures.engine.values.choices import Site
from procedures.models.clock import clock
from procedures.runner import advance_run
clock.ahead = timedelta(seconds=float(sys.argv[2]))
Site.allowed = lambda _: {"data": sys.argv[3]}
advance_run(UUID(sys.argv[1]))
"""
"""A worker that lives for one turn of one run."""


@pytest.fixture(autouse=True)
def every_test_has_redis(redis_server: Redis) -> None:
    """Up and empty."""


@pytest.fixture
def programs(
    transactional_db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Folder]:
    """A folder whose files the site reads, and the processes that it starts."""
    path = tmp_path / "programs"
    path.mkdir()
    monkeypatch.setenv("PROCEDURE_FILES", f"{path}/*.*")
    monkeypatch.setenv("PROCEDURE_READERS", json.dumps(READERS))
    configure(settings, PROCEDURE_FILES=[f"{path}/*.*"], PROCEDURE_READERS=READERS)
    registry.forget()
    yield Folder(path)
    registry.forget()


def allow_all(group: Group) -> None:
    for one in Procedure.objects.all():
        Grant.objects.get_or_create(procedure=one, group=group, role="answer")


class Carried:
    """A run whose every turn, and that of its children, is a process of its own."""

    def __init__(self, run: Run, people: User, data: str = "") -> None:
        self.run, self._people, self._data = run, people, data
        self.processes = 0

    def to_its_end(self) -> Run:
        for _ in range(100):
            queued = list(Run.objects.filter(status="queued").order_by("pk"))
            for run in queued:
                seconds = str(clock.ahead.total_seconds())
                run_python(ADVANCE, str(run.pk), seconds, self._data)
                self.processes += 1
            self.run.refresh_from_db()
            if self.run.status not in ("queued", "waiting", "retrying", "running"):
                return self.run
            if not queued and not self._answer():
                clock.ahead += timedelta(seconds=5)
                sweep()
        raise AssertionError(f"{self.run} never ends.")

    def _answer(self) -> bool:
        asked = list(HumanRequest.objects.filter(status="open").order_by("pk"))
        for request in asked:
            answer(request, value=value_for(request.kind, request.asked), by=self._people)
        return bool(asked)


def test_a_program_looks_like_any_procedure(programs: Folder, alice: User) -> None:
    programs.write("03-deploy.tac", text_of("03-deploy.tac"))
    programs.deploy("order.yaml", text_of("order.yaml"))

    page = shown(browser(alice).get("/procedures/order"))
    assert "Check an order" in page
    assert "Stages: received → checked → paid." in page
    assert "The number of the order" in page
    assert "local approved" not in page
    assert "Stage.set(&quot;received&quot;)" in page
    assert "Deploy an application" in shown(browser(alice).get("/procedures/deploy"))


WAITING = """
name: waiting
code: |
  local names = {}
  for name, count in pairs({pear = 1, fig = 2, apple = 3, plum = 4, kiwi = 5, lime = 7}) do
    names[#names + 1] = name
    if count % 2 == 0 then Human.approve({message = "Eat the " .. name .. "?"}) end
    State.increment("eaten", count)
  end
  return {names = names, eaten = State.get("eaten"), luck = math.random(1, 1000)}
"""


def test_every_turn_may_be_another_process(programs: Folder, bob: User, admin_user: User) -> None:
    programs.deploy("waiting.yaml", WAITING)
    allow_all(bob.groups.get())
    carried = Carried(start_run("waiting", {}, by=admin_user)[0], bob)

    ended = carried.to_its_end()

    assert ended.status == "succeeded", error_of(ended)
    found = json.loads(result_of(ended))
    assert found["names"] == ["apple", "fig", "kiwi", "lime", "pear", "plum"]
    assert (found["eaten"], carried.processes) == (22, 3)


SHIP = """
name: ship
code: |
  local fine = Human.approve({message = "Ship it?"})
  File.write("label.txt", "To Ann")
  return {fine, "FIRST"}
"""


def test_an_edited_file_and_two_workers_change_nothing(
    programs: Folder, bob: User, admin_user: User
) -> None:
    programs.deploy("ship.yaml", SHIP)
    allow_all(bob.groups.get())
    run, _ = start_run("ship", {}, by=admin_user)
    advance_run(run.pk)
    programs.deploy("ship.yaml", SHIP.replace("FIRST", "SECOND").replace("Ship", "Burn"))
    [request] = HumanRequest.objects.filter(status="open")
    answer(request, value=True, by=bob)

    both = [Thread(target=advance_and_close, args=[run.pk]) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert (status_of(run), result_of(run)) == ("succeeded", '[true,"FIRST"]')
    assert run.events.filter(kind="step.succeeded").count() == 1


def advance_and_close(run_id: UUID) -> None:
    try:
        advance_run(run_id)
    finally:
        connection.close()


@pytest.mark.soak
@pytest.mark.parametrize("path", examples("PLEXUS_EXAMPLES", "*.yaml"))
def test_plexus_examples_with_a_process_for_every_turn(
    path: Path, programs: Folder, bob: User, admin_user: User
) -> None:
    for name in ("test-sub-procedure", "analysis-proc"):
        # At once: a process takes longer to start than the example waits for its child.
        programs.write(f"{name}.yaml", CHILD.format(name=name).replace("Sleep(1)", ""))
    programs.deploy(path.name, path.read_text())
    allow_all(bob.groups.get())

    ended = Carried(start_run(path.stem, {}, by=admin_user)[0], bob).to_its_end()

    assert ended.status == "succeeded", error_of(ended)
    found = json.loads(result_of(ended))
    expected = EXPECTED[path.stem]
    assert {name: found[name] for name in expected} == expected


@pytest.mark.soak
@pytest.mark.parametrize("path", examples("TACTUS_EXAMPLES", "**/*.tac"))
def test_tactus_examples_with_a_process_for_every_turn(
    path: Path, programs: Folder, bob: User, admin_user: User
) -> None:
    programs.deploy(path.name, path.read_text())
    if path.name in NOT_OFFERED:
        assert registry.faults()
        return
    allow_all(bob.groups.get())
    inputs = scenarios_in(path.name, path.read_text())[0].inputs
    [name] = registry.definitions().keys() & {one.name for one in Procedure.objects.all()} - known()

    run = start_run(name, inputs, by=admin_user)[0]
    ended = Carried(run, bob, str(path.parent / "data")).to_its_end()

    assert ended.status == "succeeded", error_of(ended)


def known() -> set[str]:
    """The procedures of the tests' own modules."""
    return {name for name, one in registry.definitions().items() if not one.file}


FREE_WITHIN = 5
"""The seconds from the failure of a run that hangs until another process has its slot."""
HOSTILE = "local s, p = ('a'):rep(3000), '^' .. ('a*'):rep(9) .. 'b'"
ENDLESS = {
    "a pattern": "string.find(s, p)",
    "a pattern in pcall in a loop": "while true do pcall(string.find, s, p) end",
    "a pattern in a coroutine": "coroutine.wrap(function() s:gsub(p, '') end)()",
    "a table as long as it likes": (
        "table.insert(setmetatable({}, {__len = function() return 1e15 end}), 1, 1)"
    ),
    "moving": "table.move({}, 1, 1e15, 2)",
}


@pytest.mark.parametrize(
    "what",
    [
        "a pattern in pcall in a loop",
        *(pytest.param(one, marks=pytest.mark.soak) for one in ENDLESS if "pcall" not in one),
    ],
)
def test_a_program_that_hangs_in_c_loses_its_process_and_fails(
    what: str, programs: Folder, worker: StartWorker, admin_user: User
) -> None:
    code = f"name: hanging\ncode: |\n  {HOSTILE}\n  Log.info('Now.')\n  {ENDLESS[what]}\n"
    programs.write("hanging.yaml", code)
    programs.deploy("fine.yaml", "name: fine\ncode: return 'fine'\n")
    run, _ = start_run("hanging", {}, by=admin_user)
    alone = worker(concurrency=1)
    before = set(alone.slots)

    wait_for_status(run, "failed", timeout=120)  # type: ignore[arg-type]  # a status is its text

    error = error_of(run)
    assert error["type"] == "LimitReached"
    assert error["message"].startswith("programs/hanging.yaml, line 5: the code has computed")
    wait_until(
        lambda: before.isdisjoint(alone.slots), timeout=FREE_WITHIN, what="the slot to be free"
    )
    other, _ = start_run("fine", {}, by=admin_user)
    wait_for_status(other, "succeeded", timeout=60)  # type: ignore[arg-type]
    run.refresh_from_db()
    assert run.status == "failed"
    assert "Now." in str([event.data for event in run.events.all()])
