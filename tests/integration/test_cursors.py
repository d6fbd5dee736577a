"""The driver's own cursor: what it refuses, and that nothing it has prepared is relied on."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from chat.store import sql as talks
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import start_run
from procedures.store import sql as runs
from procedures.store.cursors import bare_cursor, begin_with, end_with, this_database
from procedures.store.prepared import PreparedCursor
from procedures.store.statements import Statement
from tests import machine

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRES_ONLY = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server")
RENAME = "UPDATE auth_group SET name = %s WHERE name = %s"


def said(*cells: str, statement: str = RENAME) -> int:
    """Return the number of changed rows."""
    database = this_database()
    with database.wrap_database_errors:
        cursor = bare_cursor(database)
        cursor.execute(statement, cells)
        return cursor.rowcount


def is_djangos() -> bool:
    return this_database() is connections[DEFAULT_DB_ALIAS]


async def is_djangos_inside() -> bool:
    return is_djangos()


def test_the_database_is_djangos_own_also_inside_an_event_loop() -> None:
    with ThreadPoolExecutor(1) as fresh:
        assert fresh.submit(asyncio.run, is_djangos_inside()).result()
        assert fresh.submit(is_djangos).result()

    assert is_djangos()
    assert asyncio.run(is_djangos_inside())


@pytest.fixture(autouse=True)
def a_group() -> None:
    Group.objects.create(name="100 %s of $1 'ü'")


def test_values_are_no_part_of_the_statement() -> None:
    assert said("'; DROP TABLE $2 --", "100 %s of $1 'ü'") == 1
    assert said("once more", "'; DROP TABLE $2 --") == 1
    assert said("nobody", "is called so") == 0


def test_what_the_database_refuses_is_one_of_djangos_errors() -> None:
    with pytest.raises(DatabaseError, match="nothing"):
        said("x", statement="UPDATE nothing SET name = %s")
    assert said("it goes on", "100 %s of $1 'ü'") == 1


@POSTGRES_ONLY
def test_a_text_with_a_nul_is_refused_and_not_cut_off() -> None:
    with pytest.raises(DatabaseError, match="NUL"):
        said("before\0after", "100 %s of $1 'ü'")


@POSTGRES_ONLY
def test_a_statement_that_was_forgotten_is_prepared_anew() -> None:
    assert said("known", "100 %s of $1 'ü'") == 1
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    assert said("known again", "known") == 1


@POSTGRES_ONLY
def test_a_lost_connection_is_told_as_one() -> None:
    said("x", "y")
    with psycopg.connect(machine.DATABASE_URL, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])

    with pytest.raises(OperationalError):
        said("x", "y")

    connection.close()
    assert said("found again", "100 %s of $1 'ü'") == 1


# What sees the statements of a site


Seen = list[str]
BOUNDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET LOCAL")


@contextmanager
def by_a_wrapper(seen: Seen) -> Iterator[None]:
    """Wrap the execution as Django's documentation does, for budgets and tracing."""

    def see(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(see):
        yield


@contextmanager
def by_another_execute(seen: Seen) -> Iterator[None]:
    """Replace the method of Django's cursors, as Sentry does."""
    djangos = CursorWrapper.execute

    def execute(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        seen.append(str(sql))
        return djangos(self, sql, params)

    CursorWrapper.execute = execute  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        CursorWrapper.execute = djangos  # type: ignore[method-assign]


@contextmanager
def by_another_cursor(seen: Seen) -> Iterator[None]:
    """Let one connection make cursors that report their statements, as a toolbar does."""
    djangos = connection.cursor

    class Telling:
        def __init__(self) -> None:
            self._cursor = djangos()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cursor, name)

        def __enter__(self) -> "Telling":
            return self

        def __exit__(self, *_: object) -> None:
            self._cursor.close()

        def execute(self, sql: str, params: Any = None) -> Any:
            seen.append(str(sql))
            return self._cursor.execute(sql, params)

    vars(connections[DEFAULT_DB_ALIAS])["cursor"] = Telling
    try:
        yield
    finally:
        del vars(connections[DEFAULT_DB_ALIAS])["cursor"]


@contextmanager
def by_the_log(seen: Seen) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    seen += [query["sql"] for query in captured]


WATCHES = pytest.mark.parametrize(
    "watch", [by_a_wrapper, by_another_execute, by_another_cursor, by_the_log]
)


@WATCHES
def test_whatever_watches_the_database_sees_every_step(
    watch: Callable[[Seen], Any],
) -> None:
    run = start_run("repeated_steps", {"times": 3}, by=None)[0]
    seen: Seen = []

    with watch(seen):
        advance_run(run.pk)

    assert Run.objects.get(pk=run.pk).status == RunStatus.SUCCEEDED
    heads = [one for one in seen if "UPDATE countersign_procedures_head" in one]
    kept = [one for one in seen if "INSERT INTO countersign_procedures_event" in one]
    assert len(heads) >= 4
    assert len(kept) >= 4


def sent(statement: Statement) -> None:
    statement.execute(*[None] * statement.text.count("%s"))


def sent_as_a_step_does(statement: Statement) -> None:
    database = this_database()
    with database.wrap_database_errors:
        nothing: Any = [None] * statement.text.count("%s")
        bare_cursor(database).execute(statement.text, nothing)


@WATCHES
@pytest.mark.parametrize("send", [sent, sent_as_a_step_does])
def test_whatever_watches_the_database_sees_every_statement_by_name(
    watch: Callable[[Seen], Any], send: Callable[[Statement], None]
) -> None:
    """Each is taken by the database; given nothing for each value, none changes a row."""
    statements = [getattr(one, name) for one in (runs, talks) for name in one.names]
    seen: Seen = []

    with watch(seen):
        for statement in statements:
            with suppress(IntegrityError), transaction.atomic():
                send(statement)

    left = [one for one in seen if not one.startswith(BOUNDS)]
    for told, statement in zip(left, statements, strict=True):
        assert told.startswith(statement.text.split("%s")[0]), statement


def test_every_statement_that_is_logged_is_seen_by_a_wrapper_too() -> None:
    logged: Seen = []
    seen: Seen = []
    with by_the_log(logged):
        advance_run(start_run("repeated_steps", {"times": 3}, by=None)[0].pk)
    with by_a_wrapper(seen):
        advance_run(start_run("repeated_steps", {"times": 3}, by=None)[0].pk)

    def but_bounds(said: Seen) -> list[str]:
        return [one.split("(")[0][:40] for one in said if not one.startswith(BOUNDS)]

    assert len(but_bounds(seen)) == len(but_bounds(logged))


@POSTGRES_ONLY
def test_what_is_sent_together_is_committed_together_or_not_at_all() -> None:
    Group.objects.create(name="before")
    begin, rename, divide = "SELECT %s", (RENAME, ["after", "before"]), "SELECT 1 / %s::int"

    with transaction.atomic():  # what isn't prepared yet isn't sent together
        assert begin_with(begin, ["x"]) == [("x",)]
        assert end_with(rename, (divide, [0])) is None
    with suppress(DataError), transaction.atomic():
        assert begin_with(begin, ["x"])
        end_with(rename, (divide, [0]))
        pytest.fail("The division by zero was committed.")
    assert Group.objects.filter(name="before").exists()
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # as psycopg does after a rollback

    with transaction.atomic():
        assert begin_with(begin, ["x"])
        assert end_with(rename, (divide, [1])) == [[], [(1,)]]
        transaction.on_commit(lambda: said("told", "after"))
    assert Group.objects.filter(name="told").exists()


@POSTGRES_ONLY
def test_what_was_planned_before_a_migration_is_planned_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE migrated AS SELECT 1 AS amount")
    begin, end = "SELECT amount FROM migrated WHERE %s = 'x'", "SELECT * FROM migrated"

    def amounts() -> list[object]:
        with transaction.atomic():
            found = begin_with(begin, ["x"])
            assert found
            return [found, end_with((end, []))]

    assert amounts() == [[(1,)], None]  # the second isn't prepared yet
    assert amounts() == [[(1,)], [[(1,)]]]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE migrated ALTER amount TYPE text")

    assert amounts() == [[("1",)], [[("1",)]]]


class Silent:
    """A connection of libpq on which nothing was sent."""

    asked = 0

    def __init__(self, socket: int) -> None:
        self.socket = socket

    def get_result(self) -> None:
        self.asked += 1
        assert self.asked < 10, "The loop doesn't end."

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *_: 0


class SilentDriver:
    """A connection of psycopg, as far as a prepared cursor uses it."""

    adapters, connection, is_closed = psycopg.adapters, None, False

    def __init__(self, socket: int) -> None:
        self.pgconn = Silent(socket)

    def close(self) -> None:
        self.is_closed = True


def test_replies_that_never_come_end_the_connection_and_not_the_worker() -> None:
    with TemporaryFile() as file:
        driver: Any = SilentDriver(file.fileno())
        with pytest.raises(psycopg.OperationalError, match="too early"):
            PreparedCursor(driver).exchange(("BEGIN", []))

    assert driver.is_closed


def test_without_anything_installed_a_step_goes_past_djangos_cursors() -> None:
    cursor = bare_cursor(this_database())

    assert not isinstance(cursor, CursorWrapper)


@POSTGRES_ONLY
def test_a_driver_that_makes_cursors_of_its_own_is_asked_for_them() -> None:
    seen: Seen = []

    class Telling(psycopg.ClientCursor[Any]):
        def execute(self, query: Any, *given: Any, **more: Any) -> Any:
            seen.append(str(query))
            return super().execute(query, *given, **more)

    def rename() -> int:
        connection.ensure_connection()
        before = connection.connection.cursor_factory
        connection.connection.cursor_factory = Telling
        try:
            return said("seen", "100 %s of $1 'ü'")
        finally:
            connection.connection.cursor_factory = before
            connection.close()

    with ThreadPoolExecutor(1) as fresh:
        assert fresh.submit(rename).result() == 1

    assert [one for one in seen if RENAME in one]
