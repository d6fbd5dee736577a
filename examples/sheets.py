"""CSV files: read in the formats that people export, written so that no cell is a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

DELIMITERS = (",", ";", "\t")
HINT = re.compile(r'"?sep=(?P<delimiter>[,;|\t])"?[,;|\t]*\s*', re.IGNORECASE)
"""A pattern for a file's first line if that line names the delimiter, like "sep=;"."""
MOST_ABOVE = 50
"""The maximum number of lines above the header, such as a title, a period or a blank line."""
LONGEST_HEADER = 64 * 1024
"""The maximum number of characters in which to look for the cells of a header."""
SIGNATURES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "an Excel or ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x1f\x8b": "a compressed file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
REMEDY = "Save it as “CSV UTF-8”."
PLAIN_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")
FORMULA_STARTS = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", "\t", "\r", "\n")
"""Characters that begin a formula, including full-width ones of Japanese and Chinese."""
BLANKS = " \u00a0\u3000"
WHOLE = re.compile(r"[0-9]+")
DECIMALS = 2
SECOND_HALF = re.compile(r"[0-9]{1,2}|[0-9]{3}(\.[0-9]{1,2})?")
"""A pattern for the digits after the comma in a number: decimals, or a group of thousands."""
LONGEST_SHOWN = 40
MOST_SHOWN = 12

Record = tuple[int, list[str]]


class HeaderError(ValueError):
    """The error for a file in which no line names all required columns."""


@dataclass(frozen=True)
class Dialect:
    """The format of a CSV file. A result made from the file is written in the same format."""

    delimiter: str = ","
    line_end: str = "\r\n"
    has_hint: bool = False
    """True if the file's first line names the delimiter, like "sep=;"."""


