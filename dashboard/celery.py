"""The Celery application; its messages only wake workers and carry no data."""

import gc
import logging
import os
import warnings
from functools import partial
from typing import Any

from billiard import current_process
from celery import Celery
from celery.concurrency.prefork import TaskPool
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import (
    setup_logging,
    task_postrun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.utils.module_loading import import_string

from dashboard.postgres.base import wait_at_most
from dashboard.worker.lookout import QueuePoller
from dashboard.worker.pool_watch import PoolWatch
from dashboard.worker.ticker import PeriodicTask, Ticker
from procedures.board import board
from procedures.conf import conf
from procedures.dispatch import REMOVE_RUNS, REMOVE_UPLOADS, messenger, send_later
from procedures.slot import slot

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

CLOCK = "clock"
ASK_OTHERS_EVERY_SECONDS, REMOVE_UPLOADS_EVERY_SECONDS = 10, 3600
CLOSE_OPERATIONS_EVERY_SECONDS, VERIFY_EVERY_SECONDS = 60, 60
LOOK_FOR_OLD_RUNS_EVERY_SECONDS = 600
"""Seconds between two searches for runs that are old enough to be removed.

A removal begins once a day; if its worker dies, the next search continues the removal.
"""
DATABASE_PATIENCE = 20
"""Seconds after which a worker gives up a connection whose server confirms nothing it was sent."""
logger = logging.getLogger(__name__)
app = Celery("countersign")
app.config_from_object("dashboard.worker.configuration:configuration", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(QueuePoller)


@setup_logging.connect(weak=False)
def leave_logging_to_django(**_: Any) -> None:
    """Do nothing.

    Celery doesn't configure logging if any receiver is connected to its signal `setup_logging`.
    """


watches: list[PoolWatch] = []
"""The watch over a worker's slots, the processes of its pool; empty in other processes."""


@worker_ready.connect(weak=False)
def watch_the_slots(sender: Any, **_: Any) -> None:
    """Start a watch over the worker's slots; the clock process is a worker without slots."""
    if isinstance(sender.pool, TaskPool):
        watches[:] = [PoolWatch(sender.pool)]
        watches[0].start()


@worker_shutting_down.connect(weak=False)
def let_the_slots_stop(how: str, **_: Any) -> None:
    """Stop the slots, within `STOP_SECONDS` if the shutdown is "Warm", else at once.

    Without this, Celery would wait for a slot without a limit, or lose the slot's work.
    """
    for watch in watches:
        watch.stop(within=conf.STOP_SECONDS if how == "Warm" else 0)


@worker_ready.connect(weak=False)
def leave_out_what_may_change(**_: Any) -> None:
    """Silence a warning about future defaults, which Celery repeats at each connection."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


@worker_init.connect(weak=False)
def refuse_wrong_settings(**_: Any) -> None:
    """Exit if a setting can't be used, because a worker starts without Django's checks."""
    try:
        import_string("procedures.site_checks.refuse_wrong_settings")()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


@worker_init.connect(weak=False)
def leave_a_vanished_database(**_: Any) -> None:
    """Limit the time for which a worker waits for a database server that says nothing."""
    wait_at_most(seconds=DATABASE_PATIENCE)


@worker_init.connect(weak=False)
def know_the_site(**_: Any) -> None:
    """Exit if the message broker or the file store belongs to another site."""
    try:
        if why := import_string("procedures.services.refusal")():
            raise SystemExit(why)
    except DatabaseError as error:  # the check is repeated before each turn
        logger.warning("The database doesn't respond yet: %s", " ".join(str(error).split()))
    finally:  # forked processes must not share its connections
        database: Any = connections["default"]
        connections.close_all()
        if database.vendor == "postgresql":
            database.close_pool()


tickers: list[Ticker] = []
"""The ticker of this process; empty unless this is the clock process."""


@worker_ready.connect(weak=False)
def let_time_pass(sender: Any, **_: Any) -> None:
    """Start the ticker if this worker serves the queue `clock`."""
    if CLOCK not in app.amqp.queues.consume_from:
        return
    if isinstance(sender.pool, TaskPool):  # its processes would inherit the thread's locks
        logger.error("The clock process isn't running its tasks. Start it with --pool=solo.")
        return
    tasks = [
        PeriodicTask("process due work", 1, app.tasks["countersign.sweep"]),
        PeriodicTask(
            "plan notifications",
            conf.NOTIFY_EVERY_SECONDS,
            app.tasks["countersign.plan_notifications"],
        ),
        PeriodicTask(
            "ask others about requests",
            ASK_OTHERS_EVERY_SECONDS,
            app.tasks["countersign.ask_others"],
        ),
        # By a worker: a file store that doesn't answer must not delay what is due.
        PeriodicTask(
            "request the removal of old uploads",
            REMOVE_UPLOADS_EVERY_SECONDS,
            partial(send_later, REMOVE_UPLOADS),
        ),
        PeriodicTask(
            "log ended operations on many runs",
            CLOSE_OPERATIONS_EVERY_SECONDS,
            app.tasks["countersign.close_operations"],
        ),
        PeriodicTask(
            "start the daily verification", VERIFY_EVERY_SECONDS, app.tasks["countersign.verify"]
        ),
        PeriodicTask(
            "request the removal of old runs",
            LOOK_FOR_OLD_RUNS_EVERY_SECONDS,
            partial(send_later, REMOVE_RUNS),
        ),
    ]

    if conf.NOTICES_EDITED_FILES:
        look = import_string("procedures.registry.registrar").look
        tasks.append(PeriodicTask("look for edited procedures", 1, look))
    tickers[:] = [Ticker(tasks, lambda: CLOCK in app.amqp.queues.consume_from)]
    tickers[0].start()


@worker_shutting_down.connect(weak=False)
def let_the_clock_stop(**_: Any) -> None:
    for ticker in tickers:
        ticker.stop()


@worker_shutdown.connect(weak=False)
def let_the_clock_finish(**_: Any) -> None:
    for ticker in tickers:
        ticker.join()


@worker_process_init.connect(weak=False)
def leave_the_code_out_of_collections(**_: Any) -> None:
    """Exempt all imported code from garbage collection.

    Long replays cause many collections, and each would look at the imported code again.
    """
    gc.freeze()


@worker_process_init.connect(weak=False)
def be_a_slot(**_: Any) -> None:
    """Prepare a process of the pool to execute runs.

    A signal to the process doesn't interrupt the step or the run that the process executes.
    """
    watches.clear()
    # A solo worker sends this signal in its main process, which signals must still end.
    if current_process().name != "MainProcess":
        slot.open()
        board.use_entry(getattr(current_process(), "index", 0))


@worker_process_shutdown.connect(weak=False)
def send_the_last_word(**_: Any) -> None:
    """Send the Celery messages that are still queued in this process.

    A process of the pool exits without the handlers of `atexit`, which would send them.
    """
    messenger.finish()


@task_postrun.connect(weak=False)
def put_connections_back(task: Any, **_: Any) -> None:
    """Return the task's database connections to the pool, from which the next task takes them."""
    # An eager task runs in its caller's process, and perhaps in its transaction, whose connection
    # is not ours to close.
    if not task.request.is_eager:
        connections.close_all()
