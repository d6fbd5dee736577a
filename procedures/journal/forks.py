"""A fork's journal: that of its origin up to a point, marked anew, and its waits."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from procedures.engine.journal.events import Event, EventKind, NewEvent, chained, moved
from procedures.engine.journal.large import ELSEWHERE
from procedures.engine.lifecycle.forks import Carried, as_taken
from procedures.engine.replay.history import Entry
from procedures.engine.values.files import File, use_file_store
from procedures.engine.waits.children import is_abandoned
from procedures.files import ContentStore
from procedures.journal.children import give_files
from procedures.journal.statements import insert
from procedures.models import Run, Wait
from procedures.models.cells import AT_ONCE
from procedures.models.proofs import ledger_key

A_FILE = re.compile(r'"digest":"([0-9a-f]{64})"')
ANYTHING_ELSEWHERE = re.compile(rf'"\w+{ELSEWHERE}":"([0-9a-f]{{64}})"')


@dataclass(frozen=True)
class Fork:
    """Where a run parts from another one."""

    origin: Run
    since: int
    """The number of the event before the first one that is taken over."""
    until: int
    """The number of the first event that is not."""

    def parts(self) -> Iterator[list[Event]]:
        """A long journal is never held."""
        for first in range(self.since + 1, self.until, AT_ONCE):
            last = min(first + AT_ONCE, self.until) - 1
            yield self.origin.events.filter(seq__range=(first, last)).journal()

    def events(self) -> Iterator[Event]:
        for part in self.parts():
            yield from part


def begin_fork(
    run: Run, fork: Fork, carried: Carried, note: NewEvent, *, inputs: str, files: Sequence[File]
) -> set[str]:
    """Keep a new run with what it takes over, and who wants it, in the caller's transaction.

    `inputs`: their whole text; `files`: theirs. Gives the digests of all files that it may name.
    """
    copy, named = _Copy(run, files), set[str]()
    by, origin = run.starter, str(fork.origin.pk)
    with use_file_store(ContentStore()):
        for part in fork.parts():
            named.update(*map(_named_in, part))
            if part[0].seq == fork.since + 1:
                copy.start(part[0].at)
            others = (event for event in part if event.kind != EventKind.RUN_STARTED)
            copy.add([as_taken(one, origin=origin, by=by, inputs=inputs) for one in others])
    run.carried_seq = copy.seq
    run.base_seq = 1 if fork.since else 0  # what stands before it is its own start
    copy.end(note)
    shift = run.base_seq - fork.since
    Wait.objects.bulk_create([_closed(run, entry, shift) for entry in carried.closed], AT_ONCE)
    return named


class _Copy:
    """The journal of a new run, as it is written."""

    def __init__(self, run: Run, files: Sequence[File]) -> None:
        self._run, self._id, self._files = run, str(run.pk), files
        self.seq, self._head = 0, ""

    def start(self, at: datetime) -> None:
        """`at`: when its origin began, so that the code finds the times it has found before."""
        self._chain(NewEvent(EventKind.RUN_STARTED, data=self._run.beginning(self._files)), at)

    def add(self, events: Sequence[Event]) -> None:
        key, kept = ledger_key(), list[Event]()
        for event in events:
            self.seq += 1
            kept.append(moved(event, run_id=self._id, seq=self.seq, head=self._head, key=key))
            self._head = kept[-1].hash
        if kept:
            insert(self._run.pk, kept)

    def end(self, note: NewEvent) -> None:
        self._chain(note, self._run.created_at)
        self._run.insert(head_seq=self.seq, head_hash=self._head)
        give_files(self._run, self._files)

    def _chain(self, draft: NewEvent, at: datetime) -> None:
        [event] = chained(
            [draft], run_id=self._id, after=self.seq, at=at, head=self._head, key=ledger_key()
        )
        self.seq, self._head = event.seq, event.hash
        insert(self._run.pk, [event])


def _closed(run: Run, entry: Entry, shift: int) -> Wait:
    """The row of a wait whose outcome was taken over."""
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
    """The digests of the files that an event names, also in a large value beside it."""
    store, texts = ContentStore(), [event.data]
    texts += [store.get(digest).decode() for digest in ANYTHING_ELSEWHERE.findall(event.data)]
    return {digest for text in texts for digest in A_FILE.findall(text)}