@dataclass(frozen=True)
class Sheet:
    """A CSV file whose header line and delimiter were found."""

    text: str
    """The text of the file from the header line to the end."""
    first_line: int
    """The line number of the header in the file; the first line of the file has the number 1."""
    dialect: Dialect
    columns: Sequence[str]
    """The names that the caller of `read_sheet` has for the columns, such as "order".

    A column that the caller hasn't named is marked as unused.
    """
    width: int
    """The number of fields in the header, including empty fields at the end of the header."""

    def lines(self) -> Iterator[Record]:
        """Yield each line below the header that is not blank, with its number."""
        records = list_records(self.text, self.dialect.delimiter, first_line=self.first_line)
        return islice(records, 1, None)

    def by_column(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells of a line, keyed by the names of their columns.

        If the header ends with empty fields, the line may leave out the cells for these fields. Any
        other number of cells raises `ValueError`.
        """
        named = _without_empty_end(cells, len(self.columns)) if len(cells) <= self.width else cells
        if len(named) != len(self.columns):
            fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            raise ValueError(f"has {fields}, but the header has {self.width}")
        return dict(zip(self.columns, named, strict=True))

    def may_be_shifted(self, cells: Sequence[str], name: str, into: str) -> bool:
        """Return True if a decimal comma in the column `name` may have split a number in two.

        The second half of such a number is in the column `into`.

        Usually, such a line has one cell too many, which `by_column` refuses. The number of cells
        reveals nothing if the header ends with empty fields, or if `into` is the only column after
        `name`, because a line may leave out the last cell.
        """
        place = self.columns.index(name)
        first, second = [*cells[place : place + 2], "", ""][:2]
        if self.dialect.delimiter != "," or not WHOLE.fullmatch(first):
            return False
        if list(self.columns[place + 1 :]) == [into]:
            return bool(SECOND_HALF.fullmatch(second))
        has_room = self.width > len(self.columns)
        return has_room and len(second) <= DECIMALS and bool(WHOLE.fullmatch(second))


def read_sheet(
    raw: bytes,
    *,
    required: Collection[str],
    optional: Collection[str] = (),
    names: Mapping[str, str] | None = None,
) -> Sheet:
    """Read the encoding, delimiter and header of a file; raises `ValueError` with the fault.

    `names` maps columns to their names in the file, if these differ. At most 50 lines above the
    header are skipped. Raises `HeaderError` if a column is missing.
    """
    text = _text_of(raw)
    if not text.strip():
        raise ValueError("The file is empty.")
    called = {folded((names or {}).get(name, name)): name for name in (*required, *optional)}
    line_end = next((end for end in ("\r\n", "\r", "\n") if end in text), "\r\n")
    hint = HINT.fullmatch(text.split("\n", 1)[0].split("\r", 1)[0])
    marks = (hint["delimiter"],) if hint else DELIMITERS
    first_line, rest, mark, cells = _find_header(text, marks, called, required)
    header = _without_empty_end(cells)
    if twice := next((name for name in header if name in called and header.count(name) > 1), ""):
        raise ValueError(f"The header names the column “{twice}” twice.")
    columns = [called.get(name, f"{name} (unused)" * bool(name)) for name in header]
    dialect = Dialect(mark, line_end, hint is not None)
    return Sheet(rest, first_line, dialect, columns, width=len(cells))


def list_records(text: str, delimiter: str, *, first_line: int = 1) -> Iterator[Record]:
    """Yield each record that is not blank, with the number of the line where it starts."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    line = first_line
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield line, cells
            line = first_line + reader.line_num
    except csv.Error:
        raise ValueError(
            f"Line {line} has a quotation mark that isn't closed or is in the wrong place."
        ) from None


def sheet_bytes(
    columns: Sequence[str], rows: Iterable[Mapping[str, object]], dialect: Dialect | None = None
) -> bytes:
    """Return a CSV that spreadsheets open correctly: every letter intact, no cell as a formula."""
    dialect = dialect or Dialect()
    text = io.StringIO(newline="")
    if dialect.has_hint:
        text.write(f"sep={dialect.delimiter}{dialect.line_end}")
    for cells in chain([columns], ([neutral(str(row[name])) for name in columns] for row in rows)):
        text.write(_line_of(cells, dialect.delimiter) + dialect.line_end)
    return text.getvalue().encode("utf-8-sig")  # without the mark Excel guesses another encoding


def _line_of(cells: Sequence[str], delimiter: str) -> str:
    """Return one record as text, without a line end.

    A cell that contains a line break is quoted.
    """
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n")


def neutral(cell: str) -> str:
    """Return the cell, with an apostrophe in front if a spreadsheet would take it for a formula."""
    is_formula = cell.lstrip(BLANKS).startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def folded(cell: str) -> str:
    """Return a text that is equal for cells with the same meaning.

    Differences in case, blanks, invisible characters and encoding are removed.
    """
    text = unicodedata.normalize("NFKC", cell)
    seen = (one for one in text if unicodedata.category(one) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", "".join(seen).casefold()).split())


def shown(cell: str) -> str:
    """Return the cell in quotation marks, short enough for a sentence."""
    cell = " ".join(cell.split())
    return f"“{cell[:LONGEST_SHOWN]}…”" if len(cell) > LONGEST_SHOWN else f"“{cell}”"


def _text_of(raw: bytes) -> str:
    for start, kind in SIGNATURES.items():
        if raw.startswith(start):
            raise ValueError(f"This is {kind}, not a CSV file. {REMEDY}")
    if b"\0" in raw:
        raise ValueError(f"The file contains NUL bytes, so it isn't text. {REMEDY}")
    try:
        return raw.decode("utf-8-sig").lstrip("\ufeff")  # programs that add a mark to a mark
    except UnicodeDecodeError as error:
        line = len((error.object[: error.start] + b".").splitlines())
        raise ValueError(f"Line {line} of the file isn't UTF-8. {REMEDY}") from None


def _find_header(
    text: str, marks: Sequence[str], called: Mapping[str, str], required: Collection[str]
) -> tuple[int, str, str, list[str]]:
    """Return the header's line number, the text from the header on, the delimiter and the names.

    The header is the first line with all required columns. If there is none, `HeaderError` lists
    the columns that the most similar line lacks.
    """
    wanted = {header for header, name in called.items() if name in required}
    nearest: list[str] = []
    for number, start in _line_starts(text):
        for mark in marks:
            cells = _cells_of(text[start : start + LONGEST_HEADER], mark)
            header = [folded(cell) for cell in cells]
            if wanted <= set(header):
                return number, text[start:], mark, header
            nearest = max(nearest, cells, key=lambda cells: _fitness(cells, called))
    missing = wanted - set(map(folded, nearest))
    listed = _listed([header for header in called if header in missing])
    raise HeaderError(
        f"{listed} missing from the header; found: {_shown(_without_empty_end(nearest))}."
    )


def _line_starts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the number of each non-blank line and the offset of the line's first character.

    Only the first `MOST_ABOVE` + 1 lines are read.
    """
    start = 0
    for number, line in enumerate(islice(io.StringIO(text, newline=""), MOST_ABOVE + 1), start=1):
        if line.strip():
            yield number, start
        start += len(line)


def _cells_of(text: str, delimiter: str) -> list[str]:
    """Return the cells of the first record; [] if the record's quotation marks are invalid."""
    try:
        _, cells = next(list_records(text, delimiter), (0, []))
    except ValueError:
        return []
    return cells


def _without_empty_end(cells: Sequence[str], at_least: int = 0) -> list[str]:
    """Return the cells without empty ones at the end, but at least `at_least` of them."""
    count = len(cells)
    while count > at_least and not cells[count - 1]:
        count -= 1
    return list(cells[:count])


def _fitness(cells: Sequence[str], called: Collection[str]) -> tuple[int, int]:
    """Return the number of a line's cells that are in `called`, and the number of all its cells.

    `called` contains the names of the columns. The line with the greatest pair of numbers is the
    most likely header.
    """
    return sum(folded(cell) in called for cell in cells), len(cells)


def _listed(names: Sequence[str]) -> str:
    *first, last = [f"“{name}”" for name in names]
    return f"The columns {', '.join(first)} and {last} are" if first else f"The column {last} is"


def _shown(header: Sequence[str]) -> str:
    more = [f"{len(header) - MOST_SHOWN} more"] if len(header) > MOST_SHOWN else []
    return ", ".join([shown(name) for name in header[:MOST_SHOWN]] + more)
