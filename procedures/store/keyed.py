"""Lists of runs, newest first, merged from one query for each key of an index.

A query with one condition for the whole table, such as `procedure IN (…) ORDER BY id DESC LIMIT
50`, may read the table from its newest row until it has found enough rows. Here, each key, such as
a procedure, has a query of its own. This query reads no more entries of the index than the list
needs, however large the table is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from procedures.engine.journal.events import RunStatus
from procedures.store.merging import of_id, union_of
from procedures.store.rows import adapted

FEW = 2000
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)


class SqlPart(NamedTuple):
    """A piece of an SQL statement, with the parameters in this piece."""

    text: str
    cells: tuple[Any, ...] = ()


class RunState(NamedTuple):
    """A status of runs; `is_asking` can limit it to runs that wait for people, or to the others."""

    status: str
    is_asking: tuple[bool, ...] = (False, True)

    @property
    def labels(self) -> set[str]:
        return {label_of(self.status, is_asking=is_asking) for is_asking in self.is_asking}


EVERY_STATE = tuple(RunState(status) for status in RunStatus)
EVERYTHING = SqlPart("")


@dataclass(frozen=True)
class RunsByState:
    """A source of runs: the runs of some procedures, or only those that also fit a condition.

    The runs are found by an index with the columns of the condition, and then the procedure, the
    status, `is_asking` and the id.
    """

    procedures: SqlPart
    """A SELECT of the ids of the procedures."""
    condition: SqlPart = EVERYTHING
    """A further SQL condition for the runs; in it, the table of runs is called `found`."""


@dataclass(frozen=True)
class RunsByKey:
    """A source of runs: the runs to which rows of another table belong if they have certain keys.

    For example, the other table holds assignments, and the keys are the groups of a user. The other
    table has an index with the columns of the key, the procedure and the run.
    """

    table: type[models.Model]
    column: str
    keys: SqlPart
    """A SELECT of the keys."""
    condition: SqlPart = EVERYTHING
    """A further SQL condition for the rows; in it, the other table is called `named`."""

    def rows(self, select: str, condition: SqlPart, most: int) -> SqlPart:
        """Return a query for the newest rows of the other table that have a certain key.

        The outer query calls the key `keys.value`. `select` holds the columns of the query,
        `condition` is a further SQL condition for the rows, and `most` is the maximum number of
        rows.
        """
        where = " AND ".join(filter(None, [self.condition.text, condition.text]))
        text = (
            f"SELECT {select} FROM {self.table._meta.db_table} AS named"  # noqa: SLF001
            f" WHERE named.{self.column} = keys.value AND {where}"
            f" ORDER BY named.procedure_id DESC, named.run_id DESC LIMIT {most}"
        )
        return SqlPart(text, (*self.condition.cells, *condition.cells))


Source = RunsByState | RunsByKey


@dataclass(frozen=True)
class Span:
    """The part of a list of runs that is to be read."""

    limit: int
    """The maximum number of runs to read."""
    after: UUID | None = None
    """Read only runs older than the run with this id; None to begin with the newest run."""
    since: UUID | None = None
    """Read only runs newer than the run with this id."""
    procedure: int | None = None
    """Read only runs of the procedure with this id."""
    few: int = FEW
    """A `RunsByKey` with at most this many rows is read whole; a larger one, status by status."""

    @property
    def procedures(self) -> SqlPart:
        """A SELECT of the ids of the procedures whose runs are read."""
        every = SqlPart(f"SELECT id FROM {_table('Procedure')}")
        return every if self.procedure is None else this(self.procedure)

    def around(self, column: str, run: str, value: str) -> SqlPart:
        """Return the SQL condition that `column` equals `value` and that `run` lies in the span.

        The parameters are pieces of SQL; `run` is a column with the ids of runs. The condition
        compares both columns as a pair, so that PostgreSQL can use only an index with both columns.
        Otherwise, PostgreSQL may read all runs from the newest one backwards until enough of them
        fit.
        """
        text = f"({column}, {run}) < ({value}, %s) AND ({column}, {run}) > ({value}, %s)"
        return SqlPart(text, (adapted(self.after or LAST), adapted(self.since or FIRST)))


ANY, PROCEDURE = Span(1), "procedures.value"


def this(value: Any) -> SqlPart:
    """Return a SELECT of one key, which is `value`."""
    return SqlPart("SELECT %s", (adapted(value),))


def chosen(keys: models.QuerySet[Any]) -> SqlPart:
    """Return a SELECT of the keys in a queryset."""
    text, cells = keys.order_by().query.sql_with_params()
    return SqlPart(text, tuple(cells))


def newest_runs(
    sources: Sequence[Source],
    span: Span,
    states: Sequence[RunState] = EVERY_STATE,
    *,
    few: Callable[[], Sequence[Source]] | None = None,
) -> list[UUID]:
    """Return the ids of the newest runs that are in any of the sources and in one of the states.

    `few` returns the sources with few rows, like `with_few_rows`, if the caller knows them already.
    """
    count = few or partial(with_few_rows, sources, span)
    small = sources if states == EVERY_STATE else count()
    parts = [
        _by_state(source, span, states)
        if isinstance(source, RunsByState)
        else _by_key(source, span, states)
        if source in small
        else _named_by_state(source, span, states)
        for source in sources
    ]
    if not parts:
        return []
    merged = _merged("id", parts)
    statement = f"SELECT id FROM ({merged.text}) AS runs ORDER BY id DESC LIMIT {span.limit}"
    return [of_id(run) for (run,) in _fetch(SqlPart(statement, merged.cells))]


def count_runs(
    sources: Sequence[Source], span: Span, states: Mapping[str, Sequence[RunState]]
) -> dict[str, int]:
    """Return the number of runs in any of the sources, by the names in `states`.

    `states` maps each name to the states whose runs are counted under it. Each number is at most
    `span.limit`.
    """
    if not sources:
        return dict.fromkeys(states, 0)
    few, every = with_few_rows(sources, span), replace(span, limit=span.few)
    parts = [
        _by_state(source, span, EVERY_STATE)
        if isinstance(source, RunsByState)
        else _labelled(_by_key(source, every, EVERY_STATE))
        if source in few
        else _named_by_state(source, span, EVERY_STATE)
        for source in sources
    ]
    merged = _merged("label, id", parts)
    statement = f"SELECT label, count(*) FROM ({merged.text}) AS runs GROUP BY label"
    found = dict(_fetch(SqlPart(statement, merged.cells)))
    return {
        name: min(sum(found.get(label, 0) for one in some for label in one.labels), span.limit)
        for name, some in states.items()
    }


def newest_keys(tables: Iterable[type[models.Model]]) -> tuple[Any, ...]:
    """Return the largest primary key of each table, or None for an empty one, by one query."""
    names = [table._meta.db_table for table in tables]  # noqa: SLF001 (Django documents it)
    newest = [f"(SELECT id FROM {name} ORDER BY id DESC LIMIT 1)" for name in names]
    [found] = _fetch(SqlPart(f"SELECT {', '.join(newest)}"))
    return found


def procedures_in(sources: Sequence[Source]) -> set[int]:
    """Return the ids of the procedures that have a run in any of the sources."""
    conditions = [_has_run(source) for source in sources]
    where = " OR ".join(condition.text for condition in conditions)
    cells = chain.from_iterable(condition.cells for condition in conditions)
    every = f"SELECT id AS value FROM {_table('Procedure')}"
    statement = f"SELECT value FROM ({every}) AS procedures WHERE {where}"
    return {procedure for (procedure,) in _fetch(SqlPart(statement, tuple(cells)))}


def _has_run(source: Source) -> SqlPart:
    """Return the SQL condition that the source has a run of a procedure.

    The outer query calls the id of the procedure `procedures.value`.
    """
    if isinstance(source, RunsByKey):
        return _has_row(source, ANY.around("named.procedure_id", "named.run_id", PROCEDURE))
    condition = f" AND {source.condition.text}" if source.condition.text else ""
    text = (
        f"procedures.value IN ({source.procedures.text})"
        f" AND (SELECT 1 FROM {_table('Run')} AS found"
        f" WHERE found.procedure_id = procedures.value{condition}"
        " ORDER BY found.status DESC, found.is_asking DESC, found.id DESC LIMIT 1) IS NOT NULL"
    )
    return SqlPart(text, (*source.procedures.cells, *source.condition.cells))


def label_of(status: str, *, is_asking: bool) -> str:
    return f"{status} {'asking' if is_asking else ''}"


def _by_state(source: RunsByState, span: Span, states: Sequence[RunState]) -> SqlPart:
    """Return a query for the newest runs of each procedure in each state.

    Each row has the label of the state, such as "waiting asking", and the id of the run.
    """
    # Query each state separately, because an index is ordered by runs only within a state.
    rows = [
        f"('{state.status}', {is_asking}, '{label_of(state.status, is_asking=is_asking)}')"
        for state in states
        for is_asking in state.is_asking
    ]
    around = span.around("found.is_asking", "found.id", "states.is_asking")
    condition = f" AND {source.condition.text}" if source.condition.text else ""
    found = SqlPart(
        f"SELECT found.id FROM {_table('Run')} AS found WHERE found.procedure_id = keys.value"
        f" AND found.status = states.status{condition} AND {around.text}"
        f" ORDER BY found.is_asking DESC, found.id DESC LIMIT {span.limit}",
        (*source.condition.cells, *around.cells),
    )
    ahead = SqlPart(
        f"WITH keys (value) AS ({source.procedures.text}),"
        f" states (status, is_asking, label) AS (VALUES {', '.join(rows)})"
        " SELECT states.label, run.id FROM keys CROSS JOIN states",
        source.procedures.cells,
    )
    return _for_each(ahead, found)


def _by_key(source: RunsByKey, span: Span, states: Sequence[RunState]) -> SqlPart:
    """Return a query for the newest runs of each key and procedure in any of the states."""
    around = span.around("named.procedure_id", "named.run_id", "procedures.value")
    condition = SqlPart(f"{around.text}{_is_in(states)}", around.cells)
    # DISTINCT, because several rows may name the same run, such as the rows of several questions to
    # one group.
    columns = "DISTINCT named.procedure_id, named.run_id AS id"
    found = source.rows(columns, condition, span.limit)
    ahead = (
        f"WITH keys (value) AS ({source.keys.text}),"
        f" procedures (value) AS ({span.procedures.text})"
        " SELECT run.id FROM keys CROSS JOIN procedures"
    )
    cells = (*source.keys.cells, *span.procedures.cells)
    return _for_each(
        SqlPart(ahead, cells), SqlPart(f"SELECT id FROM ({found.text}) AS one", found.cells)
    )


def _named_by_state(source: RunsByKey, span: Span, states: Sequence[RunState]) -> SqlPart:
    """Return a query for the newest runs of a source in each state.

    The query looks for runs by state first, and then checks if the rows of the source name them.
    """
    is_named = _has_row(
        source, SqlPart("named.procedure_id = found.procedure_id AND named.run_id = found.id")
    )
    has_named = _has_row(source, ANY.around("named.procedure_id", "named.run_id", PROCEDURE))
    procedures = SqlPart(
        f"WITH procedures (value) AS ({span.procedures.text})"
        f" SELECT value FROM procedures WHERE {has_named.text}",
        (*span.procedures.cells, *has_named.cells),
    )
    return _by_state(RunsByState(procedures, is_named), span, states)


def _has_row(source: RunsByKey, condition: SqlPart) -> SqlPart:
    """Return the SQL condition that a row with one of the source's keys fits `condition`."""
    row = source.rows("named.run_id", condition, 1)
    # A subquery for a single value is executed for each outer row in turn. An EXISTS could become a
    # join that reads both tables.
    return SqlPart(
        f"(WITH keys (value) AS ({source.keys.text})"
        f" SELECT 1 FROM keys WHERE ({row.text}) IS NOT NULL LIMIT 1) IS NOT NULL",
        (*source.keys.cells, *row.cells),
    )


