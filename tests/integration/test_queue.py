"""The queue of runs: who goes first, what holds nobody up, and how few messages that takes."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from select import select

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from procedures import dispatch, runner
from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, EventKind, NewEvent, RunStatus
from procedures.engine.lifecycle.claim import take_hold
from procedures.engine.lifecycle.runs import queue, request_cancel, tell
from procedures.journal import DatabaseStore, claim, claiming
from procedures.models import Head, Procedure, ProcedureVersion, Run, RunInput
from procedures.models.clock import clock
from procedures.runner import advance_runs
from procedures.services import start_run, sweep
from tests import machine, procedures
from tests.processes import Redis, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRES_ONLY = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock")


def queued(times: int = 1) -> Run:
    return start_run("repeated_steps", {"times": times}, by=None)[0]


def states(*runs: Run) -> list[str]:
    return [Run.objects.get(pk=run.pk).status for run in runs]


def test_what_was_queued_first_goes_first() -> None:
    resumed, first, second = queued(), queued(), queued()
    Run.objects.filter(pk=resumed.pk).update(queued_at=clock.now())

    advance_runs()

    ended = Run.objects.filter(pk__in=[resumed.pk, first.pk, second.pk]).order_by("ended_at")
    assert list(ended) == [first, second, resumed]
    assert set(ended.values_list("status", flat=True)) == {RunStatus.SUCCEEDED}


def test_a_worker_whose_lost_run_is_queued_again_writes_nothing() -> None:
    run = queued()
    lost = claim(run.pk)
    assert lost
    Run.objects.filter(pk=run.pk).update(leased_until=clock.now())
    sweep()

    assert states(run) == [RunStatus.QUEUED]
    with pytest.raises(Fenced):
        lost.commit(Batch((NewEvent(EventKind.STEP_SUCCEEDED, "work", "work"),)))
    assert Head.objects.get(run=run).claims == 1


@pytest.fixture
def of_no_code() -> Run:
    """Queued first, and only other workers know its code."""
    run = queued()
    procedure = Procedure.objects.create(name=f"somewhere_else_{run.pk.hex}", title="Elsewhere")
    version = ProcedureVersion.objects.create(
        procedure=procedure, version="1", registered_at=clock.now()
    )
    Run.objects.filter(pk=run.pk).update(procedure=procedure, version=version)
    return run


@pytest.fixture
def of_newer_code() -> Iterator[Run]:
    run, _ = start_run("turn_by_turn", {"times": 1}, by=None)
    ProcedureVersion.objects.create(
        procedure=run.procedure, version="newer", registered_at=clock.now()
    )
    yield run
    procedures.forget()


@pytest.fixture
def unreadable() -> Run:
    """It has news that no worker can read."""
    run = queued()
    RunInput.objects.create(run=run, kind="operator", name="retry", data="{")
    return run


@pytest.fixture
def without_head() -> Run:
    """Its journal has no head, as after an incomplete restoration."""
    run = queued()
    Head.objects.filter(run=run).delete()
    return run


@pytest.mark.parametrize("name", ["of_no_code", "of_newer_code", "unreadable", "without_head"])
def test_what_cannot_be_carried_on_keeps_nobody_waiting(
    name: str, request: pytest.FixtureRequest
) -> None:
    stuck = request.getfixturevalue(name)
    others = [queued(), queued()]

    advance_runs()

    assert states(stuck, *others) == ["queued", "succeeded", "succeeded"]


def test_that_code_is_missing_is_told_once(
    of_no_code: Run, caplog: pytest.LogCaptureFixture
) -> None:
    advance_runs()
    advance_runs()

    assert caplog.text.count(f"no code for 'somewhere_else_{of_no_code.pk.hex}'") == 1


@contextmanager
def held(run: Run) -> Iterator[threading.Event]:
    """Somebody else has the run's row locked, until the event."""
    is_locked, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Run.objects.locked().get(pk=run.pk)
            is_locked.set()
            may_go.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_locked.wait(30)
    yield may_go
    may_go.set()
    holder.join()


def work() -> None:
    """Advance runs, in a thread of its own."""
    advance_runs()
    connection.close()


def let_a_worker_wait_for(
    other: Callable[[], None], is_locked: threading.Event, may_go: threading.Event
) -> None:
    """Start a worker while `other` locks a run; let `other` go on as soon as the worker waits."""
    threads = [threading.Thread(target=act) for act in (other, work)]
    threads[0].start()
    assert is_locked.wait(30)
    threads[1].start()
    wait_until(somebody_waits_for_a_lock, what="the worker")
    may_go.set()
    for one in threads:
        one.join()


@POSTGRES_ONLY
def test_what_somebody_holds_for_long_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = queued(), queued()
    monkeypatch.setattr(claiming, "LONGEST_LOCK", 0.1)

    with held(first):
        advance_runs()

        assert states(first, second) == ["queued", "succeeded"]


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


@POSTGRES_ONLY
def test_a_run_that_somebody_looks_at_just_now_is_waited_for() -> None:
    """If fifty answer at once, the message of the one that counts is the only one."""
    run = queued()

    worker = threading.Thread(target=work)

    with held(run) as may_go:
        worker.start()
        wait_until(somebody_waits_for_a_lock, what="the worker")
        may_go.set()
        worker.join()

    assert states(run) == ["succeeded"]


