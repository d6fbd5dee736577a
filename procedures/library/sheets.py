"""CSV files: read as people export them, written so that no cell becomes a formula."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

DELIMITERS = (",", ";", "\t")
SIGNATURES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "an Excel or ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a compressed file",
    b"\xff\xfe": "a text in UTF-16",
    b"\xfe\xff": "a text in UTF-16",
}
REMEDY = "save it as “CSV UTF-8”."
PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
LONGEST_SHOWN = 40
MOST_SHOWN = 12

Record = tuple[int, list[str]]


@dataclass(frozen=True)
class Sheet:
    """A CSV file whose header has been understood."""

    text: str
    delimiter: str
    columns: Sequence[str]

    def lines(self) -> Iterator[Record]:
        """Each line below the header that is not blank, with its number."""
        return islice(list_records(self.text, self.delimiter), 1, None)

    def by_column(self, cells: Sequence[str]) -> dict[str, str]:
        if len(cells) != len(self.columns):
            raise ValueError(f"has {len(cells)} fields, the header has {len(self.columns)}")
        return dict(zip(self.columns, cells, strict=True))


def read_sheet(raw: bytes, *, required: Collection[str], optional: Collection[str] = ()) -> Sheet:
    """Understand a file's encoding, delimiter and header; ValueError says what is wrong."""
    text = _text_of(raw)
    if not text.strip():
        raise ValueError("The file is empty.")
    known = {*required, *optional}
    delimiter = max(DELIMITERS, key=lambda mark: _fitness(text, mark, known))
    _, header = next(list_records(text, delimiter), (0, []))
    columns = [name.casefold() for name in header]
    if missing := [name for name in required if name not in columns]:
        raise ValueError(f"{_listed(missing)} missing from the header; found: {_shown(header)}.")
    if twice := next((name for name in columns if name in known and columns.count(name) > 1), ""):
        raise ValueError(f"The header names the column “{twice}” twice.")
    return Sheet(text, delimiter, columns)


def list_records(text: str, delimiter: str) -> Iterator[Record]:
    """Each record that is not blank, with the number of the line on which it starts."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        raise ValueError(
            f"Line {line} has a quotation mark that is not closed or stands in the wrong place."
        ) from None


def sheet_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """A CSV that spreadsheets open as it is meant: every letter intact, no cell as a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([neutral(str(row[name])) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig")  # without the mark Excel guesses another encoding


def neutral(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would calculate."""
    is_formula = cell.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def shown(cell: str) -> str:
    """The cell in quotation marks, short enough for a sentence."""
    cell = " ".join(cell.split())
    return f"“{cell[:LONGEST_SHOWN]}…”" if len(cell) > LONGEST_SHOWN else f"“{cell}”"


def _text_of(raw: bytes) -> str:
    for start, kind in SIGNATURES.items():
        if raw.startswith(start):
            raise ValueError(f"This is {kind} and not a CSV file: {REMEDY}")
    if b"\0" in raw:
        raise ValueError(f"The file holds NUL bytes, as no text does: {REMEDY}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len((error.object[: error.start] + b".").splitlines())
        raise ValueError(f"Line {line} is not in UTF-8: {REMEDY}") from None


def _fitness(text: str, delimiter: str, known: Collection[str]) -> tuple[int, int]:
    """How well the header reads with that delimiter: known columns first, then columns."""
    try:
        _, header = next(list_records(text, delimiter), (0, []))
    except ValueError:
        return 0, 0
    return sum(name.casefold() in known for name in header), len(header)


def _listed(names: Sequence[str]) -> str:
    *first, last = [f"“{name}”" for name in names]
    return f"The columns {', '.join(first)} and {last} are" if first else f"The column {last} is"


def _shown(header: Sequence[str]) -> str:
    more = [f"{len(header) - MOST_SHOWN} more"] if len(header) > MOST_SHOWN else []
    return ", ".join([shown(name) for name in header[:MOST_SHOWN]] + more)
