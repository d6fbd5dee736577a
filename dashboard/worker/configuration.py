"""Celery's configuration, with the settings that workers need.

A site can override them by settings of its own (`CELERY_…`).
"""

from typing import Any

from django.conf import settings

from dashboard.environment.addresses import broker_of
from procedures.conf import conf_at_import

NEEDED: dict[str, Any] = {
    "CELERY_BROKER_URL": broker_of(conf_at_import.REDIS_URL),
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
    "CELERY_TASK_IGNORE_RESULT": True,
    "CELERY_TASK_DEFAULT_QUEUE": "runs",
    "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
    "CELERY_WORKER_CONCURRENCY": 4,
    "CELERY_WORKER_CONSUMER": "dashboard.worker.consumer:Consumer",
    "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
    "CELERY_DB_REUSE_MAX": 10**9,  # tasks: else Celery throws the whole pool away after each
    # Runs are held by leases, not by the broker, so running steps continue without a broker.
    "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": False,
    "CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION": False,
}
OWN = {name: getattr(settings, name) for name in dir(settings) if name.startswith("CELERY_")}
configuration = NEEDED | OWN
