"""An operation on all runs that match a filter: its forecast, its run, and what is left of it."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from procedures.engine.journal.events import RunStatus
from procedures.engine.values import canonical
from procedures.models import Act, ChosenRun, Grant, Procedure, Retention, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import (
    ReasonError,
    bulk,
    cancel_run,
    force_end_run,
    pause_run,
    unpause_run,
    verification,
)
from procedures.services.retention.removal import remove_family
from procedures.tasks import close_operations
from tests.calls import grant, run_until_it_waits
from tests.many_runs import copies_of, questions
from tests.runs import error_of, status_of
from tests.working import let_pass, work_off

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("question", "broken_child", "above_one_by_one", "waiting_beside_a_child", "doubled")


@pytest.fixture(autouse=True)
def dave_operates(operators: Group) -> None:
    for name in NAMES:
        grant(name, operators, "operate")


def matching(*names: str) -> Any:
    return Run.objects.filter(procedure__name__in=names or ["question"])


def begin(by: User, verb: str = "cancel", *names: str, **more: Any) -> Run:
    reason = {"reason": "The campaign is over.", **more}
    return bulk.act_on_matching(matching(*names), verb, by=by, which="all", **reason)


def summary_of(run: Run) -> Any:
    run.refresh_from_db()
    return canonical.plain(run.result or "null")


def test_exactly_the_runs_that_matched_are_cancelled_and_the_log_has_one_line(dave: User) -> None:
    waiting = questions(3)
    [ended] = questions(1)
    cancel_run(ended.pk, by=dave, reason="Before.")
    lines = Act.objects.filter(kind="verb").count()

    job = begin(dave)
    [later] = questions(1)
    advance_run(job.pk)

    why = "This run has already ended (cancelled)."
    told = {"total": 4, "done": 3, "refused": {why: 1}, "untouched": 0}
    assert summary_of(job) == told
    assert [status_of(run) for run in (*waiting, later)] == ["cancelled"] * 3 + ["waiting"]
    [act] = Act.objects.filter(kind="verb").order_by("pk")[lines:]
    assert (act.name, act.about_id, act.reason) == ("dave", str(job.pk), "The campaign is over.")
    assert act.words == f"Cancel 4 runs: all. Cancelled 3 of 4 runs. 1 stays as it is: {why}"
    said = canonical.plain(waiting[0].events.get(kind="operator").data)
    assert (said["by"], said["reason"], said["job"]) == ("dave", act.reason, str(job.pk))
    assert not ChosenRun.objects.exists()


def test_each_verb_acts_on_its_runs(dave: User) -> None:
    failed, waiting = run_until_it_waits("broken_child"), questions(2)

    for verb, names, status in (
        ("retry", ["broken_child"], "queued"),
        ("pause", ["question"], "paused"),
        ("unpause", ["question"], "waiting"),
        ("force_end", ["question"], "cancelled"),
    ):
        job = begin(dave, verb, *names)
        assert bulk.act_on_batch(job.pk, verb, "Because.")["stopped"] == ""
        runs = [failed] if verb == "retry" else waiting
        assert [status_of(run) for run in runs] == [status] * len(runs)


def test_a_forecast_agrees_with_what_happens_and_counts_each_child_once(dave: User) -> None:
    above = [
        run_until_it_waits("waiting_beside_a_child", fate=fate) for fate in ("cancel", "abandon")
    ]
    work_off()
    [paused, ended, _waiting] = questions(3)
    pause_run(paused.pk, by=dave, reason="For now.")
    cancel_run(ended.pk, by=dave, reason="Before.")

    with CaptureQueriesContext(connection) as few:
        of_parents = bulk.forecast(matching("waiting_beside_a_child"), "cancel")
    of_both = bulk.forecast(matching("waiting_beside_a_child", "doubled"), "cancel")

    assert of_parents == bulk.Forecast(2, {}, 1)
    assert bulk.forecast(matching("waiting_beside_a_child"), "force_end").children == 2
    assert (of_both.can, of_both.children, of_both.total) == (4, 0, 4)
    assert len(few) <= 4
    assert bulk.forecast(matching(), "cancel") == bulk.Forecast(2, {"ended": 1})
    assert bulk.forecast(matching(), "pause") == bulk.Forecast(1, {"ended": 1, "paused": 1})
    assert bulk.forecast(matching(), "unpause") == bulk.Forecast(1, {"not_paused": 2})
    assert bulk.forecast(matching(), "retry") == bulk.Forecast(0, {"not_failed": 3})
    job = begin(dave, "cancel", "waiting_beside_a_child", "doubled")
    advance_run(job.pk)
    assert summary_of(job) == {"total": 4, "done": 4, "refused": {}, "untouched": 0}
    assert {status_of(run) for run in above} == {"cancelled"}
    assert Counter(Run.objects.filter(depth=1).values_list("status", flat=True)) == {"cancelled": 2}


def test_a_run_whose_record_is_removed_in_between_is_reported(dave: User) -> None:
    [ended, waiting] = questions(2)
    cancel_run(ended.pk, by=dave, reason="Before.")
    job = begin(dave)
    Retention.objects.create(procedure=ended.procedure, days=30)
    clock.ahead = timedelta(days=31)
    try:
        assert remove_family(ended.pk) == (1, None)
    finally:
        clock.ahead = timedelta(0)

    advance_run(job.pk)

    why = "The run isn't there any more."
    told = {"total": 2, "done": 1, "refused": {why: 1}, "untouched": 0}
    assert summary_of(job) == told
    assert status_of(waiting) == "cancelled"
    assert not ChosenRun.objects.exists()


def test_a_right_that_is_lost_in_between_stops_the_operation_in_words(dave: User) -> None:
    runs = questions(3)
    job = begin(dave)
    bulk.act_on_batch(job.pk, "cancel", "Because.", size=2)
    Grant.objects.filter(procedure__name="question", role="operate").delete()

    work_off()

    assert [status_of(run) for run in runs] == ["cancelled", "cancelled", "waiting"]
    assert status_of(job) == RunStatus.FAILED
    title = Procedure.objects.get(name="question").title
    assert f"dave may no longer operate runs of {title}." in error_of(job)["message"]
    act = Act.objects.filter(kind="verb").latest("pk")
    assert act.words.endswith(
        "Cancelled 2 of 3 runs. The operation was stopped and didn't reach 1 run."
    )
    assert not ChosenRun.objects.exists()


def test_an_operation_that_is_cancelled_or_whose_starter_left_stops(dave: User) -> None:
    runs = questions(3)
    job, other = begin(dave), begin(dave, "pause")
    bulk.act_on_batch(job.pk, "cancel", "Because.", size=2)
    cancel_run(job.pk, by=dave, reason="Wrong filter.")
    User.objects.filter(pk=dave.pk).update(is_active=False)

    work_off()

    assert status_of(runs[-1]) == "waiting"
    assert "account" in error_of(other)["message"]
    # The job was cancelled before its first step, so it couldn't log anything itself.
    assert {one.job for one in ChosenRun.objects.all()} == {job.pk}
    for _ in range(2):
        close_operations()
    [act] = Act.objects.filter(about_id=str(job.pk), words__startswith="Cancel 3 runs")
    assert act.words.endswith(
        "Cancelled 2 of 3 runs. The operation was stopped and didn't reach 1 run."
    )
    assert (act.name, act.reason) == ("dave", "The campaign is over.")
    assert not ChosenRun.objects.exists()


@pytest.mark.parametrize("end", [cancel_run, force_end_run])
def test_a_job_that_is_ended_within_a_batch_counts_what_it_has_done(
    monkeypatch: pytest.MonkeyPatch, dave: User, end: Callable[..., str]
) -> None:
    copies_of(questions(1)[0], bulk.BATCH + 4)
    job, before = begin(dave), list[UUID]()

    def cancel(run: UUID, **more: Any) -> str:
        before.append(run)
        if len(before) == 3:
            end(job.pk, by=dave, reason="Wrong filter.")
        return cancel_run(run, **more)

    monkeypatch.setitem(vars(bulk)["VERBS"], "cancel", cancel)
    work_off()
    close_operations()

    assert status_of(job) == "cancelled"
    found = Counter(matching().values_list("status", flat=True))
    assert found == {"cancelled": bulk.BATCH, "waiting": 5}
    [act] = Act.objects.filter(about_id=str(job.pk), words__startswith="Cancel 30 runs")
    assert act.words.endswith(
        "Cancelled 25 of 30 runs. The operation was stopped and didn't reach 5 runs."
    )
    assert not ChosenRun.objects.exists()


def test_a_paused_job_stops_before_the_next_batch_and_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, dave: User
) -> None:
    copies_of(questions(1)[0], bulk.BATCH)
    job = begin(dave)

    def cancel(run: UUID, **more: Any) -> str:
        if Run.objects.get(pk=job.pk).pause_requested_at is None and job.status != "paused":
            pause_run(job.pk, by=dave, reason="Wait.")
        return cancel_run(run, **more)

    monkeypatch.setitem(vars(bulk)["VERBS"], "cancel", cancel)
    work_off()
    assert status_of(job) == "paused"
    assert ChosenRun.objects.filter(outcome="").count() == 1
    unpause_run(job.pk, by=dave, reason="Go on.")
    work_off()
    let_pass(timedelta(seconds=2))

    assert summary_of(job) == {"total": 26, "done": 26, "refused": {}, "untouched": 0}


def test_a_job_acts_neither_on_itself_nor_on_other_jobs() -> None:
    boss, [run] = User.objects.create_superuser("boss"), questions(1)
    verify, _is_new = verification.verify_soon(by=None)

    every = bulk.operable_runs(boss, "pause")
    job = bulk.act_on_matching(every, "pause", by=boss, reason="For now.", which="all")
    work_off()

    assert summary_of(job) == {"total": 1, "done": 1, "refused": {}, "untouched": 0}
    assert [status_of(one) for one in (run, verify)] == ["paused", "succeeded"]


def test_a_run_that_breaks_the_operation_stays_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, dave: User
) -> None:
    broken, *_others = questions(3)

    def cancel(run: UUID, **more: Any) -> str:
        told = cancel_run(run, **more)
        if run == broken.pk:
            raise ValueError("The journal can't be read.")
        return told

    monkeypatch.setitem(vars(bulk)["VERBS"], "cancel", cancel)
    job = begin(dave)
    work_off()

    told = {"total": 3, "done": 2, "refused": {bulk.UNEXPECTED: 1}, "untouched": 0}
    assert summary_of(job) == told
    assert status_of(broken) == "waiting"


def test_child_runs_count_as_done_only_if_this_operation_reached_them(dave: User) -> None:
    above = [run_until_it_waits("waiting_beside_a_child", fate="cancel") for _ in range(2)]
    work_off()
    early = Run.objects.get(parent_wait__run=above[0])
    cancel_run(early.pk, by=dave, reason="Before.")
    work_off()

    job = begin(dave, "cancel", "waiting_beside_a_child", "doubled")
    advance_run(job.pk)
    why = "This run has already ended (cancelled)."
    assert summary_of(job) == {"total": 4, "done": 3, "refused": {why: 1}, "untouched": 0}

    run_until_it_waits("above_one_by_one")
    work_off()
    again = begin(dave, "retry", "above_one_by_one", "broken_child")
    advance_run(again.pk)
    assert summary_of(again) == {"total": 2, "done": 2, "refused": {}, "untouched": 0}


def test_each_batch_takes_as_many_statements_as_the_first_one(dave: User) -> None:
    def statements(job: Run) -> int:
        with CaptureQueriesContext(connection) as made:
            bulk.act_on_batch(job.pk, "pause", "Because.", size=2)
        return len(made)

    copies_of(questions(1)[0], 7)
    job = begin(dave, "pause")

    first, *others = (statements(job) for _ in range(4))

    assert others == [first] * 3
    over = {"done": 0, "is_over": True, "stopped": "", "is_to_stop": False}
    assert bulk.act_on_batch(job.pk, "pause", "Because.") == over


def test_a_batch_counts_nothing_and_finds_its_runs_by_an_index(dave: User) -> None:
    copies_of(questions(1)[0], 3)
    job = begin(dave, "pause")
    with CaptureQueriesContext(connection) as made:
        first = bulk.act_on_batch(job.pk, "pause", "Because.", size=3)
    assert (first["done"], first["is_over"]) == (3, False)
    said = [one["sql"] for one in made if "chosenrun" in one["sql"]]
    assert said
    assert [one for one in said if "COUNT(" in one] == []
    assert bulk.count_chosen(job.pk) == {"total": 4, "done": 3}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        plan = ChosenRun.objects.of(job.pk).left()[:3].explain()
    assert "countersign_chosen_runs_left" in plan

    work_off()
    shown = [one.content for one in job.events.filter(kind="progress").order_by("seq")]
    assert [(one["done"], one["total"]) for one in shown] == [(4, 4)]


def test_a_start_that_is_sent_twice_is_one_operation(dave: User) -> None:
    questions(1)

    first, second = (begin(dave, key="once") for _ in range(2))

    assert first == second
    assert ChosenRun.objects.count() == 1
    questions(1)  # another number of runs matches now
    assert begin(dave, key="once") == first
    Run.objects.filter(procedure__name="question").delete()  # and now none
    assert begin(dave, key="once") == first
    with pytest.raises(ReasonError):
        begin(dave, reason=" ")
    with pytest.raises(bulk.NothingMatchesError):
        begin(dave, "cancel", "broken_child")
