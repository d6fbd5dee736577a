"""The threads that send messages and hints, in forked processes and where threads are scarce."""

import os
import signal
import threading

import pytest
from celery import current_app
from celery.app.amqp import AMQP
from celery.events.event import event_exchange
from kombu import Connection, Queue

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


def test_programs_that_watch_the_site_are_told_of_each_message_if_it_is_set_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"broker_url": "memory://", "task_send_sent_event": True}.items():
        monkeypatch.setitem(current_app.conf, name, value)
    monkeypatch.setattr(current_app, "amqp", AMQP(current_app))  # it keeps the broker's exchange
    messenger = Messenger()
    with Connection("memory://") as connection:
        seen = Queue("seen", event_exchange, routing_key="#")(connection.default_channel)
        seen.declare()

        messenger.send(("countersign.remove_runs", ("a",)))
        messenger.finish()

        event = seen.get()
    assert event
    assert (event.payload["type"], event.payload["args"]) == ("task-sent", "('a',)")
