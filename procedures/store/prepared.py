"""Prepared SQL statements on PostgreSQL, which are sent through libpq without psycopg's cursors."""

import select
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Cell = str | int | datetime | UUID
Cells = Cell | list[int] | list[str] | list[UUID] | None
"""A parameter of a query; the driver's own cursors take only a `Cell`."""
Rows = list[tuple[Any, ...]]
BEGIN, COMMIT = "BEGIN", "COMMIT"
UNPREPARED = (BEGIN, COMMIT)
"""Statements that the server needn't prepare, because there is nothing to plan."""
UNUSABLE = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
"""The errors for a prepared statement that is gone, and for one whose columns have changed."""
DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class PreparedCursor:
    """A cursor that prepares each SQL query once per connection and sends parameters as text."""

    rowcount = -1

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._prepared = PREPARED.setdefault(driver, {})
        self._reader = Transformer(driver)
        self._wanted = dict[str, None]()
        """The statements to be prepared as soon as no transaction is open."""
        self._outdated = set[bytes]()
        """The names of statements that were planned before a migration changed their columns."""
        self._is_sure = True
        """False if preparing a statement again didn't help, as behind a pooler."""
        self.has_begun = False
        """True if the last transaction was begun by `exchange`."""

    def execute(self, statement: str, cells: Sequence[Cell] = ()) -> None:
        texts: Any = _as_texts(cells)  # psycopg's hints don't tell that None is NULL
        name = self._prepared.get(statement) or self._prepare(statement)
        try:
            self._note(self._driver.pgconn.exec_prepared(name, texts))
        # The statement was not executed, so sending it again does nothing twice.
        except psycopg.errors.InvalidSqlStatementName:  # psycopg deallocates all after a rollback
            self._prepared.clear()
            try:
                name = self._prepare(statement)
                self._note(self._driver.pgconn.exec_prepared(name, texts))
            except psycopg.errors.InvalidSqlStatementName:  # each message reaches another server
                self._driver.prepare_threshold = None
                self._note(self._driver.pgconn.exec_params(_as_sent(statement), texts))

    def exchange(self, *statements: tuple[str, Sequence[Cells]]) -> list[Rows] | None:
        """Send all these statements at once, and return the rows of each.

        The server executes them in their order, and none after one that fails, whose error is
        raised. Returns None if nothing was sent, because a transaction is open in which statements
        can't be prepared; they are prepared before the next transaction.
        """
        for is_sure in (True, False):
            if not self._is_sure or not self._are_ready([text for text, _ in statements]):
                break
            try:
                return self._exchange(statements)
            except UNUSABLE as error:
                # psycopg deallocates all after a rollback; here it is prepared again.
                if isinstance(error, psycopg.errors.FeatureNotSupported):
                    self._outdated |= {*self._prepared.values()}
                self._wanted |= dict.fromkeys(self._prepared)
                self._prepared.clear()
                # This never fails twice, unless messages reach different servers.
                is_first = statements[0][0] == BEGIN
                self._is_sure = is_sure and is_first
                if not is_first:
                    raise
                self._note(self._driver.pgconn.exec_(b"ROLLBACK"))  # nothing was executed
        return None

    def _exchange(self, statements: Sequence[tuple[str, Sequence[Cells]]]) -> list[Rows]:
        sent = [(self._prepared.get(text), text, _as_texts(cells)) for text, cells in statements]
        connection = self._driver.pgconn
        try:
            connection.enter_pipeline_mode()
            for name, text, texts in sent:
                if name is None:
                    connection.send_query_params(text.encode(), None)
                else:
                    connection.send_query_prepared(name, texts)
            connection.pipeline_sync()
            results = [*_received(connection)]
            connection.exit_pipeline_mode()
        # An exception of a signal handler may come here, too. The next statement on this connection
        # would read the replies that are still to come.
        except BaseException:
            self._driver.close()
            raise
        return [self._rows(result) for result in results]

    def _are_ready(self, statements: Sequence[str]) -> bool:
        """Prepare these statements unless they are prepared; return False if that can't be now."""
        self._wanted |= dict.fromkeys(
            one for one in statements if one not in self._prepared and one not in UNPREPARED
        )
        # In a transaction, a name that another client has prepared would be an error that ends it.
        is_idle = self._driver.pgconn.transaction_status == TransactionStatus.IDLE
        if (self._wanted or self._outdated) and not is_idle:
            return False
        while self._outdated:
            # Otherwise the name would still mean the old plan.
            with suppress(psycopg.errors.InvalidSqlStatementName):
                self._note(self._driver.pgconn.exec_(b"DEALLOCATE " + self._outdated.pop()))
        while self._wanted:
            self._prepare(next(iter(self._wanted)))
        return True

    def _rows(self, result: PGresult) -> Rows:
        self._note(result)
        if not result.nfields:
            return []
        self._reader.set_pgresult(result)
        return self._reader.load_rows(0, result.ntuples, tuple)

    def _note(self, result: PGresult) -> None:
        if result.status not in DONE:
            raise _error_of(result)
        self.rowcount = result.command_tuples or 0

    def _prepare(self, statement: str) -> bytes:
        """Prepare an SQL statement and return its name, which is a hash of the statement's text.

        Behind a pooler, processes share connections. A name that is a hash means the same statement
        for all of them.
        """
        query = _as_sent(statement)
        # Processes behind a pooler share its servers. If names were numbers, one process could
        # execute the statement that another one has prepared.
        name = b"countersign_" + blake2b(query, digest_size=16).hexdigest().encode()
        # If another client of the same server has prepared it already, the same name means the same
        # text.
        with suppress(psycopg.errors.DuplicatePreparedStatement):
            self._note(self._driver.pgconn.prepare(name, query))
        self._prepared[statement] = name
        self._wanted.pop(statement, None)
        return name


