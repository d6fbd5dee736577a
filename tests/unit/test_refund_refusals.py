"""The messages of `refund` about files that it can't read."""

import pytest

from procedures.testing.memory import MemoryStore
from tests.refunds import HEADER, LINE, asked, refusal, result_of, start

OTHER_NAMES = (
    " If the file uses other names, enter them under “columns”, like order = Name, amount = Total."
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf\r\n  \n", "The file is empty."),
        (b"%PDF-1.7 ...", "This is a PDF, not a CSV file. Save it as “CSV UTF-8”."),
        (b"PK\x03\x04...", "This is an Excel or ZIP file, not a CSV file. Save it as"),
        (b"\x89PNG\r\n\x1a\n", "This is an image, not a CSV file. Save it as “CSV UTF-8”."),
        ("order".encode("utf-16"), "This is UTF-16 text, not a CSV file. Save it as"),
        (b"order\0,customer", "The file contains NUL bytes, so it isn't text. Save it as"),
        (
            HEADER.encode() + b"7,Bl\xfcmchen,1",
            ("Line 2 of the file isn't UTF-8. Save it as “CSV UTF-8”."),
        ),
    ],
)
def test_what_is_no_csv_is_refused(store: MemoryStore, content: bytes, sentence: str) -> None:
    assert refusal(store, content).startswith(sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (HEADER, "The file has a header but no orders."),
        (
            "order;customer;sum;status\n",
            "The column “amount” is missing from the header; "
            "found: “order”, “customer”, “sum”, “status”." + OTHER_NAMES,
        ),
        (
            "a|b\n",
            "The columns “order”, “customer”, “amount” and “status” are missing from the "
            "header; found: “a|b”." + OTHER_NAMES,
        ),
        (
            ",".join(f"c{number}" for number in range(14)),
            "The columns “order”, “customer”, “amount” and “status” are missing from the "
            f"header; found: {', '.join(f'“c{number}”' for number in range(12))}, 2 more."
            + OTHER_NAMES,
        ),
        ("order,customer,amount,status,Amount\n", "The header names the column “amount” twice."),
        (
            HEADER + '7,"Ana,1,EUR,paid,\n8,Ben,1,EUR,paid,\n',
            "Line 2 has a quotation mark that isn't closed or is in the wrong place.",
        ),
        (
            HEADER + LINE + '\n8,"Ben" B.,1,EUR,paid,\n',
            "Line 4 has a quotation mark that isn't closed or is in the wrong place.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    store: MemoryStore, content: str, sentence: str
) -> None:
    assert refusal(store, content) == sentence


@pytest.mark.parametrize(
    ("line", "clause"),
    [
        (",Ana,1,EUR,returned,", "has no order"),
        ("8,,1,EUR,returned,", "has no customer"),
        ("8,Ana, ,EUR,returned,", "has no amount"),
        ("8,Ana,1,EUR,,", "has no status"),
        ("8,Ana,1,EUR,returned", "has 5 fields, but the header has 6"),
        ("8,Ana,1,234.50,EUR,returned,", "has 7 fields, but the header has 6"),
        ("8,Ana,-1.00,EUR,returned,", "has the negative amount “-1.00”"),
        (
            "8,Ana,9999999999,EUR,returned,",
            "has the amount “9999999999”; the limit is 999,999,999.99",
        ),
        (
            f"8,Ana,{'9' * 90},EUR,returned,",
            f"has the amount “{'9' * 40}…”; the limit is 999,999,999.99",
        ),
        ("8,Ana,1,euros,returned,", "has the currency “euros”. Write three letters, like EUR"),
        (f"8,{'Ana' * 90},1,EUR,returned,", "has more than 200 characters under “customer”"),
        ("7,Ben,1,EUR,returned,", "repeats the order “7” of line 2"),
        ("7,Ben,1,EUR,paid,", "repeats the order “7” of line 2"),
        (
            "8,Ben,1,USD,returned,",
            "has the currency USD, but line 2 has EUR. Send one file for",
        ),
        (
            "8,Ben,1,,returned,",
            "has the currency (none), but line 2 has EUR. Send one file",
        ),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(store: MemoryStore, line: str, clause: str) -> None:
    assert refusal(store, f"{HEADER}{LINE}{line}\n").startswith(f"Line 3 {clause}")


@pytest.mark.parametrize(
    "amount",
    [
        "ten",
        "NaN",
        "Infinity",
        "1e9",
        "1.2345",
        "1.",
        ".5",
        "€5",
        "5 EUR",
        "٣",
        '"1,5000"',
        "(31.20)",
        "--",
    ],
)
def test_what_is_no_amount_is_refused(store: MemoryStore, amount: str) -> None:
    cell = amount.strip('"')

    assert refusal(store, f"{HEADER}8,Ana,{amount},EUR,returned,\n") == (
        f"Line 2 has the amount “{cell}”. Write a number like 31.20 or 31,20, without a "
        "currency sign."
    )


@pytest.mark.parametrize("amount", ["1.234", "1,234", "999,000"])
def test_an_amount_that_means_two_things_is_refused(store: MemoryStore, amount: str) -> None:
    assert refusal(store, f'{HEADER}8,Ana,"{amount}",EUR,returned,\n') == (
        f"Line 2 has the ambiguous amount “{amount}”. Write it without thousands separators "
        "and with two decimals, like 1234.00."
    )


@pytest.mark.parametrize(
    "amount", ["1,234.50", "1.234,50", "1 234,50", "1\u202f234,5", "1'234.50", "1234.5"]
)
def test_thousands_that_mean_one_thing_are_read(store: MemoryStore, amount: str) -> None:
    run_id = start(store, f'{HEADER}8,Ana,"{amount}",EUR,returned,\n', limit=5000)

    assert result_of(store, run_id)["refunded"] == {"orders": 1, "amount": "1234.50"}


def test_two_ways_to_write_decimals_in_one_file_are_refused(store: MemoryStore) -> None:
    lines = '7,Ana,31.20,EUR,returned,\n8,Ben,"31,20",EUR,returned,\n'

    assert refusal(store, HEADER + lines) == (
        "Line 3 has the amount “31,20” with a decimal comma, but line 2 has a decimal point. "
        "Use the same decimal mark in all lines."
    )


def test_a_free_order_is_no_fault(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,0,EUR,returned,\n")

    assert result_of(store, run_id)["refunded"] == {"orders": 1, "amount": "0.00"}


def test_three_faults_are_named_and_the_others_counted(store: MemoryStore) -> None:
    lines = "".join(f"{order},Ana,,EUR,returned,\n" for order in range(5))

    assert refusal(store, HEADER + lines) == (
        "Line 2 has no amount. Line 3 has no amount. Line 4 has no amount. More errors: 2."
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_is_counted_as_an_editor_shows_it(store: MemoryStore, end: str) -> None:
    lines = [
        HEADER.strip(),
        '7,"Ana',
        'Blum",1,EUR,paid,"a',
        "",
        'b"',
        "",
        '8,"',
        '",1,EUR,returned,',
    ]

    assert refusal(store, end.join(lines)).startswith("Line 7 has no customer.")


@pytest.mark.slow
def test_a_hundred_thousand_orders_are_the_most(store: MemoryStore) -> None:
    lines = "".join(f"{order},Ana,1,EUR,paid,\n" for order in range(100_001))

    assert refusal(store, HEADER + lines) == "The file has more than 100,000 orders. Split it."


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("-1", "The limit is -1, but it must be zero or more."),
        ("NaN", "must be a number like 31.20."),
        ("much", "must be a number like 31.20."),
    ],
)
def test_a_limit_is_a_number_of_zero_or_more(store: MemoryStore, limit: str, sentence: str) -> None:
    assert refusal(store, HEADER + LINE, limit=limit, field="limit") == sentence


def test_a_limit_of_zero_asks_for_every_order(store: MemoryStore) -> None:
    run_id = start(store, HEADER + LINE, limit=0)

    assert asked(store, run_id) == ["approve"]
