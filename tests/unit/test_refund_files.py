"""Which files `refund` reads, and what it says of those it cannot."""

import pytest

from procedures.engine.memory import MemoryStore
from tests.refunds import HEADER, LINE, answer, refunds, refusal, result_of, start

# Files as people have them


@pytest.mark.parametrize(
    "content",
    [
        HEADER + LINE,
        HEADER.replace("\n", "\r\n") + LINE.replace("\n", "\r\n"),
        "\ufeff" + HEADER + LINE,
        HEADER.upper() + LINE,
        HEADER.replace(",", " , ") + LINE.replace(",", "\t, "),
        '"order", "customer", "amount", "currency", "status", "reason"\n' + LINE,
        (HEADER + LINE).replace(",", ";"),
        (HEADER + LINE).replace(",", "\t"),
        (HEADER + LINE).replace(",", ";").replace("31.20", "31,20"),
        (HEADER + LINE).replace(",", "\t").replace("31.20", "31,2"),
        "\n" + HEADER + "\n" + LINE + ",,,,,\n\n",
        "note,reason,order,status,customer,currency,amount\n"
        '"a\nb",too small,7,returned,Ana,EUR,31.2',
    ],
)
def test_one_order_written_in_many_ways_is_read_alike(store: MemoryStore, content: str) -> None:
    run_id = start(store, content)

    [row] = refunds(store, run_id)
    read = [row[name] for name in ("order", "customer", "amount", "currency", "reason")]
    assert read == ["7", "Ana", "31.20", "EUR", "too small"]


def test_currency_and_reason_may_be_missing(store: MemoryStore) -> None:
    run_id = start(store, "order,customer,amount,status\n7,Ana,231.20,returned\n")

    assert store.runs[run_id].waits["approve"]["prompt"] == "Refund 231.20 for order 7 (Ana)?"


def test_no_cell_of_the_list_becomes_a_formula(store: MemoryStore) -> None:
    lines = [
        "=1,=HYPERLINK(A1),1.50,EUR,returned,+1 too many",
        "-7,@Home,2,EUR,returned,-",
        '8,"Blümchen, Café",3,EUR,returned,"=A1\n+A2"',
    ]
    run_id = start(store, HEADER + "\n".join(lines))

    cells = [(r["order"], r["customer"], r["amount"], r["reason"]) for r in refunds(store, run_id)]

    assert cells == [
        ("'=1", "'=HYPERLINK(A1)", "1.50", "'+1 too many"),
        ("-7", "'@Home", "2.00", "'-"),
        ("8", "Blümchen, Café", "3.00", "'=A1\n+A2"),
    ]


@pytest.mark.parametrize("comment", ["=A1", "+A1", "-A1", "@A1", "\tA1", "\rA1", "\nA1"])
def test_no_comment_becomes_a_formula(store: MemoryStore, comment: str) -> None:
    run_id = start(store, HEADER + "7,Ana,200,EUR,returned,\n")

    answer(store, run_id, yes=True, comment=comment)

    assert refunds(store, run_id)[0]["comment"] == f"'{comment}"


