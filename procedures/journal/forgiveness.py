"""The forgiveness of a claim whose worker is healthy, but has lost the storage."""

import threading
import time
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import F

from procedures.models import Head, Run

TRIED_EVERY = 1
"""Seconds between two attempts to record that a claim is forgiven."""


def forgive_claim(run_id: UUID) -> None:
    """Don't count the run's last claim towards the poison limit.

    If the database is unreachable, a thread tries again until the database has recorded this.
    """
    if not _has_forgiven(run_id):
        # Use a thread, because the worker leaves the run now, and the database may be away for
        # hours.
        threading.Thread(target=_forgive_at_last, args=[run_id], name="excuse", daemon=True).start()


def _forgive_at_last(run_id: UUID) -> None:
    while not _has_forgiven(run_id):
        time.sleep(TRIED_EVERY)
    connection.close()


def _has_forgiven(run_id: UUID) -> bool:
    try:
        # Change both rows or none: if the second write were lost and both repeated, two claims
        # would be forgiven instead of one. The run is locked before its head, as everywhere.
        with transaction.atomic():
            Run.objects.filter(pk=run_id).update(is_left_without_storage=True)
            # Progress may have reset the count meanwhile, and the count must not become negative.
            counted = Head.objects.filter(pk=run_id, claims__gt=0)
            counted.update(claims=F("claims") - 1)
    except Error:
        connection.close()
        return False
    return True
