"""The driver's own cursor: what it refuses, and that nothing it has prepared is relied on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connection, connections

from procedures.models.cursors import bare_cursor, this_database
from tests import machine

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRES_ONLY = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server")
RENAME = "UPDATE auth_group SET name = %s WHERE name = %s"


def said(*cells: str, statement: str = RENAME) -> int:
    """How many rows it has changed."""
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
