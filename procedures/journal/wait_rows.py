"""The part of the engine's store for the rows of waits and signals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.dispatch import Signal as Hook

from procedures import hooks
from procedures.engine.errors import CommitRefused
from procedures.engine.journal.events import (
    Event,
    EventKind,
    RunStatus,
    closing,
)
from procedures.engine.store import SentSignal
from procedures.journal.run_rows import TransactionStore
from procedures.models import Event as EventRow
from procedures.models import Run, RunInput, Signal, Wait
from procedures.store import sql
from procedures.store.rows import AT_ONCE, insert_row

OF_SETS = {"kind": Wait.Kind.SET}


class WaitRows(TransactionStore):
    """The part of the engine's store for the rows of waits and signals."""

    def insert_wait(self, run: Run, _content: Mapping[str, Any], cells: Mapping[str, Any]) -> Wait:
        wait = Wait(run=run, **cells)
        insert_row(wait)
        return wait

    def insert_closed(self, run: Run, waits: Sequence[tuple[dict[str, Any], Event, Event]]) -> None:
        rows = [
            Wait(run=run, closed_at=closed.at, outcome=closed.content["outcome"], **cells)
            for cells, _, closed in waits
        ]
        Wait.objects.bulk_create(rows, AT_ONCE)

    def tell_opened(self, run: Run, wait: Wait, content: Mapping[str, Any]) -> None:
        # Without receivers, nobody would learn of the question, and the run would wait forever.
        # Timers and signals need no receivers.
        if wait.kind == Wait.Kind.REQUEST and not hooks.wait_opened.has_listeners():
            raise CommitRefused(
                "A question was asked, but no installed app shows questions to people. Add one, "
                "such as `chat`, to INSTALLED_APPS."
            )
        hooks.wait_opened.send(Run, run=run, wait=wait, content=content, at=self.now)

    def tell_repeatable(self, run: Run, waits: Sequence[Wait]) -> None:
        if waits:
            hooks.repeatable_opened.send(Run, run=run, waits=waits, at=self.now)

    def waits(
        self,
        run: Run,
        *,
        is_open: bool | None = None,
        part_of: Wait | None = None,
        most: int = 0,
        **cells: Any,
    ) -> list[Wait]:
        if is_open and cells == OF_SETS:  # quick, because this is called for each new wait
            return [wait for (wait,) in sql.open_sets.rows(run.pk)]
        waits = (part_of.parts if part_of else run.waits).filter(**cells)
        if is_open is not None:
            waits = waits.filter(closed_at__isnull=is_open)
        # Several parts may close in one transaction, at the same time. Then the order in which the
        # code opened them decides, so that the order is always the same.
        order = [] if is_open else [F("closed_at").asc(nulls_last=True)]
        return list(waits.order_by(*order, "opened_seq")[: most or None])

    def latest_wait(self, run: Run, key: str) -> Wait | None:
        return run.waits.filter(key=key).order_by("opened_seq").last()

    def close_wait(
        self, run: Run, wait: Wait, content: Mapping[str, Any], *, held_at: datetime | None = None
    ) -> None:
        # Use the locked row with the changes of the rules: the wait's own copy may be older, and
        # receivers read the run from the wait.
        wait.run = run
        wait.close(str(content["outcome"]), at=held_at or self.now)
        # If the wait is part of a set, the run may still wait for the other parts; otherwise the
        # run's suspension ends.
        is_part = wait.part_of_id is not None and wait.kind == Wait.Kind.REQUEST
        if is_part and run.status == RunStatus.WAITING:
            sql.note_asking.execute(run.pk)
        is_held = held_at is not None
        self._tell(hooks.wait_closed, run=run, wait=wait, content=content, was_held=is_held)

    def tell_held(self, run: Run, wait: Wait, content: Mapping[str, Any]) -> None:
        self._tell_of_question(hooks.wait_held, run, wait, content=content, at=self.now)

    def tell_released(self, run: Run, wait: Wait) -> None:
        self._tell_of_question(hooks.wait_released, run, wait, at=self.now)

    def _tell_of_question(self, hook: Hook, run: Run, wait: Wait, **details: Any) -> None:
        if wait.kind != Wait.Kind.REQUEST:
            return
        if run.status == RunStatus.WAITING:
            sql.note_asking.execute(run.pk)
        wait.run = run  # as in `close_wait`
        self._tell(hook, run=run, wait=wait, **details)

    def reopen_wait(self, _run: Run, wait: Wait) -> None:
        wait.reopen()

    def closing_of(self, wait: Wait) -> Mapping[str, Any]:
        """Return the content with which a wait was closed.

        The content is in the journal, or in a `RunInput` that isn't journaled yet.
        """
        kept = EventRow.objects.filter(run_id=wait.run_id, seq__gt=wait.opened_seq, key=wait.key)
        if event := kept.filter(kind=EventKind.WAIT_CLOSED).order_by("seq").first():
            return event.content
        coming = RunInput.objects.filter(run_id=wait.run_id, key=wait.key).untaken()
        newest = coming.filter(kind=EventKind.WAIT_CLOSED).last()
        return newest.content if newest else closing(wait.outcome, responder="system")

    def gather(self, whole: Wait, keys: Collection[str]) -> None:
        whole.gather(list(keys))

    def leave_sets(self, run: Run, key: str) -> None:
        run.waits.filter(key=key).update(part_of=None)

    def count_decided(self, whole: Wait) -> int:
        return whole.parts.exclude(closed_at=None, held_at=None).count()

    # Signals

    def signals(self, run: Run, **cells: Any) -> list[Signal]:
        return list(Signal.objects.filter(run=run, **cells).order_by("pk"))

    def keep_signal(self, run: Run, sent: SentSignal) -> Signal:
        signal = Signal(run=run, at=self.now, **vars(sent))
        signal.keep()
        return signal
