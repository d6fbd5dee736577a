"""Parents, children and signals whose processes die."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from chat.models import HumanRequest
from chat.services import AlreadyAnsweredError
from procedures.models import Run, RunInput
from procedures.services import Sent, send_signal
from tests.conftest import create_person
from tests.desk import Desk
from tests.processes import Worker, wait_until
from tests.runs import answer, journal_of, start, wait_for_success

CHILDREN, AT_MOST = 150, 8
KILLS = 4
ROUNDS = 15
TWENTY = 20


@pytest.fixture
def erin(finance: Group) -> User:
    """Answers too."""
    return create_person("erin", finance)


@contextmanager
def own_connection() -> Iterator[None]:
    """A thread's connection, closed before the test empties the database."""
    try:
        yield
    finally:
        connection.close()


@pytest.mark.usefixtures("running_clock", "running_worker")
def test_a_childs_end_reaches_its_parent_although_the_process_dies_before_it_is_brought(
    desk: Desk, alice: User
) -> None:
    desk.kill_at("errand to parent")
    run = start("one_errand", folder=desk.folder, by=alice)

    assert wait_for_success(run).result == "7"
    assert journal_of(run) == [
        "run.started",
        "child.started errand",
        "run.suspended",
        "wait.closed errand",
        "run.resumed",
        "step.succeeded after",
        "run.succeeded",
    ]
    assert desk.effects == {"errand": 1, "after": 1}


@pytest.mark.usefixtures("running_clock")
def test_each_child_of_a_map_ends_once_while_processes_are_killed(
    running_worker: Worker, desk: Desk, alice: User
) -> None:
    run = start("many_errands", folder=desk.folder, count=CHILDREN, at_most=AT_MOST, by=alice)
    children = Run.objects.filter(parent_wait__run=run)
    for kill in range(1, KILLS + 1):
        enough = CHILDREN * kill // (KILLS + 1)
        wait_until(lambda: children.exclude(ended_at=None).count() >= enough, timeout=60)  # noqa: B023
        assert children.unended().count() <= AT_MOST
        running_worker.kill_slots()

    assert wait_for_success(run, timeout=60).result == f"[{','.join(map(str, range(CHILDREN)))}]"
    assert journal_of(run) == [
        "run.started",
        "child.started errand",
        "run.suspended",
        "wait.closed errand",
        "run.resumed",
        "run.succeeded",
    ]
    journals = Counter(tuple(journal_of(child)) for child in children)
    assert journals == {("run.started", "step.succeeded errand", "run.succeeded"): CHILDREN}
    assert sorted(children.values_list("parent_number", flat=True)) == list(range(CHILDREN))
    assert RunInput.objects.child_ends().filter(run=run).count() == CHILDREN
    assert desk.keys == {f"{child.pk}:errand" for child in children}
    assert desk.effects["errand"] <= CHILDREN + KILLS * len(running_worker.slots)


def answer_both(first: HumanRequest, second: HumanRequest, people: list[User]) -> list[Any]:
    """Each of two people answers one of two questions, at once; what each learns."""
    barrier = Barrier(2)

    def say(request: HumanRequest, user: User) -> Any:
        barrier.wait()
        with own_connection():
            try:
                return answer(request, by=user)
            except AlreadyAnsweredError as error:
                return error

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(say, (first, second), people))


@pytest.mark.usefixtures("running_worker")
def test_of_two_answers_at_once_to_two_questions_of_a_set_one_decides_it(
    alice: User, bob: User, erin: User
) -> None:
    runs = [start("either", by=alice) for _ in range(ROUNDS)]
    wait_until(lambda: HumanRequest.objects.open().count() == 2 * ROUNDS, timeout=60)
    for run in runs:
        first, second = HumanRequest.objects.filter(wait__run=run).order_by("wait__key")
        told = answer_both(first, second, [bob, erin])

        won, lost = (first, second) if told[0] is None else (second, first)
        [refusal] = [one for one in told if one]
        won.refresh_from_db()
        assert refusal.request == lost
        assert str(refusal) == (
            f"This request was withdrawn. {won.closed_by} answered the related question “Pay?” "
            "with “Approve”."
        )
        assert (refusal.request.closed_by, refusal.request.closed_at) == (
            "system: no longer needed",
            won.closed_at,
        )
        assert won.closed_by == ("bob" if won == first else "erin")
        assert wait_for_success(run).result == f'["{won.wait.key}","{won.closed_by}"]'
        assert run.run_inputs.filter(key="wait_any").count() == 1
        assert journal_of(run).count("wait.closed wait_any") == 1


def send_at_once(run: Run, sent: Sent, *, by: User) -> list[bool]:
    barrier = Barrier(TWENTY)

    def send(_: int) -> bool:
        barrier.wait()
        with own_connection():
            return send_signal(run.pk, sent, by=by)[1]

    with ThreadPoolExecutor(TWENTY) as threads:
        return list(threads.map(send, range(TWENTY)))


@pytest.mark.usefixtures("running_clock")
def test_a_signal_sent_by_twenty_at_once_counts_once_and_is_kept_when_its_run_dies(
    running_worker: Worker, desk: Desk, alice: User
) -> None:
    with desk.closed("before work"):
        run = start("three_payments", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("before work")
        counted = [
            send_at_once(run, Sent("paid", f"payment {n}", n), by=alice).count(True)
            for n in (1, 2, 3)
        ]
        running_worker.kill_slots()

    assert wait_for_success(run).result == "[1,2,3]"
    assert counted == [1, 1, 1]
    assert run.signals.count() == 3
    assert [line for line in journal_of(run) if "wait.closed" in line] == [
        f"wait.closed {key}" for key in ("paid", "paid#2", "paid#3")
    ]
    assert desk.effects == {"work": 1}
