"""The database backend for `ENGINE = "dashboard.postgres"`."""

import logging
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool

logger = logging.getLogger(__name__)
SETTING = "prepared_statements"
"""The option `prepared_statements` of DATABASE_URL: on, off or auto.

With auto, each new connection is checked for a pooler.
"""


class DatabaseWrapper(base.DatabaseWrapper):
    """A database wrapper that checks each connection from the pool before use.

    If one is dead, all connections of the pool are dropped. The pool's own check would wait longer
    after each dead connection. After a restart of the server, a request would wait for half a
    minute or fail.
    """

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        if parameters.pop(SETTING, "auto") == "off":
            parameters["prepare_threshold"] = None
        return parameters

    def _configure_connection(self, connection: Any) -> bool:
        """Configure a new connection; behind a pooler, disable prepared statements."""
        prepares = connection.prepare_threshold is not None
        is_asked = self.settings_dict["OPTIONS"].get(SETTING, "auto") == "auto"
        if is_asked and not leads_to_one_server(connection):
            connection.prepare_threshold = None
            # Behind a pooler, the next statement may not reach the server that has the cursor.
            self.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
            _tell_of_a_pooler()
        configured: bool = super()._configure_connection(connection)  # type: ignore[misc]
        return configured or (is_asked and prepares)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        kept = super().get_new_connection(conn_params)
        pool: ConnectionPool[Any] | None = self.pool  # type: ignore[attr-defined] # not in the stubs
        if pool is None:
            return kept
        try:
            pool.check_connection(kept)
        except OperationalError:
            pool.putconn(kept)
            # After a restart, one dead connection means that all are dead, and each of the others
            # would make one more request fail.
            pool.drain()
            return super().get_new_connection(conn_params)
        return kept


def wait_at_most(*, seconds: float) -> None:
    """Make this process give up on an unreachable database after this many seconds.

    People who open a page soon get an answer. Workers wait longer, and then resume their runs.
    """
    options = connections.settings["default"].get("OPTIONS", {})
    if isinstance(options.get("pool"), dict):
        options["pool"]["timeout"] = seconds
        patience = max(2, int(seconds))  # libpq takes no less
        options.setdefault("connect_timeout", patience)
        # Without this, a process would wait 15 minutes on a connection to a host that has vanished.
        options.setdefault("tcp_user_timeout", patience * 1000)


def leads_to_one_server(connection: Any) -> bool:
    """Return True if all statements of the connection reach the same server process.

    A pooler, such as PgBouncer, reports a process id of its own. It may run each transaction on
    another server connection, which doesn't know statements that were prepared before.
    """
    with connection.cursor() as cursor:
        [answering] = cursor.execute("SELECT pg_backend_pid()").fetchone()
    return bool(answering == connection.info.backend_pid)


@cache
def _tell_of_a_pooler() -> None:
    """Log, once in each process, that connections go through a pooler."""
    logger.info("The database is behind a pooler, so no statements are prepared.")
