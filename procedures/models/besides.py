"""What a worker passes by."""

from dataclasses import dataclass, field
from uuid import UUID

from procedures.models.cells import adapted
from procedures.models.cursors import Cell


@dataclass
class Exclusions:
    """What a worker passes by in the queue."""

    procedures: set[int] = field(default_factory=set)
    runs: set[UUID] = field(default_factory=set)

    @property
    def condition(self) -> str:
        procedures = _not_in("procedures_run.procedure_id", len(self.procedures))
        return procedures + _not_in("procedures_run.id", len(self.runs))

    @property
    def cells(self) -> list[Cell]:
        return [*self.procedures, *map(adapted, self.runs)]


def _not_in(column: str, count: int) -> str:
    return f" AND {column} NOT IN ({', '.join(['%s'] * count)})" if count else ""
