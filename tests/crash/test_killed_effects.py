"""Programs whose worker is killed between every two waits, each time in a process of its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from procedures import registry
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import Sent, send_signal, start_run, sweep
from programs.effects.names import engine_name
from tests import abstract_runtime as theirs
from tests.configured import procedures_of
from tests.crash.effects import ENDS, MODULE, values
from tests.crash.legs import work_and_die
from tests.runs import answer, journal_of, result_of, status_of

pytestmark = pytest.mark.soak
EVENT = engine_name("evt:paid")


def go_through(run: Run, by: User) -> int:
    """Answer what the run and its children ask, a process for each turn; return how many."""
    processes = 0
    for _ in range(30):
        queued = list(Run.objects.filter(status="queued").order_by("pk"))
        for one in queued:
            processes += 1
            work_and_die(one, processes, module=MODULE)
        if status_of(run) not in ("waiting", "queued"):
            return processes
        if not queued and not let_go_on(by):
            clock.ahead += timedelta(seconds=10)
        sweep()
    raise AssertionError(f"{run} does not end: {status_of(run)}")


def let_go_on(by: User) -> bool:
    """Answer the open question, or send the event that a run waits for."""
    if request := HumanRequest.objects.open().order_by("pk").first():
        answer(request, value="a", by=by)
        return True
    if waits := Run.objects.filter(waits__closed_at=None, waits__key=EVENT).first():
        send_signal(waits.pk, Sent(EVENT, "1", {"n": 1}), by=by)
    return bool(waits)


@pytest.fixture
def registered(transactional_db: None) -> Iterator[None]:
    with procedures_of(MODULE):
        registry.register_all()
        yield


@pytest.mark.usefixtures("registered")
def test_a_program_goes_on_in_other_processes_and_does_nothing_twice(
    admin_user: User, tmp_path: Path
) -> None:
    run, _ = start_run("killed_effects", {"vars": {"folder": str(tmp_path)}}, by=admin_user)

    assert go_through(run, admin_user) >= 5

    assert status_of(run) == "succeeded", journal_of(run)
    assert (tmp_path / "done").read_text().split() == ["begin", "between", "last"]
    assert '"paid":{"n":1}' in result_of(run)


@pytest.mark.skipif(not theirs.CHECKOUT, reason="ABSTRACTRUNTIME names no checkout.")
@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("name", "end"), ENDS)
def test_an_example_of_theirs_goes_on_in_other_processes(
    name: str, end: str, admin_user: User
) -> None:
    run, _ = start_run(name, {"vars": values[name]}, by=admin_user)

    go_through(run, admin_user)

    assert status_of(run) == "succeeded", journal_of(run)
    assert end in result_of(run)
