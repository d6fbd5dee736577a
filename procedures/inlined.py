"""A database condition whose values are part of the SQL, for indexes with the same condition.

SQLite uses a partial index only if the query contains the index's condition literally, because a
bound value could be different in each execution.
"""

from typing import Any, Self

from django.db.models import BooleanField, Expression, Q


class Inlined(Expression):
    """A condition that has the same SQL in a query as in the index that is made with it."""

    conditional = True
    output_field = BooleanField()

    def __init__(self, condition: Q) -> None:
        super().__init__()
        self.condition = condition
        self.where: Any = None

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Self:
        found = self.copy()
        found.where = self.condition.resolve_expression(query, *args, **kwargs)
        return found

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        sql, cells = compiler.compile(self.where)
        return str(sql), cells

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        sql, cells = self.as_sql(compiler, connection)
        return sql % tuple(map(_literal, cells)), ()


def _literal(text: str) -> str:
    """Return one of our own strings as an SQL literal, in which each % is doubled."""
    quoted = text.replace("'", "''").replace("%", "%%")
    return f"'{quoted}'"
