"""The database backend for `ENGINE = "dashboard.postgres"`."""

import logging
import select
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool

logger = logging.getLogger(__name__)
SETTING = "prepared_statements"
"""The name of the option in DATABASE_URL that says if statements are prepared: on, off or auto.

With auto, each new connection is checked for a pooler such as PgBouncer.
"""


class DatabaseWrapper(base.DatabaseWrapper):
    """A database wrapper that checks each connection of the pool before it is used.

    If a connection is dead, the server has probably been restarted, and all connections are
    replaced. The pool's own check would find them dead one by one, with a longer wait each time. So
    a request would wait for half a minute or fail.
    """

    is_trusting = False
    """True while connections are taken without a check, unless the server has ended them visibly.

    The first statement must be one that can be repeated, after `replace_connections`.
    """
    has_trusted = False
    """True if a connection was taken without a check."""

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        if parameters.pop(SETTING, "auto") == "off":
            parameters["prepare_threshold"] = None
        return parameters

    def _configure_connection(self, connection: Any) -> bool:
        """Configure a new connection; if it leads to a pooler, switch prepared statements off."""
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
            if self.is_trusting and not _has_news(kept):
                self.has_trusted = True
            else:
                pool.check_connection(kept)
        except OperationalError:
            pool.putconn(kept)
            # After a restart, one dead connection means that all are dead, and each of the others
            # would make one more request fail.
            pool.drain()
            return super().get_new_connection(conn_params)
        return kept

    def replace_connections(self) -> None:
        """Close this connection, and those in the pool, because this one has turned out dead."""
        self.close()
        if self.pool:  # type: ignore[attr-defined] # not in the stubs
            self.pool.drain()  # type: ignore[attr-defined]


def _has_news(connection: Any) -> bool:
    """Return True if the server has sent something, as it does when it ends a connection."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def wait_at_most(*, seconds: float) -> None:
    """Set how many seconds this process waits for a database that can't be reached.

    Web processes wait for a short time, so that people get a response soon. Workers wait longer,
    and continue their runs when the database is back.
    """
    options = connections.settings["default"].get("OPTIONS", {})
    if isinstance(options.get("pool"), dict):
        options["pool"]["timeout"] = seconds
        patience = max(2, int(seconds))  # libpq takes no less
        options.setdefault("connect_timeout", patience)
        # Without this, a process would wait 15 minutes on a connection to a host that has vanished.
        options.setdefault("tcp_user_timeout", patience * 1000)


def leads_to_one_server(connection: Any) -> bool:
    """Return True if one process of the server handles all statements of this connection.

    It doesn't if the connection leads to a pooler such as PgBouncer, which may send each
    transaction to another process. That process doesn't know statements that were prepared by an
    earlier one. A pooler is recognized because it reports a process id of its own.
    """
    with connection.cursor() as cursor:
        [answering] = cursor.execute("SELECT pg_backend_pid()").fetchone()
    return bool(answering == connection.info.backend_pid)


@cache
def _tell_of_a_pooler() -> None:
    """Log that connections lead to a pooler; each process logs this once."""
    logger.info("The database is behind a pooler, so no statements are prepared.")
