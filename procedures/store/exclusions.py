"""Queued runs that a worker skips."""

from dataclasses import dataclass, field
from uuid import UUID

from procedures.store.prepared import Cells


@dataclass
class Exclusions:
    """The procedures and runs that a worker skips in the queue."""

    procedures: set[int] = field(default_factory=set)
    runs: set[UUID] = field(default_factory=set)

    @property
    def cells(self) -> tuple[Cells, Cells]:
        """The parameters of the part {not_excluded} of an SQL statement."""
        return [*self.procedures], [*self.runs]
