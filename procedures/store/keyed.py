"""Lists of runs, newest first, merged from one query for each key of an index.

One condition over a whole table, such as `procedure IN (…) ORDER BY id DESC LIMIT 50`, may read the
table from its newest row on until enough rows fit. Here each key has a query of its own, which
reads only as many entries of its index as the list is long, however large the table is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from procedures.engine.journal.events import RunStatus
from procedures.store.rows import adapted

RUN = "countersign_procedures.Run"


class Part(NamedTuple):
    """A part of a statement, with its parameters."""

    text: str
    cells: tuple[Any, ...] = ()


class RunState(NamedTuple):
    """A status of runs; of waiting runs, possibly only those that wait for people, or for time."""

    status: str
    is_asking: tuple[bool, ...] = (False, True)


EVERY_STATE = [RunState(status) for status in RunStatus]


@dataclass(frozen=True)
class KeyedRuns:
    """The runs named by the rows of a table that have certain keys, which an index leads to.

    The index begins with the key. Then it has the run, or in the table of runs itself the status
    and `is_asking` before the run's id.
    """

    table: type[models.Model]
    column: str
    """The column of the keys."""
    keys: Part
    """A SELECT of the keys."""
    condition: str = ""
    """A further condition for the rows of the table, which is called `found`."""

    @classmethod
    def of(cls, table: type[models.Model], column: str, keys: models.QuerySet[Any]) -> "KeyedRuns":
        """Return the runs with the keys that a query of one column selects."""
        text, cells = keys.order_by().query.sql_with_params()
        return cls(table, column, Part(text, tuple(cells)))

    @classmethod
    def of_one(cls, table: type[models.Model], column: str, key: Any, **more: Any) -> "KeyedRuns":
        return cls(table, column, Part("SELECT %s", (adapted(key),)), **more)

    @property
    def is_table_of_runs(self) -> bool:
        return self.table is apps.get_model(RUN)

    @property
    def name(self) -> str:
        return str(self.table._meta.db_table)  # noqa: SLF001 (Django documents it)


@dataclass(frozen=True)
class Span:
    """The part of a list to read."""

    limit: int
    """The most runs to read."""
    after: UUID | None = None
    """Read runs older than this one; None to begin with the newest."""
    since: UUID | None = None
    """Read only runs newer than this one."""
    procedure: int | None = None
    """Read only runs of the procedure with this id."""

    def conditions(self, run: str, procedure: str) -> Iterator[Part]:
        """Yield the conditions; the arguments name the columns of the run and its procedure."""
        if self.after:
            yield Part(f"{run} < %s", (adapted(self.after),))
        if self.since:
            yield Part(f"{run} > %s", (adapted(self.since),))
        if self.procedure is not None:
            yield Part(f"{procedure} = %s", (self.procedure,))


def newest_runs(
    sources: Sequence[KeyedRuns], span: Span, state: RunState | None = None
) -> list[UUID]:
    """Return the ids of the newest runs in any of the sources, by one statement."""
    merged = _merged([_runs_of(source, span, state) for source in sources])
    if not merged.text:
        return []
    statement = f"SELECT id FROM ({merged.text}) AS runs ORDER BY id DESC LIMIT {span.limit}"  # noqa: S608
    return [UUID(str(run)) for (run,) in _fetch(statement, merged.cells)]


def count_runs(
    sources: Sequence[KeyedRuns], span: Span, states: Mapping[str, RunState]
) -> dict[str, int]:
    """Return, by state, how many runs are in any of the sources; at most `span.limit` each."""
    merged = _merged(
        [
            Part(f"SELECT '{name}' AS state, id FROM ({runs.text}) AS runs", runs.cells)  # noqa: S608
            for name, state in states.items()
            for runs in (_runs_of(source, span, state) for source in sources)
        ]
    )
    if not merged.text:
        return {}
    statement = f"SELECT state, count(*) FROM ({merged.text}) AS runs GROUP BY state"  # noqa: S608
    found = _fetch(statement, merged.cells)
    return {state: min(number, span.limit) for state, number in found}


def _merged(parts: Sequence[Part]) -> Part:
    # UNION, since a run may be in several sources.
    text = " UNION ".join(f"SELECT * FROM ({part.text}) AS part" for part in parts)  # noqa: S608
    return Part(text, tuple(cell for part in parts for cell in part.cells))


def _fetch(statement: str, cells: Sequence[Any]) -> list[tuple[Any, ...]]:
    # Not by a kept cursor, which prepares its statements: the plan depends on these parameters.
    with connection.cursor() as cursor:
        cursor.execute(statement, cells)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _runs_of(source: KeyedRuns, span: Span, state: RunState | None) -> Part:
    """Return a query of the newest runs for each key of a source."""
    beside, found = "keys", _found(source, span, state)
    ahead = f"WITH keys (value) AS ({source.keys.text})"
    if source.is_table_of_runs:
        # Each state by itself, since the rows of an index are in the order of their runs only
        # within a state.
        rows = [
            f"('{one.status}', {is_asking})"
            for one in ([state] if state else EVERY_STATE)
            for is_asking in one.is_asking
        ]
        ahead += f", states (status, is_asking) AS (VALUES {', '.join(rows)})"
        beside += " CROSS JOIN states"
    if connection.vendor == "postgresql":
        text = f"{ahead} SELECT one.id FROM {beside} CROSS JOIN LATERAL ({found.text}) AS one"  # noqa: S608
    else:  # SQLite knows no LATERAL, and PostgreSQL would read all runs for this:
        run = apps.get_model(RUN)._meta.db_table  # noqa: SLF001 (Django documents it)
        ahead += f" SELECT one.id FROM {beside} CROSS JOIN {run} AS one"  # noqa: S608
        text = f"{ahead} WHERE one.id IN ({found.text})"
    return Part(text, (*source.keys.cells, *found.cells))


def _found(source: KeyedRuns, span: Span, state: RunState | None) -> Part:
    """Return a query of the newest runs with the key and the state of an outer query."""
    conditions = [Part(f"found.{source.column} = keys.value")]
    if source.is_table_of_runs:
        conditions.append(
            Part("found.status = states.status AND found.is_asking = states.is_asking")
        )
        conditions += span.conditions("found.id", "found.procedure_id")
        return _newest_first("found.id", f"{source.name} AS found", conditions, span.limit)
    if source.condition:
        conditions.append(Part(source.condition))
    conditions += span.conditions("found.run_id", "run.procedure_id")
    tables = f"{source.name} AS found"
    if state or span.procedure is not None:
        run = apps.get_model(RUN)._meta.db_table  # noqa: SLF001 (Django documents it)
        tables += f" JOIN {run} AS run ON run.id = found.run_id"
    if state:
        asking = "" if len(state.is_asking) > 1 else f" AND run.is_asking = {state.is_asking[0]}"
        conditions.append(Part(f"run.status = '{state.status}'{asking}"))
    # DISTINCT: several rows may name one run, for example those of its questions to one group.
    return _newest_first("DISTINCT found.run_id", tables, conditions, span.limit)


def _newest_first(column: str, tables: str, conditions: Sequence[Part], limit: int) -> Part:
    where = " AND ".join(part.text for part in conditions)
    order = column.removeprefix("DISTINCT ")
    return Part(
        f"SELECT {column} AS id FROM {tables} WHERE {where} ORDER BY {order} DESC LIMIT {limit}",  # noqa: S608
        tuple(cell for part in conditions for cell in part.cells),
    )
