"""What stands around a step, set back to what it was before: its connections."""

from types import TracebackType

from procedures.engine.errors import LeftOpenError
from procedures.engine.journal import Journal


class Surroundings:
    """Around the call of a step, which fails when it leaves something open."""

    __slots__ = ("_journal", "_standings")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        self._standings = self._journal.standings()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        left_open = self._standings.put_away()
        if left_open and error is None:
            raise LeftOpenError(left_open)
