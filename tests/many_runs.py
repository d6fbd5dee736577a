"""Runs that wait: some that were started, and thousands inserted in a few statements."""

from copy import copy

from chat.models import Message, Session
from procedures.models import Event, Head, Run
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from tests.calls import run_until_it_waits


def questions(count: int) -> list[Run]:
    return [run_until_it_waits("question") for _ in range(count)]


def copies_of(run: Run, count: int) -> list[Run]:
    """Runs in the state of this one, with the first event of their journals, in one session."""
    now, first = clock.now(), run.events.get(seq=1)
    runs = [_copy(run) for _ in range(count)]
    Run.objects.bulk_create(runs)
    Event.objects.bulk_create(
        Event(run=one, seq=1, kind=first.kind, data=first.data, at=now, hash=first.hash)
        for one in runs
    )
    Head.objects.bulk_create(Head(run=one, seq=1, hash=first.hash) for one in runs)
    session = Session.objects.create(title="Many runs", created_at=now, last_seq=count)
    Message.objects.bulk_create(
        Message(session=session, seq=seq, kind="run", run=one, author=run.started_by, at=now)
        for seq, one in enumerate(runs, start=1)
    )
    return runs


def _copy(run: Run) -> Run:
    made = copy(run)
    made.pk = uuid7()
    return made
