"""The rows of waits and signals, as the engine's rules use them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from procedures import hooks
from procedures.engine.errors import Refused
from procedures.engine.journal.events import (
    Event,
    EventKind,
    closing,
)
from procedures.engine.lifecycle.children import is_abandoned
from procedures.engine.store import SentSignal
from procedures.journal.run_rows import Moment
from procedures.models import Event as EventRow
from procedures.models import Run, RunInput, Signal, Wait
from procedures.store import sql
from procedures.store.rows import insert_row, save_columns


class WaitRows(Moment):
    """The rows of waits and signals, in one transaction."""

    def insert_wait(self, run: Run, event: Event, content: Mapping[str, Any]) -> Wait:
        due = content["due_at"]
        wait = Wait(
            run=run,
            kind=content["wait"],
            key=event.key,
            opened_seq=event.seq,
            due_at=datetime.fromisoformat(due) if due else None,
            signal=content.get("signal", ""),
            need=content.get("need"),
            abandons=is_abandoned(content),
        )
        insert_row(wait)
        return wait

    def tell_opened(self, run: Run, wait: Wait, content: Mapping[str, Any]) -> None:
        # Without this the run would wait for people who never learn of it; a timer or a signal
        # needs nobody above.
        if wait.kind == Wait.Kind.REQUEST and not hooks.wait_opened.has_listeners():
            raise Refused("A question was asked, but nothing here shows it to people.")
        hooks.wait_opened.send(Run, run=run, wait=wait, content=content, at=self.now)

    def open_waits(self, run: Run, *, kind: str = "", signal: str = "") -> list[Wait]:
        if kind == Wait.Kind.SET:  # asked of each wait that is opened
            return [wait for (wait,) in sql.open_sets.rows(run.pk)]
        waits = run.waits.open().order_by("opened_seq")
        waits = waits.filter(kind=kind) if kind else waits
        return list(waits.filter(signal=signal) if signal else waits)

    def latest_wait(self, run: Run, key: str) -> Wait | None:
        return run.waits.filter(key=key).order_by("opened_seq").last()

    def close_wait(self, run: Run, wait: Wait, content: Mapping[str, Any]) -> None:
        # The locked row, as the rules have changed it; the wait's own copy may be older, and
        # receivers read the run from it.
        wait.run = run
        wait.close(str(content["outcome"]), at=self.now)
        self._tell(hooks.wait_closed, run=run, wait=wait, content=content)

    def reopen_wait(self, _run: Run, wait: Wait) -> None:
        wait.reopen()

    def closing_of(self, wait: Wait) -> Mapping[str, Any]:
        """Return how the wait was closed, from the journal or from an input on its way there."""
        kept = EventRow.objects.filter(run_id=wait.run_id, seq__gt=wait.opened_seq, key=wait.key)
        if event := kept.filter(kind=EventKind.WAIT_CLOSED).order_by("seq").first():
            return event.content
        coming = RunInput.objects.filter(run_id=wait.run_id, key=wait.key).untaken()
        told = coming.filter(kind=EventKind.WAIT_CLOSED).last()
        return told.content if told else closing(wait.outcome, responder="system")

    def put_in_set(self, whole: Wait, wait: Wait) -> None:
        wait.part_of = whole
        save_columns(wait, ("part_of",))

    def gather(self, whole: Wait, keys: Collection[str]) -> None:
        whole.gather(list(keys))

    def leave_set(self, wait: Wait) -> None:
        wait.part_of = None
        save_columns(wait, ("part_of",))

    def leave_sets(self, run: Run, key: str) -> None:
        run.waits.filter(key=key).update(part_of=None)

    def count_closed(self, whole: Wait) -> int:
        return whole.parts.exclude(closed_at=None).count()

    def first_closed(self, whole: Wait, count: int) -> list[Wait]:
        closed = whole.parts.exclude(closed_at=None)
        # Several parts may close in one transaction and so at one time: then the order in which the
        # code opened them decides, the same on every look.
        return list(closed.order_by("closed_at", "opened_seq")[:count])

    def open_parts(self, whole: Wait) -> list[Wait]:
        return list(whole.parts.open())

    # Signals

    def find_signal(self, run: Run, name: str, signal_id: str) -> Signal | None:
        return Signal.objects.filter(run=run, name=name, signal_id=signal_id).first()

    def keep_signal(self, run: Run, sent: SentSignal) -> Signal:
        signal = Signal(run=run, at=self.now, **vars(sent))
        signal.keep()
        return signal

    def unread(self, run: Run, name: str) -> list[Signal]:
        return list(Signal.objects.unread(run, name))

    def read_by(self, signal: Signal, wait: Wait) -> None:
        signal.read_by(wait)

    def skip(self, _run: Run, signal: Signal, why: str) -> None:
        signal.skip(why)

    def last_read(self, run: Run, key: str) -> Signal | None:
        return Signal.objects.taken_by(run, key).last()