def _is_in(states: Sequence[RunState]) -> str:
    """Return an SQL condition, beginning with AND, that the run of a row is in one of the states.

    Returns "" if `states` holds all states, because the condition would always be true.
    """
    if states == EVERY_STATE:
        return ""
    where = f"run.id = named.run_id AND ({' OR '.join(map(_fits, states))})"
    # A subquery for a single value, as in `_has_row`, reads the run by its key.
    return f" AND (SELECT true FROM {_table('Run')} AS run WHERE {where})"


def _fits(state: RunState) -> str:
    asking = f" AND run.is_asking = {state.is_asking[0]}" if len(state.is_asking) == 1 else ""
    return f"run.status = '{state.status}'{asking}"


def _labelled(runs: SqlPart) -> SqlPart:
    label = "status || CASE WHEN is_asking THEN ' asking' ELSE ' ' END"
    return SqlPart(
        f"SELECT (SELECT {label} FROM {_table('Run')} AS run WHERE run.id = one.id) AS label, id"
        f" FROM ({runs.text}) AS one",
        runs.cells,
    )


def with_few_rows(sources: Iterable[Source], span: Span) -> list[Source]:
    """Return the `RunsByKey` sources that have at most `span.few` rows."""
    by_key = [source for source in sources if isinstance(source, RunsByKey)]
    if not by_key:
        return []
    counts = [_rows_counted(source, span) for source in by_key]
    cells = chain.from_iterable(count.cells for count in counts)
    statement = f"SELECT {', '.join(f'({count.text})' for count in counts)}"
    [found] = _fetch(SqlPart(statement, tuple(cells)))
    return [source for source, count in zip(by_key, found, strict=True) if count <= span.few]


