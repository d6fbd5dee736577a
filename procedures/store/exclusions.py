"""What a worker passes by."""

from dataclasses import dataclass, field
from uuid import UUID

from procedures.store.cursors import Cells


@dataclass
class Exclusions:
    """What a worker passes by in the queue."""

    procedures: set[int] = field(default_factory=set)
    runs: set[UUID] = field(default_factory=set)

    @property
    def cells(self) -> tuple[Cells, Cells]:
        """What {not_excluded} in a statement takes."""
        return [*self.procedures], [*self.runs]