@POSTGRES_ONLY
def test_what_an_operator_says_while_a_run_is_waited_for_is_heard() -> None:
    run = queued()
    is_locked, may_go = threading.Event(), threading.Event()

    def cancel() -> None:
        """Cancel the run like a cancel of its parent."""
        with transaction.atomic():
            found = Run.objects.locked().get(pk=run.pk)
            store = DatabaseStore()
            tell(store, found, {"action": "cancel", "by": "ann", "reason": ""})
            request_cancel(store, found)
            is_locked.set()
            may_go.wait(30)
        connection.close()

    let_a_worker_wait_for(cancel, is_locked, may_go)

    assert states(run) == ["cancelled"]


@POSTGRES_ONLY
def test_what_another_claim_took_in_meanwhile_is_not_taken_in_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = queued()
    RunInput.objects.tell(run, {"action": "note", "by": "ann", "reason": ""})
    is_locked, may_go = threading.Event(), threading.Event()

    def take_in_and_release() -> None:
        with transaction.atomic():
            found, store = Run.objects.lock(run.pk), DatabaseStore()
            take_hold(store, found)
            queue(store, found)
            is_locked.set()
            may_go.wait(30)
        connection.close()

    let_a_worker_wait_for(take_in_and_release, is_locked, may_go)

    assert states(run) == ["succeeded"]
    assert run.events.filter(kind=EventKind.OPERATOR).count() == 1
    assert not caplog.records


# Messages


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks to which messages go, without a thread in between."""
    tasks: list[str] = []
    monkeypatch.setattr(dispatch, "send_later", lambda task, *_: tasks.append(task))
    return tasks


@pytest.mark.parametrize(("runs", "calls"), [(0, 0), (1, 0), (2, 1), (5, 1)])
def test_a_worker_calls_another_while_more_is_queued(
    runs: int, calls: int, sent: list[str]
) -> None:
    for _ in range(runs):
        queued()
    sent.clear()

    advance_runs()

    assert sent == [dispatch.TASK] * calls


def test_after_its_shift_a_worker_leaves_the_rest_to_another_message(
    sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SHIFT", 0)
    runs = [queued(), queued()]
    sent.clear()

    advance_runs()

    assert states(*runs) == ["succeeded", "queued"]
    assert sent[-1] == dispatch.TASK


def messages(redis_server: Redis) -> int:
    with redis_server.client() as client:
        return int(client.llen("runs"))


def test_however_many_call_one_message_is_on_its_way(redis_server: Redis) -> None:
    for _ in range(20):
        queued()
    wait_until(lambda: messages(redis_server) == 1, what="the first message")

    dispatch.note_arrival()
    queued()

    wait_until(lambda: messages(redis_server) == 2, what="the second message")


def test_an_arrival_is_noted_although_redis_has_closed_the_connection(redis_server: Redis) -> None:
    with ThreadPoolExecutor(1) as fresh, redis_server.client() as client:
        known = {one["id"] for one in client.client_list()}
        fresh.submit(dispatch.note_arrival).result()
        new = [one for one in client.client_list() if one["id"] not in known]
        client.client_kill_filter(_id=next(one["id"] for one in new if one["cmd"] == "del"))
        client.set(dispatch.CALLED, 1)

        fresh.submit(dispatch.note_arrival).result()

        assert not client.exists(dispatch.CALLED)


def test_a_message_is_sent_although_the_reply_about_its_key_is_lost(
    redis_server: Redis, settings: Settings
) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(machine.FOLDER / "door.sock"))
        door.listen()
        threading.Thread(target=lose_a_reply, args=[door], daemon=True).start()
        address = f"unix://{machine.FOLDER / 'door.sock'}"
        settings.COUNTERSIGN = {**settings.COUNTERSIGN, "REDIS_URL": address}

        dispatch.Messenger().send(dispatch.CALL)

        wait_until(lambda: messages(redis_server) == 1, what="the message")
        door.shutdown(socket.SHUT_RDWR)
    with redis_server.client() as client:
        assert client.exists(dispatch.CALLED)


def lose_a_reply(door: socket.socket) -> None:
    """Pass on everything to Redis and back, but close instead of replying to the first SET."""
    is_lost = False
    with suppress(OSError):  # the door was shut
        while True:
            client, _ = door.accept()
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(str(machine.FOLDER / "redis.sock"))
                is_lost = pass_on(client, server, loses=not is_lost)


def pass_on(client: socket.socket, server: socket.socket, *, loses: bool) -> bool:
    """Return True once a reply was lost."""
    is_set = False
    while True:
        for ready in select([client, server], [], [])[0]:
            if not (sent := ready.recv(4096)):
                return not loses
            is_set = is_set or (loses and b"SET" in sent and dispatch.CALLED.encode() in sent)
            if ready is server and is_set:
                return True
            (server if ready is client else client).sendall(sent)


def test_a_lost_message_is_not_waited_for_long(redis_server: Redis) -> None:
    queued()
    wait_until(lambda: messages(redis_server) == 1, what="the first message")
    with redis_server.client() as client:
        client.delete("runs")
        left = client.pttl(dispatch.CALLED)
        client.delete(dispatch.CALLED)  # in so many milliseconds of itself
    assert 0 < left <= dispatch.CALL_AGAIN

    queued()

    wait_until(lambda: messages(redis_server) == 1, what="the message after it")


def test_nobody_waits_for_a_broker_that_hangs(redis_server: Redis) -> None:
    redis_server.pause()
    runs = [queued() for _ in range(20)]

    advance_runs()

    assert set(states(*runs)) == {"succeeded"}
    redis_server.revive()
