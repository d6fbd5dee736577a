"""Orders read from a shop's export, checked line by line, with a sentence for each fault."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from unicodedata import category, normalize

from examples.amounts import Amount, money, read_amount
from examples.sheets import Dialect, HeaderError, Sheet, folded, read_sheet, shown
from procedures.engine import File

REQUIRED = ("order", "customer", "amount", "status")
OPTIONAL = ("currency", "reason")
LONGEST = {"order": 60, "customer": 200, "status": 60, "reason": 2000}
RETURNED = "returned"
MOST_ORDERS = 100_000
MOST_FAULTS = 3
CURRENCY = re.compile(r"[A-Za-z]{3}")
SHIFTED = (
    "has an amount whose decimal comma splits it into two fields. Put the amount in quotation "
    "marks, or write a decimal point"
)
COLUMNS_EXAMPLE = "order = Name, amount = Total"


@dataclass(frozen=True)
class Order:
    """An order, read from a line of an export."""

    line: int
    """The line of the file on which the order starts; the first line has the number 1."""
    order: str
    customer: str
    amount: Decimal
    """An amount of zero or more, with two decimals."""
    currency: str
    """A code of three letters, like "EUR", or "" if the order has none."""
    status: str
    reason: str

    @property
    def price(self) -> str:
        return money(self.amount, self.currency)


@dataclass(frozen=True)
class Count:
    """The number of orders with one status."""

    status: str
    orders: int

    def __str__(self) -> str:
        return f"{shown(self.status)} ({self.orders:,})"


@dataclass(frozen=True)
class Export:
    """The contents of an export: the returned orders, and the number of orders by status."""

    returned: list[Order]
    """The returned orders, in the order of the file."""
    statuses: list[Count]
    """The number of orders by status, in the order in which the statuses first appear."""
    dialect: Dialect
    mark: str
    """The decimal mark of the amounts."""

    @property
    def read(self) -> int:
        return sum(count.orders for count in self.statuses)


def read_orders(file: File, *, statuses: str = RETURNED, columns: str = "") -> Export:
    """Return the orders of an export; raises `ValueError` with the first faults.

    `statuses` lists the statuses that mean "returned", separated by commas, in upper or lower case.
    `columns` gives the names of columns in the file, like "order = Name, amount = Total". For
    orders that weren't returned, only the number and status are checked.
    """
    wanted, names = read_statuses(statuses), read_columns(columns)
    try:
        sheet = read_sheet(file.read(), required=REQUIRED, optional=OPTIONAL, names=names)
    except HeaderError as error:
        remedy = "If the file uses other names, enter them under “columns”, like"
        raise ValueError(f"{error} {remedy} {COLUMNS_EXAMPLE}.") from None
    reading = _Reading(sheet, wanted)
    reading.read()
    faults = [*reading.faults, *_other_currencies(reading.returned)]
    if faults:
        more = [f"More errors: {len(faults) - MOST_FAULTS}."] if len(faults) > MOST_FAULTS else []
        raise ValueError(" ".join(faults[:MOST_FAULTS] + more))
    if not reading.statuses:
        raise ValueError("The file has a header but no orders.")
    counts = [Count(status, orders) for status, orders in reading.statuses.items()]
    return Export(reading.returned, counts, sheet.dialect, reading.mark or ".")


def read_statuses(text: str) -> frozenset[str]:
    """Return the statuses in a comma-separated text; raises `ValueError` if there are none."""
    found = frozenset(filter(None, map(folded, text.split(","))))
    if not found:
        raise ValueError("Name at least one status, like “returned”.")
    return found


def read_columns(text: str) -> dict[str, str]:
    """Return the columns' names in the file, keyed by the names that `Order` uses.

    The text "order = Name" gives `{"order": "Name"}`. Raises `ValueError` for an unknown column, or
    if two columns have the same name in the file.
    """
    names: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        name, _, called = (one.strip() for one in part.partition("="))
        if name.casefold() not in (*REQUIRED, *OPTIONAL) or not called:
            known = ", ".join((*REQUIRED, *OPTIONAL))
            raise ValueError(
                f"{shown(part.strip())} doesn't name a column. Write it like {COLUMNS_EXAMPLE}. "
                f"The columns are {known}."
            )
        names[name.casefold()] = called
    every = {name: folded(names.get(name, name)) for name in (*REQUIRED, *OPTIONAL)}
    if len(set(every.values())) < len(every):
        raise ValueError(
            "Two of these columns have the same name in the file. Give each its own name."
        )
    return names


@dataclass
class _Reading:
    """One reading of all lines of a sheet: the orders found so far, and the faults."""

    sheet: Sheet
    wanted: frozenset[str]
    returned: list[Order] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    mark: str = ""
    _firsts: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """The first line of each order, and True if the order is returned according to that line."""
    _marked_on: int = 0

    def read(self) -> None:
        for count, (line, cells) in enumerate(self.sheet.lines(), start=1):
            if count > MOST_ORDERS:
                raise ValueError(f"The file has more than {MOST_ORDERS:,} orders. Split it.")
            try:
                self._read_line(line, self._columns_of(cells))
            except ValueError as fault:
                self.faults.append(f"Line {line} {fault}.")

    def _columns_of(self, cells: Sequence[str]) -> dict[str, str]:
        if self.sheet.may_be_shifted(cells, "amount", into="reason"):
            raise ValueError(SHIFTED)
        return self.sheet.by_column(cells)

    def _read_line(self, line: int, cells: Mapping[str, str]) -> None:
        order, status = cells["order"], folded(cells["status"])
        _check_there(cells, "order")
        key = same_order(order)
        if key in self._firsts and not status and not cells["amount"]:
            return  # one more article of the order above
        _check_there(cells, "status")
        is_returned = status in self.wanted
        first, was_returned = self._firsts.setdefault(key, (line, is_returned))
        if first != line:
            if is_returned or was_returned:
                raise ValueError(f"repeats the order {shown(order)} of line {first}")
            return
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if is_returned:
            self.returned.append(self._order(line, cells))

    def _order(self, line: int, cells: Mapping[str, str]) -> Order:
        for name in REQUIRED:
            _check_there(cells, name)
        for name in LONGEST:
            _check_length(cells, name)
        amount = read_amount(cells["amount"])
        self._check_mark(line, cells["amount"], amount)
        return Order(
            line,
            cells["order"],
            cells["customer"],
            amount.value,
            _currency(cells.get("currency", "")),
            folded(cells["status"]),
            cells.get("reason", ""),
        )

    def _check_mark(self, line: int, cell: str, amount: Amount) -> None:
        """Raise `ValueError` if a file has both 31.20 and 31,20.

        The file was probably merged from two exports, so some of its amounts could be misread.
        """
        if amount.mark and self.mark not in ("", amount.mark):
            marks = {".": "a decimal point", ",": "a decimal comma"}
            raise ValueError(
                f"has the amount {shown(cell)} with {marks[amount.mark]}, but line "
                f"{self._marked_on} has {marks[self.mark]}. Use the same decimal mark in all lines"
            )
        if amount.mark and not self.mark:
            self.mark, self._marked_on = amount.mark, line


def _check_there(cells: Mapping[str, str], name: str) -> None:
    if not cells[name]:
        raise ValueError(f"has no {name}")
    if name in ("order", "status"):
        _check_length(cells, name)


def _check_length(cells: Mapping[str, str], name: str) -> None:
    if len(cells.get(name, "")) > LONGEST[name]:
        raise ValueError(f"has more than {LONGEST[name]} characters under “{name}”")


def same_order(order: str) -> str:
    """Return a text that is equal for different spellings of the same order number.

    Blanks, invisible characters and Unicode variants are ignored; upper and lower case are not.
    """
    return "".join(one for one in normalize("NFKC", order) if category(one) not in {"Cf", "Zs"})


def _currency(cell: str) -> str:
    if cell and not CURRENCY.fullmatch(cell):
        raise ValueError(f"has the currency {shown(cell)}. Write three letters, like EUR")
    return cell.upper()


def _other_currencies(returned: Sequence[Order]) -> Iterator[str]:
    """Yield a fault for each order whose currency isn't that of the first order.

    The limit and the total need a single currency.
    """
    for order in returned:
        first = returned[0]
        if order.currency != first.currency:
            yield (
                f"Line {order.line} has the currency {order.currency or '(none)'}, but line "
                f"{first.line} has {first.currency or '(none)'}. Send one file for each currency."
            )
