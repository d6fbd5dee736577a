"""The size of a new form: its fields, and the rows of its lists before anybody adds a row."""

from collections.abc import Mapping
from typing import Any

from procedures.engine.values.answers import MOST_ENTRIES, without_nothing
from procedures.engine.values.typed import kind_of

MOST_ROWS = 100
"""The largest number of rows with which a list in a new form begins."""
MOST_PARTS = 500
"""The largest number of fields and rows in a new form.

Django refuses a form that is sent with more than 1,000 values.
"""


class LargeFormError(ValueError):
    """An error for a form that has too many fields or rows when it is new."""

    def __init__(self, path: str, name: str, words: str) -> None:
        self.path, self.name, self.words = path, name, words
        super().__init__(f"{path}: {words}")


def rows_at_first(schema: Mapping[str, Any], value: Any) -> int:
    """Return the number of rows that a list has in a new form; `value` is the list's default."""
    rows = len(value) if isinstance(value, list) else 0
    return min(max(rows, int(schema.get("minItems", 0))), MOST_ROWS)


def check_size(schema: Mapping[str, Any]) -> None:
    """Raise `LargeFormError` for a form that has too many fields or rows when it is new."""
    _Size().add(schema, None, "", "")


class _Size:
    """The number of fields and rows of a new form, counted as a page shows them."""

    def __init__(self) -> None:
        self.parts = 0

    def add(self, schema: Mapping[str, Any], default: Any, path: str, name: str) -> None:
        """Count an object's fields and what is in them; `default` is its default value."""
        values = default if isinstance(default, Mapping) else {}
        for key, one in schema["properties"].items():
            place = (f"{path}properties.{key}", f"{name}{key}")
            self._count(*place)
            self._add_field(without_nothing(one), values.get(key, one.get("default")), *place)

    def _add_field(self, schema: Mapping[str, Any], value: Any, path: str, name: str) -> None:
        kind = kind_of(schema)
        _check_least(schema, MOST_ROWS if kind == "rows" else MOST_ENTRIES, path, name)
        if kind == "group":
            self.add(schema, value, f"{path}.", f"{name}.")
        if kind != "rows":
            return
        values = value if isinstance(value, list) else []
        for number in range(rows_at_first(schema, value)):
            self._count(path, name)
            row = values[number] if number < len(values) else None
            self.add(schema["items"], row, f"{path}.items.", f"{name}.")

    def _count(self, path: str, name: str) -> None:
        # Stop here, so that a form of millions of fields is refused at once.
        self.parts += 1
        if self.parts > MOST_PARTS:
            words = (
                f"from this field on, a new form would have more than {MOST_PARTS} fields and rows."
            )
            raise LargeFormError(path, name, words)


def _check_least(schema: Mapping[str, Any], most: int, path: str, name: str) -> None:
    if schema.get("minItems", 0) > most:
        words = f"must be at most {most:,}, not {schema['minItems']:,}."
        raise LargeFormError(f"{path}.minItems", f"min_length of {name}", words)
