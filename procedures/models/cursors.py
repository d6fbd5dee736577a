"""A cursor for what every claim, step and end say: prepared once, and not formatted anew."""

import sqlite3
import threading
from functools import lru_cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX
from django.db.backends.sqlite3.base import SQLiteCursorWrapper as SQLiteCursor
from django.db.backends.utils import CursorWrapper


def kept_cursor() -> CursorWrapper:
    """Django's own in its errors and wrappers, and altogether where queries are logged."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged:
        return database.cursor()
    database.ensure_connection()
    if _kept.driver is not database.connection:
        _kept.driver, _kept.cursor = database.connection, _cursor_of(database.connection)
    return database.make_cursor(_kept.cursor)


class _Kept(threading.local):
    """The cursor of the connection that this thread has used last."""

    driver: Any = None
    cursor: Any = None


_kept = _Kept()


def _cursor_of(driver: Any) -> Any:
    if isinstance(driver, sqlite3.Connection):
        return driver.cursor(_SQLiteCursor)
    return psycopg.Cursor(driver)


class _SQLiteCursor(SQLiteCursor):
    """Looks for the places of the parameters once a statement."""

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        return _with_question_marks(query)


@lru_cache(maxsize=256)
def _with_question_marks(query: str) -> str:
    return str(FORMAT_QMARK_REGEX.sub("?", query))
