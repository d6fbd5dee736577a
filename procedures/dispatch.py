"""Messages that tell workers to look for queued runs; a lost message only causes a delay."""

import atexit
import logging
import queue
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import redis
from celery import current_app
from celery.utils import uuid
from django.db import transaction
from kombu import Connection, pools

from procedures.background import Background
from procedures.conf import conf
from procedures.reports import PATIENCE, Reports, SentCommand, ask_redis, kept_redis

logger = logging.getLogger(__name__)
TASK = "countersign.advance_runs"
REMOVE_UPLOADS = "countersign.remove_uploads"
REMOVE_RUNS = "countersign.remove_runs"
CALLED = "countersign.called"
"""The name of a key in Redis, which is set while a message is on its way to a worker."""
CALL_AGAIN = 1000
"""Milliseconds after which another message may be sent even if no worker received the last one."""
LOOK_EVERY = 5
"""Seconds after which a worker looks for queued runs again, even if it has received no message."""
WORKERS = Reports("countersign.workers")
"""Reports in Redis: for each worker, the versions of its installed code, as JSON."""
SOCKETS = Reports("countersign.sockets")
"""Reports in Redis: for each web process, its number of open sockets."""
PROBE = "countersign.probe"
LONGER = 1.0
"""Seconds after which a Redis that doesn't answer pages or health checks counts as unavailable."""
PATIENT: dict[str, Any] = {"socket_timeout": LONGER, "socket_connect_timeout": LONGER}
LONGEST_FLUSH = 2
"""The maximum number of seconds that an exiting process waits for its messages to be sent.

The first message of a process takes longest, because a connection must be opened.
"""
Message = tuple[str, tuple[str | int, ...]]
CALL: Message = (TASK, ())


def call_workers() -> None:
    """Tell a worker to look for queued runs once this transaction is committed.

    This never raises and never waits. At most one message is on its way, however often this is
    called. The worker that receives the message calls `note_arrival`, advances all queued runs, and
    calls the next worker.
    """
    send_later(TASK)


def send_later(task: str, *arguments: str | int) -> None:
    """Send a message to the Celery task with this name once this transaction is committed."""
    # The message is sent after the commit. Otherwise, a fast worker would look before the commit
    # and find nothing, and the run would wait for the sweep.
    transaction.on_commit(lambda: messenger.send((task, arguments)))


def note_arrival() -> None:
    """Record that a worker received the message, so that the next call sends another one."""
    begin_to_note_arrival()()


def begin_to_note_arrival() -> Callable[[], None]:
    """Do what `note_arrival` does, but don't wait for Redis; return a function that waits."""
    return partial(_wait_for, SentCommand(["DEL", CALLED]))


def _wait_for(note: SentCommand) -> None:
    try:
        note.reply()
    except redis.RedisError as error:
        logger.debug("The arrival of a message couldn't be recorded: %s", error)


def reported_codes() -> list[str]:
    """Return the reports of live workers about their code, as in `WORKERS`; [] without Redis."""
    try:
        return WORKERS.read(kept_redis(LONGER))
    except redis.RedisError:
        return []


class ReportedFigures(NamedTuple):
    """The numbers of live workers and of open sockets, which the processes of the site report."""

    workers: int
    sockets: int


def reported_figures() -> ReportedFigures | None:
    """Return the numbers of live workers and open sockets; None if Redis doesn't answer."""
    try:
        client = kept_redis(LONGER)
        sockets = sum(map(int, SOCKETS.read(client)))
        return ReportedFigures(len(WORKERS.read(client)), sockets)
    except redis.RedisError:
        return None


def fault() -> str:
    """Return a sentence that says why messages can't be sent now, or "" if Redis accepts them."""
    try:
        with redis.Redis.from_url(conf.REDIS_URL, **PATIENT) as client:
            # The test is a write, because a full Redis still answers a ping.
            client.set(PROBE, 1, px=CALL_AGAIN)
    except redis.exceptions.OutOfMemoryError:
        return "Redis is full (maxmemory) and accepts no messages."
    except redis.RedisError as error:
        return f"Redis can't be reached ({' '.join(str(error).split()) or type(error).__name__})."
    return ""


class Messenger(Background[Message]):
    """A thread that sends messages, so that no caller waits for the broker."""

    name = "messenger"
    failure = "Messages can't be sent: %s"
    queues = queue.Queue

    def send(self, message: Message) -> None:
        self.put(message)

    def has_begun(self) -> None:
        atexit.register(self.finish)

    def work(self) -> None:
        while True:
            messages = [self.queue.get()]
            while not self.queue.empty():
                messages.append(self.queue.get())
            # Equal messages that arrived while others were being sent are sent once, in the order
            # in which each first arrived.
            for message in dict.fromkeys(messages):
                if message == CALL:
                    _call()
                else:
                    _send(*message)
            for _ in messages:
                self.queue.task_done()

    def finish(self) -> None:
        """Wait before an exit until all messages are sent, but at most `LONGEST_FLUSH` seconds."""
        ends = time.monotonic() + LONGEST_FLUSH
        while self.queue.unfinished_tasks and time.monotonic() < ends:
            time.sleep(0.01)


messenger = Messenger()


def _call() -> None:
    """Send the message to a worker, unless a message is already on its way."""
    try:
        # The key expires by itself. So if the message is lost, or its worker dies before
        # `note_arrival`, the next call sends none for a second at most.
        # Don't repeat this: if only the reply was lost, a second SET would find the key of the
        # first one, and nobody would send.
        command = ("SET", CALLED, 1, "NX", "PX", CALL_AGAIN)
        is_first = ask_redis(*command, is_repeatable=False) is not None
    except redis.RedisError:
        # Redis may be unavailable only to this process, or the broker may be another server: try to
        # send.
        is_first = True
    # Nothing was sent, so the key must not keep the next caller from sending.
    if is_first and not _send(*CALL):
        note_arrival()


def _send(task: str, arguments: tuple[str | int, ...]) -> bool:
    """Send a message to a Celery task; return True if the broker has accepted it."""
    try:
        connection = _connection_to(current_app.conf.broker_url)
        with pools.producers[connection].acquire(block=True, timeout=PATIENCE) as producer:
            # The task is sent by name, because the tasks import the runner, which imports this
            # module. It isn't retried: the sweep calls again, and this thread has other messages to
            # send.
            # The two halves of `send_task` are called instead of it, because the rest, which is for
            # results, options and dates, takes longer than both, and an answered run waits for it.
            amqp = current_app.amqp
            is_event_wanted = current_app.conf.task_send_sent_event
            message = amqp.create_task_message(
                uuid(), task, arguments, {}, create_sent_event=is_event_wanted
            )
            way = amqp.router.route({}, task, arguments, {})
            amqp.send_task_message(producer, task, message, retry=False, **way)
    except Exception as error:  # noqa: BLE001 (the sweep sends it again)
        subject = ", ".join(map(str, arguments)) or "queued runs"
        logger.warning("A message about %s couldn't be sent to %s: %s", subject, task, error)
        return False
    return True


@lru_cache(maxsize=1)
def _connection_to(broker: str) -> Connection:
    """Return a connection to the broker with a timeout that is shorter than that of workers.

    The returned connection is never opened: it only identifies the pool whose connections are used.
    """
    return Connection(
        broker,
        transport_options={
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            # One try for each address: several are separated by semicolons.
            "max_retries": broker.count(";"),
        },
    )
