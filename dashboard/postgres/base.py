"""What `ENGINE = "dashboard.postgres"` names."""

from typing import Any

from django.db import connections
from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a kept connection before it is used, and drops all kept ones when one is dead.

    The pool's own check pauses ever longer between one dead connection and the next: after a
    restart of the server a request would wait for half a minute, or fail.
    """

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
        options.setdefault("connect_timeout", max(2, int(seconds)))  # libpq takes no less
