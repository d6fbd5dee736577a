"""Workers that die in the middle of an agent's request, or of a tool."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from procedures.models import Run
from tests.desk import Desk
from tests.runs import answer, journal_of, start, wait_for_request, wait_for_success

pytestmark = pytest.mark.usefixtures("running_clock", "running_worker")
GATES = ("request 0", "after find", "request 1", "before pay", "after pay", "request 2")


@pytest.mark.parametrize(
    "gates", [["after pay"], pytest.param(GATES, marks=pytest.mark.soak)], ids=["one", "all"]
)
def test_it_pays_what_people_chose_once_wherever_its_worker_dies(
    gates: Sequence[str], tmp_path: Path, alice: User, bob: User
) -> None:
    desks = {gate: Desk(tmp_path / gate) for gate in gates}
    runs: dict[str, Run] = {}
    for gate, desk in desks.items():
        Path(desk.folder).mkdir()
        desk.kill_at(gate)
        runs[gate] = start("pays_by_agent", folder=desk.folder, by=alice)

    for run in runs.values():
        request = wait_for_request(run, prompt="Pay 31 €?")
        values = {"folder": run_folder(run), "amount": 20}
        answer(request, value={"decision": "approved", "values": values}, by=bob)

    for gate, run in runs.items():
        done = wait_for_success(run)
        assert json.loads(done.result or "").startswith("{'result': 'pay 20', 'note': 'bob changed")
        assert HumanRequest.objects.filter(wait__run=run).count() == 1
        kept = [line for line in journal_of(done) if line.startswith("step.succeeded")]
        steps = ["agent tools", "agent", "find", "agent#2", "pay", "agent#3"]
        assert kept == [f"step.succeeded {name}" for name in steps]
        # An effect whose commit was lost is repeated, under the same key.
        repeats = {"after find": {"find": 2, "pay": 1}, "after pay": {"find": 1, "pay": 2}}
        assert desks[gate].effects == repeats.get(gate, {"find": 1, "pay": 1})
        assert desks[gate].keys == {f"{run.pk}:find", f"{run.pk}:pay"}


def run_folder(run: Run) -> str:
    return str(json.loads(run.inputs)["folder"])
