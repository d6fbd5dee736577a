"""Workers that many tests share: none may leave work in hand to the next test."""

import os
import signal

import pytest

from dashboard import celery_app
from tests.processes import Worker, wait_until


@pytest.mark.soak
@pytest.mark.usefixtures("transactional_db")
def test_a_worker_that_looks_at_the_queue_by_itself_is_not_left_to_the_next_test(
    shared_worker: Worker,
) -> None:
    with shared_worker.listening():
        for pid in shared_worker.slots:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: shared_worker.told("work_in_hand")["jobs"], what="its look at the queue")

    assert not shared_worker.is_alive


@pytest.mark.usefixtures("transactional_db")
def test_a_worker_with_nothing_in_hand_rests_until_the_next_test(shared_worker: Worker) -> None:
    with shared_worker.listening():
        slots = shared_worker.slots

    with shared_worker.listening():
        assert shared_worker.slots == slots


@pytest.mark.usefixtures("transactional_db")
def test_a_worker_that_reads_several_commands_at_once_rests_after_the_last(
    shared_worker: Worker,
) -> None:
    """It obeys those that it reads together in any order: it is asked what it does."""
    shared_worker.revive()
    for _ in range(10):
        os.kill(shared_worker.pid, signal.SIGSTOP)
        for command in ("add_consumer", "cancel_consumer"):
            arguments = {"queue": shared_worker.queue}
            celery_app.control.broadcast(command, arguments, [shared_worker.node])
        os.kill(shared_worker.pid, signal.SIGCONT)

        with shared_worker.listening():
            assert shared_worker.told("work_in_hand")["queues"] == 1

        told = shared_worker.told("work_in_hand")
        assert not any(told.values()), told
