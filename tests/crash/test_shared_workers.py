"""Workers that many tests share: none may leave work in hand to the next test."""

import os
import signal

import pytest

from tests.processes import Worker, wait_until


@pytest.mark.soak
@pytest.mark.usefixtures("transactional_db")
def test_a_worker_that_looks_at_the_queue_by_itself_is_not_left_to_the_next_test(
    shared_worker: Worker,
) -> None:
    with shared_worker.listening():
        for pid in shared_worker.slots:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: shared_worker.ask("work_in_hand")["jobs"], what="its look at the queue")

    assert not shared_worker.is_alive


@pytest.mark.usefixtures("transactional_db")
def test_a_worker_with_nothing_in_hand_rests_until_the_next_test(shared_worker: Worker) -> None:
    with shared_worker.listening():
        slots = shared_worker.slots

    with shared_worker.listening():
        assert shared_worker.slots == slots
