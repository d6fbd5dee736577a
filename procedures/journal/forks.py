"""A fork's journal: its origin's up to a point, marked anew, and its waits."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from procedures.engine.journal.events import Event, NewEvent
from procedures.engine.journal.large import ELSEWHERE
from procedures.engine.lifecycle.children import is_abandoned
from procedures.engine.lifecycle.fork import Carried, Copy, start_of
from procedures.engine.replay.history import Entry
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.journal.database_store import DatabaseStore
from procedures.models import Run, Wait
from procedures.models.proofs import ledger_key
from procedures.store.fence import insert
from procedures.store.rows import AT_ONCE

A_FILE = re.compile(r'"digest":"([0-9a-f]{64})"')
ANYTHING_ELSEWHERE = re.compile(rf'"\w+{ELSEWHERE}":"([0-9a-f]{{64}})"')


@dataclass(frozen=True)
class Fork:
    """The place where a run branches off another one."""

    origin: Run
    since: int
    """The number of the event before the first one taken over."""
    until: int
    """The number of the first event not taken over."""

    def parts(self) -> Iterator[list[Event]]:
        """Yield the events in parts, so that a long journal is never held in memory."""
        for first in range(self.since + 1, self.until, AT_ONCE):
            last = min(first + AT_ONCE, self.until) - 1
            yield self.origin.events.filter(seq__range=(first, last)).journal()

    def events(self) -> Iterator[Event]:
        for part in self.parts():
            yield from part


def begin_fork(
    run: Run, fork: Fork, carried: Carried, note: NewEvent, *, inputs: str, files: Sequence[File]
) -> set[str]:
    """Insert a fork with what it takes over and a note on who made it; the caller commits.

    `inputs` is their whole text, `files` are those in them. Returns the digests of all files that
    it may name.
    """
    copy = Copy(str(run.pk), key=ledger_key(), write=partial(insert, run.pk))
    named, by, origin = set[str](), run.starter, str(fork.origin.pk)
    store = DatabaseStore(run.created_at)
    with use_file_store(ContentStore()):
        for part in fork.parts():
            named.update(*map(_named_in, part))
            if part[0].seq == fork.since + 1:  # it finds the times that its origin has found
                copy.chain(start_of(store, run, files), part[0].at)
            copy.take_over(part, origin=origin, by=by, inputs=inputs)
    # Before the note is chained: what comes after this number is the fork's own, and the note is
    # the first of it.
    run.carried_seq = copy.seq
    run.base_seq = 1 if fork.since else 0  # what stands before it is its own start
    copy.chain(note, run.created_at)
    # After its events, which have no foreign key: so the row is written once, with its head where
    # it belongs.
    run.insert(head_seq=copy.seq, head_hash=copy.head)
    store.keep_files(run, files)
    # The rows of waits name the event that opened them by its number, which is another one in the
    # copy.
    shift = run.base_seq - fork.since
    Wait.objects.bulk_create([_closed(run, entry, shift) for entry in carried.closed], AT_ONCE)
    return named


def _closed(run: Run, entry: Entry, shift: int) -> Wait:
    """Return the row of a wait whose outcome was taken over."""
    opened, content = entry.events[0], entry.events[0].content
    due = content["due_at"]
    return Wait(
        run=run,
        kind=content["wait"],
        key=entry.key,
        opened_seq=opened.seq + shift,
        due_at=datetime.fromisoformat(due) if due else None,
        closed_at=entry.last.at,
        outcome=entry.last.content["outcome"],
        signal=content.get("signal", ""),
        need=content.get("need"),
        abandons=is_abandoned(content),
    )


def _named_in(event: Event) -> set[str]:
    """Return the digests of files an event names, also in large values stored outside it."""
    store, texts = ContentStore(), [event.data]
    texts += [store.get(digest).decode() for digest in ANYTHING_ELSEWHERE.findall(event.data)]
    return {digest for text in texts for digest in A_FILE.findall(text)}
