"""A database condition that a field has one of many values, all sent as one parameter.

Django's `__in` makes a parameter of each value. For a thousand values, this takes Django and the
database driver longer than the query itself.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Expression, F
from django.db.models.lookups import Lookup

QUOTED = str.maketrans({"\\": r"\\", '"': r"\""})


def is_among(path: str, values: "Iterable[Any] | Expression") -> "Among":
    """Return a condition for rows whose field at the lookup `path` has one of these values.

    Instead of the values, a `procedures.store.compiled.Place` may stand for all of them.
    """
    return Among(F(path), values)


def array_of(values: Sequence[Any]) -> str:
    """Return values as an array of PostgreSQL in text form."""
    are_texts = bool(values) and isinstance(values[0], str)
    return "{" + ",".join(map(_quoted if are_texts else str, values)) + "}"


class Among(Lookup):  # type: ignore[type-arg]  # django-stubs alone has its parameter
    """A lookup that is true if the field on the left is one of the values on the right."""

    lookup_name = "among"
    prepare_rhs = False

    def __init__(self, lhs: Any, rhs: "Iterable[Any] | Expression") -> None:
        super().__init__(lhs, rhs if isinstance(rhs, Expression) else tuple(rhs))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, cells = self._left(compiler, connection)
        array = self.rhs if self._is_expression else array_of(self.rhs)
        return f"{left} = ANY(%s::{self._field.db_type(connection)}[])", [*cells, array]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, cells = self._left(compiler, connection)
        words = f"{left} IN (SELECT value FROM json_each(%s))"  # noqa: S608 (no value is in it)
        if self._is_expression:
            return words, [*cells, self.rhs]
        values = [self._field.get_db_prep_value(one, connection) for one in self.rhs]
        return words, [*cells, json.dumps(values)]

    @property
    def _is_expression(self) -> bool:
        return isinstance(self.rhs, Expression)

    @property
    def _field(self) -> Any:
        return self.lhs.output_field

    def _left(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        if not self._is_expression and not self.rhs:
            raise EmptyResultSet
        left, cells = self.process_lhs(compiler, connection)
        return left, list(cells)


def _quoted(text: str) -> str:
    """Return a string in quotes, as an element of a PostgreSQL array in text form."""
    return f'"{text.translate(QUOTED)}"'
