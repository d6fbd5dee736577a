"""Rounds that remove old runs: their workers, locks, statements and indexes."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from chat.models import FeedEntry, Message, Session
from chat.services.starts import start_in_session
from procedures import hooks
from procedures.models import Installation, Procedure, RemovalRound, Run
from procedures.models.clock import clock
from procedures.services.retention.families import candidates
from procedures.services.retention.holds import place_hold
from procedures.services.retention.removal import remove_family
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import carry_on
from tests.old_runs import DAYS, keep, later, old_run

pytestmark = pytest.mark.django_db


def test_a_worker_leaves_a_round_to_another_one_that_has_moved_it(admin_user: User) -> None:
    keep("audited_part")
    old_run(admin_user, "audited_part", note="a")
    later(DAYS + 1)

    def another_worker(*_: Any) -> Iterator[tuple[UUID, str]]:
        RemovalRound.objects.update(place="[0]", kept=5)
        yield from ()

    hooks.keeps.append(another_worker)
    try:
        assert remove_old_runs(seconds=0) is False
    finally:
        hooks.keeps.remove(another_worker)
    found = RemovalRound.objects.get()
    assert (found.place, found.kept, found.removed, found.ended_at) == ("[0]", 5, 1, None)
    assert not Run.objects.exists()


def test_the_row_on_which_the_clock_notes_its_sweeps_is_locked_last(admin_user: User) -> None:
    keep("audited_part")
    run = old_run(admin_user, "audited_part", note="a")
    later(DAYS + 1)
    with CaptureQueriesContext(connection) as caught:
        assert remove_family(run.pk) == (1, None)
    said = [one["sql"] for one in caught]
    locked = [at for at, sql in enumerate(said) if _writes(sql, "UPDATE", Installation)]
    deleted = [at for at, sql in enumerate(said) if _writes(sql, "DELETE FROM", Run)]
    assert deleted
    assert max(deleted) < min(locked)
    if connection.vendor == "postgresql":
        table = Installation._meta.db_table  # noqa: SLF001 (Django documents it)
        updates = [at for at, sql in enumerate(said) if table in sql and "FOR NO KEY" in sql]
        assert max(deleted) < min(updates)


def _writes(sql: str, verb: str, model: type[models.Model]) -> bool:
    return sql.startswith(f'{verb} "{model._meta.db_table}"')  # noqa: SLF001 (Django documents it)


def test_a_look_at_runs_that_are_kept_takes_the_same_statements_however_many_they_are(
    admin_user: User,
) -> None:
    keep("audited_part")
    place_hold(Procedure.objects.get(name="audited_part"), by=admin_user, reason="Lawsuit.")
    counts = []
    for count in (2, 10):
        for _ in range(count):
            old_run(admin_user, "audited_part", note="a")
        later(DAYS + 1)
        with CaptureQueriesContext(connection) as caught:
            remove_old_runs()
        counts.append(len(caught))
    assert counts[0] == counts[1]
    assert RemovalRound.objects.latest("pk").kept == 12


def test_the_feed_is_found_anew_by_the_same_statements_however_many_entries_stay(
    admin_user: User, dave: User
) -> None:
    dave.is_superuser = True
    dave.save()
    counts = []
    for many in (2, 6):
        old = old_run(dave, "named_in_every_way", text="A word")
        session = Session.objects.get(messages__run=old)
        for _ in range(many):
            start_in_session(session, "audited_part", {"note": "a"}, by=admin_user)
        carry_on(old)
        keep("named_in_every_way")
        later(DAYS + 1)
        with CaptureQueriesContext(connection) as caught:
            assert remove_family(old.pk) == (1, None)
        counts.append(len(caught))
        newest = dict(FeedEntry.objects.filter(session=session).values_list("audience", "newest"))
        assert f"user:{dave.pk}" not in newest
        last = Message.objects.filter(session=session).latest("seq")
        assert newest[f"user:{admin_user.pk}"] == last.pk
    assert counts[0] == counts[1]


def test_runs_are_found_by_the_index_of_ends(admin_user: User) -> None:
    keep("audited_part")
    run = old_run(admin_user, "audited_part", note="a")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # With so few rows, any index would do, and a sort after it.
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = candidates(run.procedure_id, clock.now())[:100].explain()
    assert "countersign_ended_runs" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
