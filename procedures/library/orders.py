"""Orders as shops export them: checked line by line, every fault said in words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from procedures.engine import File
from procedures.library.sheets import Sheet, read_sheet, shown

REQUIRED = ("order", "customer", "amount", "status")
OPTIONAL = ("currency", "reason")
LONGEST = {"order": 60, "customer": 200, "status": 60, "reason": 2000}
RETURNED = "returned"
MOST_ORDERS = 100_000
MOST_FAULTS = 3
LARGEST = Decimal("999999999.99")
CENT = Decimal("0.01")
POINT = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?")
EITHER = re.compile(r"-?[0-9]+([.,][0-9]{1,2})?")
CURRENCY = re.compile(r"[A-Za-z]{3}")


@dataclass(frozen=True)
class Order:
    """One line of an export."""

    line: int
    """Where the order starts in the file, as a text editor counts."""
    order: str
    customer: str
    amount: Decimal
    """With two decimals, zero or more."""
    currency: str
    """Three letters, or nothing."""
    status: str
    reason: str

    @property
    def price(self) -> str:
        return money(self.amount, self.currency)

    @property
    def is_returned(self) -> bool:
        return self.status == RETURNED


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:,.2f} {currency}".strip()


def read_orders(file: File) -> list[Order]:
    """The orders of an export; ValueError names the first faults and counts the others."""
    sheet = read_sheet(file.read(), required=REQUIRED, optional=OPTIONAL)
    orders, faults = _read_lines(sheet)
    faults += _other_currencies([order for order in orders if order.is_returned])
    if faults:
        more = [f"And {len(faults) - MOST_FAULTS} more."] if len(faults) > MOST_FAULTS else []
        raise ValueError(" ".join(faults[:MOST_FAULTS] + more))
    if not orders:
        raise ValueError("The file has a header and no orders.")
    return orders


def _read_lines(sheet: Sheet) -> tuple[list[Order], list[str]]:
    firsts: dict[str, Order] = {}
    faults = []
    for count, (line, cells) in enumerate(sheet.lines(), start=1):
        if count > MOST_ORDERS:
            raise ValueError(f"The file has more than {MOST_ORDERS:,} orders: split it.")
        try:
            order = _read_order(line, sheet.by_column(cells), sheet.delimiter)
        except ValueError as fault:
            faults.append(f"Line {line} {fault}.")
            continue
        first = firsts.setdefault(order.order, order)
        if first is not order:
            faults.append(f"Line {line} repeats order {order.order} of line {first.line}.")
    return list(firsts.values()), faults


def _read_order(line: int, cells: Mapping[str, str], delimiter: str) -> Order:
    for name in REQUIRED:
        if not cells[name]:
            raise ValueError(f"has no {name}")
    for name, longest in LONGEST.items():
        if len(cells.get(name, "")) > longest:
            raise ValueError(f"has more than {longest} characters under “{name}”")
    return Order(
        line,
        cells["order"],
        cells["customer"],
        _amount(cells["amount"], delimiter),
        _currency(cells.get("currency", "")),
        cells["status"].casefold(),
        cells.get("reason", ""),
    )


def _amount(cell: str, delimiter: str) -> Decimal:
    """A comma may mark the decimals where it does not separate the fields."""
    pattern, example = (POINT, "31.20") if delimiter == "," else (EITHER, "31.20 or 31,20")
    if not pattern.fullmatch(cell):
        wanted = f"{example}, without currency sign or thousands separators"
        raise ValueError(f"has the amount {shown(cell)}: write a number like {wanted}")
    if cell.startswith("-"):
        raise ValueError(f"has the negative amount {shown(cell)}")
    amount = Decimal(cell.replace(",", "."))
    if amount > LARGEST:
        raise ValueError(f"has the amount {shown(cell)}: at most {LARGEST:,} is possible")
    return amount.quantize(CENT)


def _currency(cell: str) -> str:
    if cell and not CURRENCY.fullmatch(cell):
        raise ValueError(f"has the currency {shown(cell)}: write three letters like EUR")
    return cell.upper()


def _other_currencies(returned: Sequence[Order]) -> Iterator[str]:
    """One limit and one total make sense in one currency only."""
    for order in returned:
        first = returned[0]
        if order.currency != first.currency:
            yield (
                f"Line {order.line} is to be refunded in {order.currency or 'no currency'}, "
                f"line {first.line} in {first.currency or 'no currency'}: "
                "send one file for each currency."
            )
