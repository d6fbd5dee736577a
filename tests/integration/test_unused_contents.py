"""The contents of files that no row needs any more: which rows name them is found by indexes."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection

from chat.services.erasure import messages_with_files
from procedures.files import path_of
from procedures.models import Event, Run, RunInput
from procedures.models.clock import clock
from procedures.services import start_run
from procedures.services.retention import contents
from procedures.services.retention.contents import (
    contents_of,
    delete_unused,
    naming_contents,
    note_unused,
    with_large_values,
)
from tests.audited_story import carry_on

pytestmark = pytest.mark.django_db


def ended(by: User, note: str) -> Run:
    run, _ = start_run("audited_part", {"note": note}, by=by)
    carry_on(run)
    return run


def test_rows_that_name_files_are_found_by_their_indexes() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    queries: dict[str, Any] = {
        "countersign_events_with_files": naming_contents(Event.objects.all()),
        "countersign_inputs_with_files": naming_contents(RunInput.objects.all()),
        "countersign_runs_with_files": with_large_values(Run.objects.all()),
        "countersign_sent_files": messages_with_files(),
    }
    for index, rows in queries.items():
        assert index in rows.order_by().explain(), index


def test_contents_are_found_however_few_rows_are_read_at_once(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [ended(admin_user, letter * 100_000) for letter in "abcde"]
    kept = contents_of([run.pk for run in runs])
    assert len(kept) == 10  # the inputs and the result of each
    gone = contents_of([runs[0].pk]) | contents_of([runs[-1].pk])
    Event.objects.filter(run__in=[runs[0].pk, runs[-1].pk]).delete()
    Run.objects.filter(pk__in=[runs[0].pk, runs[-1].pk]).delete()
    note_unused(kept)
    clock.ahead += timedelta(days=1.1)
    monkeypatch.setattr(contents, "READ_AT_ONCE", 2)
    assert delete_unused() == 10
    assert {one for one in kept if not default_storage.exists(path_of(one))} == gone
