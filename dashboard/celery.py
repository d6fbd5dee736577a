"""The Celery application: it moves runs and carries no state of its own."""

import gc
import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import (
    setup_logging,
    task_postrun,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)
from django.db import connections

from procedures.dispatch import messenger

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect(weak=False)
def leave_logging_to_django(**_: Any) -> None:
    """That somebody listens is enough: Celery then configures nothing itself."""


@worker_ready.connect(weak=False)
def leave_out_what_may_change(**_: Any) -> None:
    """Celery tells of a default to come, at length and whenever the broker goes away."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


@worker_process_init.connect(weak=False)
def leave_the_code_out_of_collections(**_: Any) -> None:
    """Else the collector looks through all that was imported whenever a long run is replayed."""
    gc.freeze()


@worker_process_shutdown.connect(weak=False)
def send_the_last_word(**_: Any) -> None:
    """That the queue is not empty: what `atexit` is to do, these processes leave out."""
    messenger.finish()


@task_postrun.connect(weak=False)
def put_connections_back(task: Any, **_: Any) -> None:
    """Into the pool, where the next task finds them open, and checks them."""
    if not task.request.is_eager:
        connections.close_all()