PREPARED: WeakKeyDictionary[Any, dict[str, bytes]] = WeakKeyDictionary()
"""The names of the SQL statements that were prepared on each connection.

Threads may share connections.
"""


def _received(connection: PGconn) -> Iterator[PGresult]:
    """Yield the result of each statement that was sent, until all of them are received."""
    waiter = select.poll()
    waiter.register(connection.socket, select.POLLIN | select.POLLOUT)
    while connection.flush():  # the server may have to send before it can receive more
        waiter.poll()
        connection.consume_input()
    waiter.modify(connection.socket, select.POLLIN)
    is_between = False
    while True:
        # Wait outside of libpq, which wouldn't let other threads run meanwhile.
        while connection.is_busy():
            waiter.poll()
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            # libpq returns this once between the results of two statements. If it returned it
            # again, no result would follow, and this loop would never end.
            if is_between:
                raise psycopg.OperationalError("The server's replies have ended too early.")
            is_between = True
            continue
        is_between = False
        if result.status == ExecStatus.PIPELINE_SYNC:
            return
        yield result


def _error_of(result: PGresult) -> psycopg.Error:
    # Without an error code of the server, the connection itself is broken. psycopg would make an
    # error that doesn't tell that the storage is lost.
    if result.error_field(DiagnosticField.SQLSTATE) is None:  # the server sent nothing
        return psycopg.OperationalError(result.get_error_message())
    return psycopg.errors.error_from_result(result)


def _as_texts(cells: Sequence[Cells]) -> list[bytes | None]:
    texts = [
        cell.encode() if type(cell) is str else b"%d" % cell if type(cell) is int else _text(cell)
        for cell in cells
    ]
    # libpq takes C strings: without this check, a string would be cut silently at a NUL, and the
    # hash of its event wouldn't match the stored text.
    if b"\0" in b"".join(filter(None, texts)):  # the driver would send only the text before it
        raise psycopg.DataError("No text in PostgreSQL can hold a NUL.")
    return texts


def _text(cell: Cells) -> bytes | None:
    if cell is None:
        return None
    if isinstance(cell, list):
        return f"{{{','.join(map(_quoted, cell))}}}".encode()
    return (cell.isoformat() if isinstance(cell, datetime) else str(cell)).encode()


def _quoted(item: int | str | UUID) -> str:
    """Return an item of a list as PostgreSQL reads it in the text of an array."""
    text = str(item).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


@lru_cache(maxsize=256)
def _as_sent(statement: str) -> bytes:
    parts = statement.split("%s")
    numbered = (f"{part}${number}" for number, part in enumerate(parts[:-1], 1))
    return ("".join(numbered) + parts[-1]).encode()
