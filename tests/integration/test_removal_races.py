"""Holds, forks and pages at the very moment at which a run is removed."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import Message, Session
from chat.services import post_message
from procedures.models import LegalHold, RemovalRound, Run, Tombstone
from procedures.services import restart_run, verify_journal
from procedures.services.ledger import examine_site
from procedures.services.retention.holds import HoldRefusedError, place_hold
from procedures.services.retention.removal import remove_family
from procedures.services.retention.rounds import remove_old_runs
from tests.at_once import at_once
from tests.configured import configure
from tests.old_runs import keep, later, old_run
from tests.pages import browser

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6


def ended(by: User) -> Run:
    return old_run(by, "audited_part", note="a")


def test_a_hold_at_the_moment_of_a_removal_is_refused_or_in_force(admin_user: User) -> None:
    keep("audited_part")
    for _ in range(ROUNDS):
        run = ended(admin_user)
        later(31)
        held, removed = at_once(
            partial(place_hold, run, by=admin_user, reason="Lawsuit."),
            partial(remove_family, run.pk),
        )
        if isinstance(held, LegalHold):
            assert Run.objects.filter(pk=run.pk).exists()
            assert (removed[0], removed[1].kind) == (0, "held")
            held.delete()
        else:
            assert isinstance(held, HoldRefusedError)
            assert removed == (1, None)
            assert Tombstone.objects.filter(pk=run.pk).exists()
        assert remove_old_runs() is False
    assert examine_site() == []


def test_of_two_people_who_release_a_hold_at_once_one_does(admin_user: User) -> None:
    run = ended(admin_user)
    hold = place_hold(run, by=admin_user, reason="Lawsuit.")
    page = f"/admin/retention/holds/{hold.pk}/release/"
    browsers = browser(admin_user), browser(admin_user)
    answers = at_once(*(partial(one.post, page, {"reason": "Settled."}) for one in browsers))
    assert sorted(one.status_code for one in answers) == [302, 404]
    assert not LegalHold.objects.exists()


def test_a_restart_at_the_moment_of_a_removal_finds_a_run_or_none(admin_user: User) -> None:
    keep("audited_part")
    for _ in range(ROUNDS):
        run = ended(admin_user)
        later(31)
        again, twice, removed = at_once(
            partial(restart_run, run.pk, by=admin_user, reason="Again."),
            partial(remove_family, run.pk),
            partial(remove_family, run.pk),
        )
        left = Run.objects.filter(pk=run.pk).exists()
        if isinstance(again, tuple):
            assert left
            assert verify_journal(again[0]) == []
        else:
            assert isinstance(again, Run.DoesNotExist)
            assert not left
            assert sorted(one[0] for one in (twice, removed)) == [0, 1]
    assert examine_site() == []


def test_a_message_at_the_moment_of_a_removal_loses_nothing(admin_user: User) -> None:
    keep("audited_part")
    for number in range(ROUNDS):
        run = ended(admin_user)
        later(31)
        session = Session.objects.get(messages__run=run)
        at_once(
            partial(remove_family, run.pk),
            partial(post_message, session, f"{number}", by=admin_user),
        )
        assert Message.objects.filter(session=session, text=f"{number}").count() == 1
    assert examine_site() == []


@pytest.mark.parametrize("many", [150, pytest.param(10_000, marks=pytest.mark.soak)])
def test_many_runs_are_removed_in_turns_while_others_work(
    many: int, admin_user: User, settings: Any
) -> None:
    configure(settings, MOST_STARTS_A_MINUTE=2 * many)
    keep("audited_part")
    first = ended(admin_user)
    for _ in range(many):
        ended(admin_user)
    later(31)
    held = place_hold(first, by=admin_user, reason="Lawsuit.")
    started, *_ = at_once(
        lambda: [ended(admin_user).pk for _ in range(5)],
        lambda: [remove_old_runs(seconds=0) for _ in range(3)],
        lambda: [remove_old_runs(seconds=0) for _ in range(3)],
    )
    # What others kept locked is left to the next round.
    for _ in range(2):
        while remove_old_runs(seconds=0):
            pass
        later(1)
    assert set(Run.objects.values_list("pk", flat=True)) == {first.pk, *started}
    assert Tombstone.objects.count() == many
    rounds = RemovalRound.objects.all()
    assert sum(one.removed for one in rounds) == many
    assert [one.kept for one in rounds] == [1, 1]
    assert held.run_id == first.pk
    assert examine_site() == []
    assert all(verify_journal(run) == [] for run in Run.objects.all())
