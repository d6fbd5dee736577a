"""Legal holds on runs, procedures and people keep records however old they are."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.services import claim_request, release_request
from procedures.models import Act, Run
from procedures.services import ReasonError
from procedures.services.retention.holds import HoldRefusedError, place_hold, release_hold
from procedures.services.retention.reasons import holds_on
from tests.audited_story import advance_all, finish, story
from tests.calls import request_of
from tests.old_runs import keep, later, left

pytestmark = pytest.mark.django_db


def test_holds_on_a_run_a_procedure_and_a_person_keep_records(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    keep("audited")
    child = Run.objects.get(parent_wait__run=run)
    subjects = [run, child, run.procedure, child.procedure, bob, dave]
    for subject in subjects:
        hold = place_hold(subject, by=dave, reason="Lawsuit.")
        assert str(subject) in str(hold)
        later(400)
        assert left() == {run.pk, child.pk}
        with pytest.raises(HoldRefusedError, match="There is a legal hold on"):
            place_hold(subject, by=dave, reason="Again.")
        release_hold(hold.pk, by=dave, reason="Settled.")
    told = Act.objects.filter(words__contains="legal hold").order_by("pk")
    assert [one.reason for one in told] == ["Lawsuit.", "Settled."] * len(subjects)

    place_hold(alice, by=dave, reason="She has nothing to do with it.")
    later(400)
    assert left() == set()
    with pytest.raises(HoldRefusedError, match="The record of this run was removed on"):
        place_hold(run, by=dave, reason="Too late.")
    with pytest.raises(ReasonError):
        place_hold(run.procedure, by=dave, reason=" ")


def test_a_person_is_held_by_name_in_a_subject_by_an_answer_and_by_what_they_operated(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    cases = {bob: True, dave: True, carol: False, alice: False}
    for person, is_concerned in cases.items():
        hold = place_hold(person, by=dave, reason="Lawsuit.")
        assert bool(holds_on(run)) is is_concerned, person
        release_hold(hold.pk, by=dave, reason="Settled.")
    Run.objects.filter(pk=run.pk).update(subject="Refund 31 € to Carol")
    place_hold(carol, by=dave, reason="Lawsuit.")
    assert holds_on(run)


def test_a_person_is_held_by_a_claim_that_was_given_up(
    alice: User, bob: User, carol: User, dave: User, finance: Group
) -> None:
    run = story(alice, bob, dave)
    advance_all(run)
    place_hold(carol, by=dave, reason="Lawsuit.")
    assert not holds_on(run)
    carol.groups.add(finance)
    claim_request(request_of(run).pk, by=carol)
    release_request(request_of(run).pk, by=carol)
    assert holds_on(run)


def test_any_number_of_held_people_costs_the_same_statements(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    counts = []
    for person in (alice, bob, carol, dave):
        place_hold(person, by=dave, reason="Lawsuit.")
        with CaptureQueriesContext(connection) as caught:
            holds_on(run)
        counts.append(len(caught))
    assert {one.user for one in holds_on(run)} == {bob, dave}
    assert len(set(counts)) == 1
