"""An operation on many runs whose workers are killed in the middle."""

from collections import Counter

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Count

from procedures.engine.journal.events import RunStatus
from procedures.engine.values import canonical
from procedures.models import Act, ChosenRun, Event, Run
from procedures.services import bulk
from tests.calls import grant, run_until_it_waits
from tests.many_runs import copies_of
from tests.processes import Worker, wait_until
from tests.runs import journal_of, wait_for_status, wait_for_success

KILLS = 3
ONCE = ("operator", "run.cancelled")


@pytest.mark.usefixtures("running_clock")
@pytest.mark.parametrize("count", [300, pytest.param(5_000, marks=pytest.mark.soak)])
def test_each_run_is_cancelled_once_while_the_workers_are_killed(
    running_worker: Worker, dave: User, operators: Group, count: int
) -> None:
    grant("question", operators, "operate")
    asking = wait_for_status(run_until_it_waits("question"), RunStatus.WAITING)
    copies_of(asking, count)
    # Its question is nobody's to answer, which the clock may note in its journal meanwhile.
    runs = Run.objects.filter(procedure__name="question").exclude(pk=asking.pk)

    job = bulk.act_on_matching(runs, "cancel", by=dave, reason="Over.", which="all")
    acted_on = ChosenRun.objects.exclude(outcome="")
    for kill in range(1, KILLS + 1):
        enough = count * kill // (KILLS + 1)
        wait_until(lambda: acted_on.count() >= enough, timeout=120)  # noqa: B023
        running_worker.kill_slots()

    ended = wait_for_success(job, timeout=240)
    told = {"total": count, "done": count, "refused": {}, "untouched": 0}
    assert canonical.plain(ended.result or "") == told
    assert Counter(runs.values_list("status", flat=True)) == {"cancelled": count}
    events = Event.objects.filter(run__in=runs).order_by()
    journals = events.filter(kind__in=ONCE).values("run").annotate(events=Count("pk"))
    odd = journals.exclude(events=len(ONCE)).values_list("run", flat=True)
    assert [journal_of(run) for run in Run.objects.filter(pk__in=odd)] == []
    assert journals.count() == count
    [act] = Act.objects.filter(kind="verb", about_id=str(job.pk))
    assert act.words.endswith(f"Cancelled {count:,} of {count:,} runs.")
    assert not ChosenRun.objects.exists()
