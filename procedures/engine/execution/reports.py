"""The reports that a running attempt makes to people: progress, messages and text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procedures.engine.declaration.messages import InboxMessage
from procedures.engine.declaration.steps import Step
from procedures.engine.execution.progress import Progress
from procedures.engine.execution.spending import checked_amounts
from procedures.engine.execution.writing import FAILED, KEPT, Writing
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.payloads import StepFailure
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.loops import outside_the_loop
from procedures.engine.replay.timeouts import undisturbed
from procedures.engine.values import canonical
from procedures.engine.values.options import check_text
from procedures.engine.values.sizes import cut
from procedures.engine.waits.inbox import content_of, messages_of


class Reports:
    """The reports of one attempt, made through the `Step` that is passed to the function."""

    def __init__(
        self, fiber: Fiber, key: str, attempt: int, keep: Callable[[NewEvent], None]
    ) -> None:
        """Prepare the reports of an attempt.

        `keep` commits an event at once or, in a step with `transaction=True`, together with the
        step.
        """
        self._fiber, self._key, self._attempt, self._keep = fiber, key, attempt, keep
        self._progress = Progress(key, attempt, keep=keep, now=fiber.journal.now)
        # Create it now, not at the first piece, which may come from another thread, or from two at
        # once.
        journal, most = fiber.journal, fiber.sizes.written
        self._writing = Writing(key, attempt, most=most, show=journal.show, begin=self._begin)
        self.has_written = False
        self._heard: list[dict[str, Any]] = []
        """The messages that the attempt has read with `Step.messages`."""

    def step(self) -> Step:
        return Step(
            self._key,
            self._fiber.recorder.idempotency_key(self._key),
            self._attempt,
            self._progress.say,
            self._say,
            lambda: self._fiber.journal.is_cancelled,
            self._write,
            self._hear,
            self._spend,
        )

    def close(self, end: NewEvent) -> Sequence[NewEvent]:
        """Return the events to store together with the event that ends the attempt.

        If the step will be tried again, the text of this attempt isn't stored, because the text of
        the next attempt replaces it.
        """
        held = self._progress.close()
        if self._heard and end.kind == EventKind.STEP_SUCCEEDED:
            # Mark the messages as read with the step's result; after a failed attempt, the next one
            # reads them again.
            end.data |= content_of(self._heard, "messages")
        if not self.has_written:
            return held
        self._writing.close()
        is_whole = end.kind == EventKind.STEP_SUCCEEDED
        if not is_whole and not StepFailure.read(end.data).is_final:
            return held
        text = self._writing.event(is_whole=is_whole)
        return (*held, text) if text else held

    def end(self, end: NewEvent) -> None:
        """Show people that the text has ended; called after the commit of the attempt's end."""
        if self.has_written:
            self._writing.end(KEPT if end.kind == EventKind.STEP_SUCCEEDED else FAILED)

    def _hear(self) -> list[InboxMessage]:
        with undisturbed, outside_the_loop():  # as in `Fiber.tell`
            found = self._fiber.journal.unread_messages()
        known = [one["id"] for one in self._heard]
        new = [one for one in found if one["steers"] and one["id"] not in known]
        self._heard += new
        return messages_of(new)

    def _write(self, text: str) -> None:
        self._writing.write(text)
        self.has_written = True

    def _begin(self) -> None:
        data = {"attempt": self._attempt, "text": "", "writes": True}
        self._keep(NewEvent(EventKind.PROGRESS, self._key, self._key, data))

    def _spend(self, amounts: Mapping[str, Any]) -> None:
        data = {"attempt": self._attempt, "text": "", "spent": checked_amounts(amounts)}
        self._keep(NewEvent(EventKind.PROGRESS, self._key, self._key, data))

    def _say(self, text: str) -> None:
        check_text("The text of step.say", text)
        words = cut(canonical.legible(text), self._fiber.sizes.notice)
        self._keep(NewEvent(EventKind.NOTICE, self._key, words[:100], {"text": words}))
