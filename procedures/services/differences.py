"""Differences between database rows and what the journal or the rows' own seals say about them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from procedures.models.proofs import nonce_of, unproven
from procedures.services.record import Record


@dataclass(frozen=True)
class Difference:
    """A field of a row whose value isn't the one that the site wrote."""

    row: str
    """The kind of the row and its primary key: "Run input 12"."""
    field: str
    words: str = ""
    """A clause about the difference; "" means that the field was changed after it was written."""

    def __str__(self) -> str:
        words = self.words or f"the field {self.field} was changed after it was written"
        return f"{self.row}: {words}."


def row_name(row: Model) -> str:
    name = str(row._meta.verbose_name)  # noqa: SLF001 (Django documents it)
    return f"{name[:1].upper()}{name[1:]} {row.pk}"


def compared(row: Model, expected: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield a difference for each field of a row whose value isn't the one the journal implies.

    `expected` maps the names of fields to values.
    """
    for name, value in expected.items():
        if getattr(row, name) != value:
            yield Difference(row_name(row), name)


def gone(what: str, field: str) -> Difference:
    words = f"the field {field} was changed, or the whole row was removed"
    return Difference(what, field, words)


def run_proof_differences(
    rows: Iterable[Any], record: Record, older: list[str]
) -> Iterator[Difference]:
    """Yield the differences between rows of a run and the proofs in these rows.

    A proof holds a seal (an HMAC) for each field of its row. The names of rows that were written
    before the site kept proofs are appended to `older`.
    """
    yield from proof_differences(rows, older, is_covered=record.is_covered)


def proof_differences(
    rows: Iterable[Any], older: list[str], *, is_covered: bool = True
) -> Iterator[Difference]:
    """Yield the differences between rows and the proofs in these rows.

    A proof holds a seal (an HMAC) for each field of its row. A row without a proof is a difference
    if `is_covered` is true. Otherwise it was written before the site kept proofs, and its name is
    appended to `older`.
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
