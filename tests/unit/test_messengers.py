"""The threads that send messages and hints, in forked processes and where threads are scarce."""

import os
import signal
import threading

import pytest

from chat.doorbell import Doorbell
from procedures.dispatch import CALL, Messenger

SOON = 10
"""Seconds after which a child that still waits is ended by its alarm."""


def test_a_process_forked_while_a_message_is_put_sends_its_own() -> None:
    messenger = Messenger()
    with messenger.queue.mutex:  # as a thread of the parent holds it
        if (child := os.fork()) == 0:
            send_in_child(messenger)
    _, status = os.waitpid(child, 0)
    assert status == 0


def send_in_child(messenger: Messenger) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SOON)
    try:
        messenger.send(CALL)
    finally:
        os._exit(0)


def test_a_hint_that_found_no_thread_leaves_the_next_one_to_begin_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doorbell, begun = Doorbell(), list[str]()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def begin(thread: threading.Thread) -> None:
        begun.append(thread.name)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    doorbell.ring("inbox")
    monkeypatch.setattr(threading.Thread, "start", begin)
    doorbell.ring("inbox")
    doorbell.ring("inbox")

    assert begun == ["doorbell"]
