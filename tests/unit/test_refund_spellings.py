"""One status, column or order written in two ways is one; an amount in two cells is none."""

import pytest

from procedures.testing.memory import MemoryStore
from tests.refunds import HEADER, LINE, refunds, refusal, result_of, start

STATUSES = {
    "an accent of its own": ("retourne\u0301", "retourn\u00e9"),
    "an accent of its own, asked for so": ("Retourn\u00c9", "retourne\u0301"),
    "an invisible blank": ("\u200breturned", "returned"),
    "a mark in the middle": ("re\u00adturned\u2060", "returned"),
    "a blank that does not break": ("partially\u00a0 returned", "partially returned"),
    "wide letters": ("\uff52\uff45turned", "returned"),
    "a Turkish capital": ("\u0130ade", "i\u0307ade"),
    "a sharp s": ("R\u00dcCKGABE GROSS", "r\u00fcckgabe gro\u00df"),
}


@pytest.mark.parametrize(("written", "asked"), STATUSES.values(), ids=STATUSES)
def test_a_status_is_known_however_it_is_encoded(
    store: MemoryStore, written: str, asked: str
) -> None:
    other = LINE.replace("7,", "8,", 1).replace("returned", asked)
    content = HEADER + LINE.replace("returned", written) + other

    run_id = start(store, content, statuses=asked)

    assert [row["order"] for row in refunds(store, run_id)] == ["7", "8"]
    assert len(result_of(store, run_id)["statuses"]) == 1


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("\ufeff\ufeff" + HEADER, ""),
        ("\ufeff\ufeffsep=,\n" + HEADER, ""),
        ('\ufeff\ufeff"order"' + HEADER.removeprefix("order"), ""),
        (HEADER.replace("amount", "Montant pay\u00e9"), "amount = montant paye\u0301"),
        (HEADER.replace("amount", "Montant\u00a0pay\u00e9"), "amount = Montant pay\u00e9"),
        (HEADER.replace("status", "sta\u00adtus"), ""),
    ],
)
def test_a_column_is_known_however_it_is_encoded(
    store: MemoryStore, header: str, columns: str
) -> None:
    run_id = start(store, header + LINE, columns=columns)

    assert [row["amount"] for row in refunds(store, run_id)] == ["31.20"]


@pytest.mark.parametrize("again", ["7\u200b", "\u20607", "\uff17", "\u00ad7\u00a0"])
def test_an_order_is_not_paid_twice_because_of_what_nobody_sees(
    store: MemoryStore, again: str
) -> None:
    content = HEADER + LINE + LINE.replace("7,", f"{again},", 1)

    assert "Line 3 repeats the order" in refusal(store, content)


def test_capitals_make_two_orders(store: MemoryStore) -> None:
    content = HEADER + LINE.replace("7,", "a7,", 1) + LINE.replace("7,", "A7,", 1)

    assert len(refunds(store, start(store, content))) == 2


@pytest.mark.parametrize("end", ["31,20", "1,234.50", "1,234", "31,2"])
@pytest.mark.parametrize("empty", ["", ",,"])
def test_an_amount_that_a_comma_divides_is_not_paid_by_half(
    store: MemoryStore, end: str, empty: str
) -> None:
    """Its second half fits into the reason, which the line leaves out."""
    content = f"order,customer,status,amount,reason{empty}\n7,Ana,returned,{end}{empty}\n"

    assert refusal(store, content).startswith("Line 2 has an amount whose decimal comma splits")


@pytest.mark.parametrize("reason", ["too small", "", "A4", "2026", "20 %"])
def test_a_reason_beside_a_whole_amount_is_read(store: MemoryStore, reason: str) -> None:
    content = f"order,customer,status,amount,reason\n7,Ana,returned,31,{reason}\n"

    [row] = refunds(store, start(store, content))
    assert (row["amount"], row["reason"]) == ("31.00", reason)