def _rows_counted(source: RunsByKey, span: Span) -> SqlPart:
    """Return a query that counts the rows of a source, up to `span.few` + 1 for each key."""
    condition = ANY.around("named.procedure_id", "named.run_id", PROCEDURE)
    row = source.rows("1", condition, span.few + 1)
    return SqlPart(
        f"WITH keys (value) AS ({source.keys.text}),"
        f" procedures (value) AS ({span.procedures.text})"
        f" SELECT COALESCE(SUM((SELECT count(*) FROM ({row.text}) AS few)), 0)"
        " FROM keys CROSS JOIN procedures",
        (*source.keys.cells, *span.procedures.cells, *row.cells),
    )


def _for_each(ahead: SqlPart, found: SqlPart) -> SqlPart:
    """Return a query that executes the query `found` for each row of the query `ahead`.

    The rows of `found` are called `run`.
    """
    if connection.vendor == "postgresql":
        text = f"{ahead.text} CROSS JOIN LATERAL ({found.text}) AS run"
    else:  # SQLite has no LATERAL; PostgreSQL would read all runs for this
        text = f"{ahead.text} CROSS JOIN {_table('Run')} AS run WHERE run.id IN ({found.text})"
    return SqlPart(text, (*ahead.cells, *found.cells))


def _merged(columns: str, parts: Sequence[SqlPart]) -> SqlPart:
    """Return a query for the rows of several queries, without duplicates."""
    text = union_of([f"SELECT {columns} FROM ({part.text}) AS part" for part in parts])
    return SqlPart(text, tuple(chain.from_iterable(part.cells for part in parts)))


def _table(name: str) -> str:
    model = apps.get_model("countersign_procedures", name)
    return str(model._meta.db_table)  # noqa: SLF001 (Django documents it)


def _fetch(statement: SqlPart) -> list[tuple[Any, ...]]:
    # Don't use a kept cursor, which prepares its statements, because the plan depends on the
    # parameters.
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.cells)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
