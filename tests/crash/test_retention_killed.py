"""The removal of old runs, whose process dies again and again."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from chat.models import Message
from procedures import dispatch
from procedures.files import path_of
from procedures.models import (
    Act,
    Artifact,
    Procedure,
    RemovalRound,
    Retention,
    Run,
    StaleContent,
    Tombstone,
)
from procedures.models.clock import clock
from procedures.services import start_run
from procedures.services.ledger import examine_site
from procedures.services.retention.contents import delete_unused
from tests.audited_story import carry_on
from tests.processes import Worker, wait_until

OLD, KILLS = 60, 3
MESSAGE_AGAIN = 3.0
"""Seconds until the message is sent again."""
DIGEST = "ab" * 32


@pytest.fixture
def old_runs(transactional_db: None, admin_user: User) -> list[Run]:
    """Runs that ended 40 days ago, of which one has a file."""
    clock.ahead = timedelta(days=-40)
    try:
        runs = [start_run("audited_part", {"note": "a"}, by=admin_user)[0] for _ in range(OLD)]
        carry_on(runs[0])
    finally:
        clock.ahead = timedelta(0)
    Artifact.objects.create(run=runs[0], name="x", digest=DIGEST, size=1, content_type="text/x")
    default_storage.save(path_of(DIGEST), ContentFile(b"x"))
    procedure = Procedure.objects.get(name="audited_part")
    Retention.objects.create(procedure=procedure, days=30)
    return runs


def remove_until(condition: Callable[[], bool]) -> None:
    """Send the clock's message, which it sends every ten minutes, every few seconds.

    A message is lost if the worker hands it to a process that has just been killed.
    """
    sent_at = -MESSAGE_AGAIN

    def is_true() -> bool:
        nonlocal sent_at
        if time.monotonic() - sent_at >= MESSAGE_AGAIN:
            dispatch.send_later(dispatch.REMOVE_RUNS)
            sent_at = time.monotonic()
        return condition()

    wait_until(is_true, timeout=60)


def test_each_run_goes_once_and_whole_although_the_worker_is_killed(
    old_runs: list[Run], running_worker: Worker
) -> None:
    """The runs come first: a worker that listens already would end some of them today."""
    for kill in range(1, KILLS + 1):
        enough = OLD * kill // (KILLS + 1)
        remove_until(lambda: Tombstone.objects.count() >= enough)  # noqa: B023
        running_worker.kill_slots()
    remove_until(RemovalRound.objects.exclude(ended_at=None).exists)

    assert not Run.objects.exists()
    graves = Tombstone.objects.values_list("pk", flat=True)
    assert set(graves) == {run.pk for run in old_runs}
    assert set(Message.objects.values_list("kind", flat=True)) == {"erased"}
    assert Act.objects.filter(kind="removal").count() == 1
    assert RemovalRound.objects.get().removed == OLD
    assert examine_site() == []

    assert default_storage.exists(path_of(DIGEST))
    clock.ahead = timedelta(days=2)
    try:
        assert delete_unused() == 1
    finally:
        clock.ahead = timedelta(0)
    assert not default_storage.exists(path_of(DIGEST))
    assert not StaleContent.objects.exists()
