"""Journals in the database that somebody tampered with, told by command and in the admin."""

from collections.abc import Callable
from io import StringIO
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test import Client

from chat.services import Answer, respond
from procedures.models import Event, Head, Run
from procedures.runner import advance_run
from procedures.services import retry_run, verify_journal
from tests import procedures
from tests.calls import request_of, run_until_it_waits
from tests.integration.test_admin_operations import staff

__all__ = ["staff"]
LENGTH = 8


@pytest.fixture
def run(admin_user: User) -> Run:
    procedures.forget()
    run = run_until_it_waits("question")
    respond(request_of(run).pk, Answer(value=True), by=admin_user)
    advance_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.head_seq) == ("succeeded", LENGTH)
    return run


def change(run: Run) -> None:
    run.events.filter(kind="wait.closed").update(data='{"outcome":"rejected"}')


def remove(run: Run) -> None:
    run.events.filter(seq=3).delete()


def insert(run: Run) -> None:
    shift(run, from_seq=3, by=1)
    copy = run.events.get(seq=2)
    copy.pk, copy.seq = None, 3
    copy.save(force_insert=True)


def reorder(run: Run) -> None:
    for now, then in ((3, 100), (4, 3), (100, 4)):
        run.events.filter(seq=now).update(seq=then)


def cut_off(run: Run) -> None:
    run.events.filter(seq__gt=4).delete()


def shift(run: Run, *, from_seq: int, by: int) -> None:
    later = Event.objects.filter(run=run, seq__gte=from_seq)
    later.update(seq=F("seq") + 1000)
    Event.objects.filter(run=run, seq__gte=1000).update(seq=F("seq") - 1000 + by)


WAYS = [
    (change, ["Event 5 was changed after it was written."]),
    (remove, ["Event 3 is missing."]),
    (insert, ["Event 3 was inserted.", "Events 4 to 9 were originally numbers 3 to 8."]),
    (reorder, ["Event 3 was originally number 4.", "Event 4 was originally number 3."]),
    (cut_off, ["Events 5 to 8, the last ones, are missing."]),
]


@pytest.mark.parametrize(("tamper", "told"), WAYS)
def test_what_was_done_to_a_journal_is_found(
    run: Run, tamper: Callable[[Run], None], told: list[str]
) -> None:
    assert verify_journal(run) == []
    tamper(run)
    assert verify_journal(run) == told


def test_an_end_that_was_cut_off_with_the_runs_own_note_of_it_is_found(run: Run) -> None:
    cut_off(run)
    last = run.events.get(seq=4)
    Head.objects.filter(run=run).update(seq=last.seq, hash=last.hash)

    assert verify_journal(run) == [
        "The run's status is succeeded, but its last event doesn't say so."
    ]


def test_a_head_that_was_removed_is_told_as_any_damage(run: Run) -> None:
    other = run_until_it_waits("question")
    Head.objects.filter(run=run).delete()

    said = StringIO()
    with pytest.raises(CommandError, match="aren't intact: 1 of 2"):
        verified(run, other, out=said)
    assert said.getvalue() == (
        f"{run} ({run.pk}): The run's record of its last event is missing, so nobody knows which"
        " one was the last.\n"
    )


def test_a_run_that_goes_on_while_it_is_looked_at_is_sound(run: Run, admin_user: User) -> None:
    failed, words = run_until_it_waits("broken_child"), list[str]()
    procedures.saw.append("mended")

    def and_it_goes_on(execute: Callable[..., object], *given: object) -> object:
        found = execute(*given)
        if not words:
            words.append("Retried.")
            retry_run(failed.pk, by=admin_user, reason=words[0])
            advance_run(failed.pk)
        return found

    with connection.execute_wrapper(and_it_goes_on):
        assert verify_journal(failed) == []
    failed.refresh_from_db()
    assert failed.status == "succeeded"


def test_the_command_verifies_all_runs_or_those_named(run: Run) -> None:
    other = run_until_it_waits("question")
    assert verified() == "2 of 2 journals are intact.\n"

    change(run)

    assert verified(other) == "1 of 1 journals are intact.\n"
    for named, all_told in (([], 2), ([run], 1)):
        said = StringIO()
        with pytest.raises(CommandError, match=f"aren't intact: 1 of {all_told}"):
            verified(*named, out=said)
        assert said.getvalue() == (f"{run} ({run.pk}): Event 5 was changed after it was written.\n")


def test_the_command_refuses_runs_that_are_not_there(run: Run) -> None:
    with pytest.raises(CommandError, match="Runs not found: 01a1fec2"):
        verified(run, Run(pk=UUID("01a1fec2-321d-7d4a-8936-c5c622de9298")))


def verified(*runs: Run, out: StringIO | None = None) -> str:
    out = out or StringIO()
    call_command("verify_journal", *[str(run.pk) for run in runs], stdout=out)
    return out.getvalue()


def test_staff_verify_the_runs_they_chose(run: Run, staff: Client, operators: Group) -> None:
    sound = run_until_it_waits("question")
    change(run)
    form = {"action": "verify", "_selected_action": [str(run.pk), str(sound.pk)]}

    told = staff.post("/admin/countersign_procedures/run/", form, follow=True).content.decode()

    assert f"{run}: Event 5 was changed after it was written." in told
    assert f"{sound}: All {sound.head_seq} events are unchanged." in told
