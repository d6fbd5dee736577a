"""Signals between runs in the database: the rights they need, and those lost on the way."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User

from procedures.engine.journal.events import NewEvent
from procedures.models import Run, RunInput, Signal
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run, sweep
from tests.calls import grant, run_until_it_waits
from tests.pages import browser

pytestmark = pytest.mark.django_db(transaction=True)


def started_by(user: User) -> Run:
    """Somebody's run that waits for a signal."""
    run = run_until_it_waits("receiving", asks=False)
    Run.objects.filter(pk=run.pk).update(started_by=user)
    return run


@pytest.mark.parametrize(
    ("sender", "right", "is_sent"),
    [
        ("alice", "", True),
        ("bob", "", False),
        ("bob", "see", False),
        ("bob", "operate", True),
        ("nobody", "", False),
    ],
)
def test_a_run_reaches_others_as_its_starter_does(
    alice: User, bob: User, support: Group, sender: str, right: str, *, is_sent: bool
) -> None:
    bob.groups.add(support)
    grant("reaching_out", support, "start")
    if right:
        grant("receiving", support, right)
    other = started_by(alice)
    by = {"alice": alice, "bob": bob}.get(sender)

    run = run_until_it_waits("reaching_out", by=by, to=str(other.pk))

    assert (run.status == "succeeded") == is_sent
    assert Signal.objects.filter(run=other).exists() == is_sent
    advance_run(other.pk)
    assert (Run.objects.get(pk=other.pk).status == "succeeded") == is_sent


def test_somebody_who_has_left_reaches_nothing(alice: User, support: Group) -> None:
    grant("reaching_out", support, "start")
    other = started_by(alice)
    run, _ = start_run("reaching_out", {"to": str(other.pk)}, by=alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    advance_run(run.pk)

    assert Run.objects.get(pk=run.pk).status == "waiting"
    assert not Signal.objects.filter(run=other).exists()


def by_the_sweep(child: Run) -> None:
    sweep()
    advance_run(child.pk)


def by_a_claim(child: Run) -> None:
    Run.objects.filter(pk=child.pk).update(status="queued", queued_at=clock.now())
    advance_run(child.pk)


@pytest.mark.parametrize("bring", [by_the_sweep, by_a_claim])
@pytest.mark.parametrize("act", ["signal", "cancel"])
def test_what_was_lost_on_its_way_is_brought_once(act: str, bring: Callable[[Run], None]) -> None:
    """The sender's process seems to have died right after its commit."""
    parent = run_until_it_waits("above_a_receiver")
    child = Run.objects.get(parent_wait__run=parent)
    advance_run(child.pk)
    data = {"act": act, "signal": "word", "id": "1", "value": 7, "error": "", "reason": "Enough."}
    RunInput.objects.keep(child.pk, NewEvent(RunInput.SENT, "send:word", str(parent.pk), data))

    bring(child)
    bring(child)

    child.refresh_from_db()
    assert child.status == ("succeeded" if act == "signal" else "cancelled")
    assert not RunInput.objects.filter(run=child).untaken().exists()
    assert child.events.filter(kind="wait.closed").count() == (1 if act == "signal" else 0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sending", "Sent the signal <code>word</code> to the run"),
        ("reading_below", "Read the status of <code>receiving</code>: <code>queued</code>"),
    ],
)
def test_people_read_in_the_journal_what_was_sent_and_read(
    admin_user: User, name: str, told: str
) -> None:
    run = run_until_it_waits(name)

    assert told in browser(admin_user).get(f"/runs/{run.pk}/journal").content.decode()