# Refused at the start


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf\r\n  \n", "The file is empty."),
        (b"%PDF-1.7 ...", "This is a PDF and not a CSV file: save it as “CSV UTF-8”."),
        (b"PK\x03\x04...", "This is an Excel or ZIP file and not a CSV file: save it as"),
        (b"\x89PNG\r\n\x1a\n", "This is a picture and not a CSV file: save it as “CSV UTF-8”."),
        ("order".encode("utf-16"), "This is a text in UTF-16 and not a CSV file: save it as"),
        (b"order\0,customer", "The file holds NUL bytes, as no text does: save it as"),
        (HEADER.encode() + b"7,Bl\xfcmchen,1", "Line 2 is not in UTF-8: save it as “CSV UTF-8”."),
    ],
)
def test_what_is_no_csv_is_refused(store: MemoryStore, content: bytes, sentence: str) -> None:
    assert refusal(store, content).startswith(sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (HEADER, "The file has a header and no orders."),
        (
            "order;customer;sum;status\n",
            "The column “amount” is missing from the header; "
            "found: “order”, “customer”, “sum”, “status”.",
        ),
        (
            "a|b\n",
            "The columns “order”, “customer”, “amount” and “status” are missing from the "
            "header; found: “a|b”.",
        ),
        (
            ",".join(f"c{number}" for number in range(14)),
            "The columns “order”, “customer”, “amount” and “status” are missing from the "
            f"header; found: {', '.join(f'“c{number}”' for number in range(12))}, 2 more.",
        ),
        ("order,customer,amount,status,Amount\n", "The header names the column “amount” twice."),
        (
            HEADER + '7,"Ana,1,EUR,paid,\n8,Ben,1,EUR,paid,\n',
            "Line 2 has a quotation mark that is not closed or stands in the wrong place.",
        ),
        (
            HEADER + LINE + '\n8,"Ben" B.,1,EUR,paid,\n',
            "Line 4 has a quotation mark that is not closed or stands in the wrong place.",
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
        (",Ana,1,EUR,paid,", "has no order"),
        ("8,,1,EUR,paid,", "has no customer"),
        ("8,Ana, ,EUR,paid,", "has no amount"),
        ("8,Ana,1,EUR,,", "has no status"),
        ("8,Ana,1,EUR,paid", "has 5 fields, the header has 6"),
        ("8,Ana,1,234.50,EUR,paid,", "has 7 fields, the header has 6"),
        ("8,Ana,-1.00,EUR,paid,", "has the negative amount “-1.00”"),
        ("8,Ana,9999999999,EUR,paid,", "has the amount “9999999999”: at most 999,999,999.99"),
        (f"8,Ana,{'9' * 90},EUR,paid,", f"has the amount “{'9' * 40}…”: at most 999,999,999.99"),
        ("8,Ana,1,euros,paid,", "has the currency “euros”: write three letters like EUR"),
        (f"8,{'Ana' * 90},1,EUR,paid,", "has more than 200 characters under “customer”"),
        ("7,Ben,1,EUR,paid,", "repeats order 7 of line 2"),
        ("8,Ben,1,USD,returned,", "is to be refunded in USD, line 2 in EUR: send one file for"),
        ("8,Ben,1,,returned,", "is to be refunded in no currency, line 2 in EUR: send one file"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(store: MemoryStore, line: str, clause: str) -> None:
    assert refusal(store, f"{HEADER}{LINE}{line}\n").startswith(f"Line 3 {clause}")


@pytest.mark.parametrize(
    "amount", ["ten", "NaN", "Infinity", "1e9", "1.234", "1.", ".5", "€5", "5 EUR", "٣", '"1,50"']
)
def test_what_is_no_amount_is_refused(store: MemoryStore, amount: str) -> None:
    cell = amount.strip('"')

    assert refusal(store, f"{HEADER}8,Ana,{amount},EUR,paid,\n") == (
        f"Line 2 has the amount “{cell}”: write a number like 31.20, "
        "without currency sign or thousands separators."
    )


def test_with_semicolons_thousands_separators_are_refused(store: MemoryStore) -> None:
    assert refusal(store, "order;customer;amount;status\n7;Ana;1.234,50;paid\n") == (
        "Line 2 has the amount “1.234,50”: write a number like 31.20 or 31,20, "
        "without currency sign or thousands separators."
    )


def test_a_free_order_is_no_fault(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,0,EUR,returned,\n")

    assert result_of(store, run_id)["refunded"] == {"orders": 1, "amount": "0.00"}


def test_three_faults_are_named_and_the_others_counted(store: MemoryStore) -> None:
    lines = "".join(f"{order},Ana,,EUR,paid,\n" for order in range(5))

    assert refusal(store, HEADER + lines) == (
        "Line 2 has no amount. Line 3 has no amount. Line 4 has no amount. And 2 more."
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_is_counted_as_an_editor_shows_it(store: MemoryStore, end: str) -> None:
    lines = [HEADER.strip(), '7,"Ana', 'Blum",1,EUR,paid,"a', "", 'b"', "", '8,"', '",1,EUR,paid,']

    assert refusal(store, end.join(lines)).startswith("Line 7 has no customer.")


def test_a_hundred_thousand_orders_are_the_most(store: MemoryStore) -> None:
    lines = "".join(f"{order},Ana,1,EUR,paid,\n" for order in range(100_001))

    assert refusal(store, HEADER + lines) == "The file has more than 100,000 orders: split it."


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("-1", "The limit is -1: it must be zero or more."),
        ("NaN", "must be a number like 31.20."),
        ("much", "must be a number like 31.20."),
    ],
)
def test_a_limit_is_a_number_of_zero_or_more(store: MemoryStore, limit: str, sentence: str) -> None:
    assert refusal(store, HEADER + LINE, limit=limit, field="limit") == sentence


def test_a_limit_of_zero_asks_for_every_order(store: MemoryStore) -> None:
    run_id = start(store, HEADER + LINE, limit=0)

    assert list(store.runs[run_id].waits) == ["approve"]
