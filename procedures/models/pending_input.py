"""The inputs of a run that aren't journaled yet, as the run's next claim reads them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from procedures.engine.values import canonical
from procedures.store import sql
from procedures.store.rows import BoundStatement


class PendingInput(NamedTuple):
    """A `RunInput` that isn't journaled yet."""

    pk: int
    kind: str
    key: str
    name: str
    data: str
    """The data of the `RunInput` as canonical JSON."""

    @property
    def content(self) -> dict[str, Any]:
        return canonical.plain(self.data)


def pending_inputs(run_id: UUID) -> list[PendingInput]:
    """Return what was sent to the run and isn't journaled yet, in the order of arrival."""
    return [PendingInput(*row) for row in sql.pending_inputs.fetch(run_id)]


def inputs_in(text: str | None) -> list[PendingInput]:
    """Return the inputs that a query has selected as JSON, in the order of arrival."""
    return [PendingInput(*cells) for cells in sorted(json.loads(text or "[]"))]


def taken(news: Sequence[PendingInput], *, at: datetime) -> BoundStatement:
    """Return the UPDATE, with its parameters, that records when these rows were journaled."""
    return sql.take_inputs.bound(at, [one.pk for one in news])
