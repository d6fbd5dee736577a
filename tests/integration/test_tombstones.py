"""Tombstones keep what a removed run was; a changed or a missing one is found."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from procedures.models import Installation, Run, Tombstone
from procedures.services.ledger import examine_site
from tests.audited_story import finish, story
from tests.old_runs import DAYS, keep, later, left, old_run

pytestmark = pytest.mark.django_db


def test_a_tombstone_keeps_what_the_run_was_and_the_head_of_its_journal(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    child, head = Run.objects.get(parent_wait__run=run), run.head
    keep("audited")
    later(DAYS + 1)
    assert left() == set()

    grave = Tombstone.objects.get(pk=run.pk)
    assert (grave.procedure.name, grave.status, grave.top) == ("audited", "succeeded", run.pk)
    assert (grave.head_seq, grave.head_hash) == (head.seq, head.hash)
    assert Tombstone.objects.get(pk=child.pk).top == run.pk


def test_a_changed_and_a_missing_tombstone_are_found(admin_user: User) -> None:
    keep("audited_part")
    runs = [old_run(admin_user, "audited_part", note=note) for note in "abc"]
    later(DAYS + 1)
    assert left() == set()
    assert examine_site() == []
    out = StringIO()
    call_command("verify_journal", str(runs[0].pk), stdout=out)
    assert "The record of this run was removed on" in out.getvalue()

    Tombstone.objects.filter(pk=runs[0].pk).update(status="failed", head_hash="0" * 64)
    assert [str(one) for one in examine_site()] == [
        f"Removed run {runs[0].pk}: the field {name} was changed after it was written."
        for name in ("status", "head_hash")
    ]
    with pytest.raises(CommandError):
        call_command("verify_journal", str(runs[0].pk), stdout=out)

    Tombstone.objects.filter(pk=runs[0].pk).delete()
    [fault] = examine_site()
    assert str(fault).endswith("its count of removed runs is 3, but these are missing: 1.")
    Installation.objects.update(removed=2)
    assert "the field removed was changed" in str(examine_site()[0])
