"""A store in memory whose runs are advanced one after another, as rehearsals need it."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from functools import partial
from uuid import UUID

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, Event, EventKind, RunStatus
from procedures.engine.replay.recorder import Linger
from procedures.testing.journal import MemoryJournal
from procedures.testing.lingering import WaitCounts
from procedures.testing.memory import MemoryStore

MOST_MOMENTS = 10_000
MOST_CLAIMS = 20_000
DEEPEST = 8
"""The maximum number of runs whose code is kept in memory at a wait.

While code waits, other runs are advanced inside its call, so the stack grows with this number.
"""
FROM_OUTSIDE = {EventKind.WAIT_CLOSED, EventKind.LOG}
"""The kinds of pending events with which kept code can continue.

If an event of any other kind is pending, the code is abandoned.
"""


class EndlessError(AssertionError):
    """A rehearsal was stopped, because it would probably never end."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was stopped: it had more than {MOST_MOMENTS:,} answers and deadlines, or more"
            f" than {MOST_CLAIMS:,} worker claims, and probably never ends."
        )


class CodeAbandoned(Fenced):
    """The exception with which kept code is abandoned if it can't continue at its wait.

    The code is replayed when its run is advanced again.
    """


class Store(MemoryStore):
    """A store with reproducible ids, whose runs are advanced one after another.

    A run's code may be kept in memory at a wait while other runs are advanced, so that a thousand
    waits don't cost a thousand replays. `WaitCounts` decides when code is kept.
    """

    def __init__(self, choices: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__(choices)
        self._ids = self._claims = 0
        self._turns: deque[str] = deque()
        self._standing: list[str] = []
        """The ids of the runs whose code is kept at a wait; the run that began to wait last is at
        the end."""
        self._lingering: dict[tuple[str, int], WaitCounts] = defaultdict(WaitCounts)
        self._world: Callable[[str], bool] | None = None
        self._outside = Context()
        self.broken: BaseException | None = None
        """An error in another run or in the test's people while code was kept at a wait. It is
        raised later, because this code might catch it."""

    def live_in(self, world: Callable[[str], bool]) -> None:
        """Keep the code of runs in memory at a wait where `WaitCounts` allows it.

        While a run's code waits, `world(run_id)` is called to advance other runs and the clock. It
        returns True as soon as this run can continue. It returns False if another run whose code is
        kept must continue first, or if nothing more will happen.
        """
        self._world, self._outside = world, copy_context()

    def new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        self._count_claim(run_id)
        try:
            return super().advance(run_id, code)
        except CodeAbandoned:
            return self.status_of(run_id)

    def next_turn(self) -> str | None:
        """Return the id of the next run to advance; None if no run is queued."""
        while True:
            if not self._turns:
                queued = (key for key, run in self.runs.items() if run.status == RunStatus.QUEUED)
                self._turns.extend(queued)
            if not self._turns:
                return None
            if self.runs[run_id := self._turns.popleft()].status == RunStatus.QUEUED:
                return run_id

    def is_standing(self, run_id: str) -> bool:
        return run_id in self._standing

    def give_back(self, run_id: str) -> None:
        """Put the run at the front of the queue."""
        self._turns.appendleft(run_id)

    def begin_turns_anew(self) -> None:
        self._turns.clear()

    def linger_of(self, journal: MemoryJournal) -> Linger | None:
        lingering = self._lingering[journal.run.run_id, journal.row.base_seq]
        lingering.known = len(journal.row.events)
        return partial(self._linger, journal, lingering) if self._world else None

    def _linger(
        self, journal: MemoryJournal, lingering: WaitCounts, batch: Batch
    ) -> Sequence[Event] | None:
        if lingering.is_left() or len(self._standing) >= DEEPEST:
            return None
        run, run_id = journal.row, journal.run.run_id
        journal.commit(batch)
        if not self._advance_others(journal):
            raise CodeAbandoned(run_id)
        before, lingering.known = lingering.known, len(run.events)
        return run.events[before:]

    def _advance_others(self, journal: MemoryJournal) -> bool:
        """Advance other runs and the clock until this run can continue, and claim the run.

        Returns False if the code that waits must be abandoned instead.
        """
        run_id = journal.run.run_id
        assert self._world
        self._standing.append(run_id)
        try:
            # This runs in the context of the test, so that nothing that the waiting code has set
            # there reaches another run.
            is_its_turn = self._outside.copy().run(self._world, run_id)
            return is_its_turn and self._take_up(journal)
        # The error can't be raised through the code that waits here, because that code might catch
        # it.
        except BaseException as error:  # noqa: BLE001 (raised again where the world goes on)
            self.broken = self.broken or error
            return False
        finally:
            self._standing.pop()

    def _take_up(self, journal: MemoryJournal) -> bool:
        """Claim the run, so that its code, which was kept at a wait, can continue.

        Returns False if this code must be abandoned instead.
        """
        run, run_id = journal.row, journal.run.run_id
        if self.is_asked_to_stop(run) or not FROM_OUTSIDE.issuperset(
            draft.kind for draft in run.inputs
        ):
            self.give_back(run_id)
            return False
        self._count_claim(run_id)
        self.claim(run_id)
        journal.take_hold()
        return True

    def _count_claim(self, run_id: str) -> None:
        self._claims += 1
        if self._claims > MOST_CLAIMS:
            raise EndlessError(self.runs[run_id].procedure.name)
