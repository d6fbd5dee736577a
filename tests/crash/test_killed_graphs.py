"""Graphs whose worker is killed between every two waits, each time in a process of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from procedures import registry
from procedures.models import Run
from procedures.services import Sent, send_signal, start_run, sweep
from tests import litestar
from tests.configured import procedures_of
from tests.crash.graphs import ANSWERS, ENDS, MODULE
from tests.crash.legs import work_and_die
from tests.runs import answer, journal_of, result_of, status_of

pytestmark = pytest.mark.soak


def go_through(run: Run, by: User) -> int:
    """Answer what the run asks, one question a process, until it ends; return the processes."""
    for leg in range(1, 12):
        work_and_die(run, leg, module=MODULE)
        if status_of(run) not in ("waiting", "queued"):
            return leg
        request = HumanRequest.objects.open().filter(wait__run=run).order_by("-pk").first()
        if request:
            answer(request, value=ANSWERS.get(request.wait.key, True), by=by)
        else:
            send_signal(run.pk, Sent("bank", "1", 7), by=by)
        sweep()
    raise AssertionError(f"{run} does not end: {status_of(run)}")


@pytest.fixture
def registered(transactional_db: None) -> Iterator[None]:
    with procedures_of(MODULE):
        registry.register_all()
        yield


@pytest.mark.usefixtures("registered")
def test_a_graph_goes_on_in_other_processes_and_does_nothing_twice(
    admin_user: User, tmp_path: Path
) -> None:
    run, _ = start_run("killed_graph", {"folder": str(tmp_path)}, by=admin_user)

    assert go_through(run, admin_user) >= 5

    assert status_of(run) == "succeeded", journal_of(run)
    done = (tmp_path / "done").read_text().split()
    assert done == ["begin", "after_law", "join", "end"]


@pytest.mark.skipif(not litestar.CHECKOUT, reason="LITESTAR_WORKFLOWS names no checkout.")
@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("name", "data", "end"), ENDS)
def test_an_example_of_theirs_goes_on_in_other_processes(
    name: str, data: dict[str, Any], end: str, admin_user: User
) -> None:
    run, _ = start_run(name, {"data": data}, by=admin_user)

    go_through(run, admin_user)

    assert status_of(run) == "succeeded", journal_of(run)
    assert end in result_of(run)
