"""Differences between database rows and the proofs of their content."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from procedures.models.proofs import nonce_of, unproven
from procedures.services.record import Record


@dataclass(frozen=True)
class Difference:
    """A field whose value isn't the one that was written."""

    row: str
    """The kind of the row and its key."""
    field: str
    words: str = ""
    """A clause about the difference; by default, that the field was changed."""

    def __str__(self) -> str:
        words = self.words or f"the field {self.field} was changed after it was written"
        return f"{self.row}: {words}."


def row_name(row: Model) -> str:
    name = str(row._meta.verbose_name)  # noqa: SLF001 (Django documents it)
    return f"{name[:1].upper()}{name[1:]} {row.pk}"


def compared(row: Model, expected: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the fields of a row that differ from the values expected by the journal."""
    for name, value in expected.items():
        if getattr(row, name) != value:
            yield Difference(row_name(row), name)


def gone(what: str, field: str) -> Difference:
    words = f"the field {field} was changed, or the whole row was removed"
    return Difference(what, field, words)


def judged(rows: Iterable[Any], record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield differences between a run's rows and their own proofs, as `judged_alone` does."""
    yield from judged_alone(rows, older, is_covered=record.is_covered)


def judged_alone(
    rows: Iterable[Any], older: list[str], *, is_covered: bool = True
) -> Iterator[Difference]:
    """Yield differences between rows and their own proofs.

    Rows that were written before there were proofs have none; their names are appended to `older`,
    unless `is_covered` is true.
    """
    seen: dict[tuple[type[Model], str], str] = {}
    for row in rows:
        nonce, name = nonce_of(row), row_name(row)
        # A copy of a whole row, with its proof, would be valid by itself. Only the nonce that both
        # rows have reveals it.
        if nonce and (first := seen.setdefault((type(row), nonce), name)) != name:
            yield Difference(name, "proof", f"its proof is a copy of the proof of {first}")
        if row.proof == "" and not is_covered:
            older.append(name)
        elif row.proof == "":
            words = "its proof is missing, so the row wasn't written by this site"
            yield Difference(name, "proof", words)
        else:
            yield from (Difference(name, field) for field in unproven(row))
