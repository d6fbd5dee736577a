"""What `ENGINE = "dashboard.postgres"` names."""

import logging
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool

logger = logging.getLogger(__name__)
SETTING = "prepared_statements"
"""In DATABASE_URL: on, off, or auto, which looks at each new connection."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a kept connection before it is used, and drops all kept ones when one is dead.

    The pool's own check pauses ever longer between one dead connection and the next: after a
    restart of the server a request would wait for half a minute, or fail.
    """

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        if parameters.pop(SETTING, "auto") == "off":
            parameters["prepare_threshold"] = None
        return parameters

    def _configure_connection(self, connection: Any) -> bool:
        """Once for each connection that the pool, or Django itself, has made."""
        prepares = connection.prepare_threshold is not None
        is_asked = self.settings_dict["OPTIONS"].get(SETTING, "auto") == "auto"
        if is_asked and not leads_to_one_server(connection):
            connection.prepare_threshold = None
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
            pool.drain()
            return super().get_new_connection(conn_params)
        return kept


def wait_at_most(*, seconds: float) -> None:
    """Give up on a database that is away after so long, in this process.

    People who open a page are told soon; workers wait longer, and take their runs up again.
    """
    options = connections.settings["default"].get("OPTIONS", {})
    if isinstance(options.get("pool"), dict):
        options["pool"]["timeout"] = seconds
        patience = max(2, int(seconds))  # libpq takes no less
        options.setdefault("connect_timeout", patience)
        # A kept connection to a host that is gone would be waited on for a quarter of an hour.
        options.setdefault("tcp_user_timeout", patience * 1000)


def leads_to_one_server(connection: Any) -> bool:
    """Whether the server that answers is the one that was connected to.

    A pooler (PgBouncer, Odyssey, pgcat) gives a connection a process number of its own, and each
    transaction another server: what was prepared on one is unknown to the next, or is something
    else there.
    """
    with connection.cursor() as cursor:
        [answering] = cursor.execute("SELECT pg_backend_pid()").fetchone()
    return bool(answering == connection.info.backend_pid)


@cache
def _tell_of_a_pooler() -> None:
    """Once a process."""
    logger.info("A pooler stands before the database: no statement is prepared.")
