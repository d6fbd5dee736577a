"""Which files `refund` reads, and what it says of those it cannot."""

import pytest

from procedures.engine import File
from procedures.engine.values.files import use_file_store
from procedures.testing.memory import MemoryStore
from tests.refunds import HEADER, LINE, answer, asked, refunds, refusal, result_of, start, written

OTHER_NAMES = (
    " If the file uses other names, enter them under “columns”, like order = Name, amount = Total."
)

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

    delimiter = next(mark for mark in ";\t," if f"order{mark}" in written(store, run_id))
    [row] = refunds(store, run_id, delimiter)
    row["amount"] = row["amount"].replace(",", ".")
    read = [row[name] for name in ("order", "customer", "amount", "currency", "reason")]
    assert read == ["7", "Ana", "31.20", "EUR", "too small"]


EXPORTS = {
    "a hint for spreadsheets": "sep=;\n" + (HEADER + LINE).replace(",", ";"),
    "a quoted hint": '"sep=;"\r\n' + (HEADER + LINE).replace(",", ";"),
    "lines above the header": 'Orders of May\n\n"All amounts in EUR; ""net"""\n' + HEADER + LINE,
    "a title with separators": "Report;;;;;\nfrom;1 May;;;;\n" + (HEADER + LINE).replace(",", ";"),
    "an open quotation mark above": 'Orders of "May\n' + HEADER + LINE,
    "empty cells at the end of all lines": (HEADER + LINE).replace("\n", ",,\n"),
    "empty cells at the end of the header": HEADER.replace("\n", ",,\n") + LINE,
    "a decimal comma in quotation marks": HEADER + LINE.replace("31.20", '"31,20"'),
    "a negative amount of another status": HEADER + "5,Ben,-9.50,EUR,credited,\n" + LINE,
    "no amount and no customer elsewhere": HEADER + "5,,,,open,\n6,,free,,draft,\n" + LINE,
    "other currencies elsewhere": HEADER + "5,Ben,9.50,US dollars,paid,\n" + LINE,
    "more articles of one order": HEADER + LINE + "7,,,,,\n7,Ana,,EUR,,\n5,B,1,EUR,paid,\n5,,,,,\n",
    "an order twice that is not returned": HEADER + "5,B,1,,paid,\n5,B,2,,paid,\n" + LINE,
    "capitals": HEADER + LINE.replace("returned", "RETURNED"),
}


@pytest.mark.parametrize("content", EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_read_as_shops_write_it(store: MemoryStore, content: str) -> None:
    run_id = start(store, content)

    delimiter = ";" if "order;" in content else ","
    [row] = refunds(store, run_id, delimiter)
    assert (row["order"], row["amount"].replace(",", "."), row["customer"]) == ("7", "31.20", "Ana")
    assert result_of(store, run_id)["refunded"] == {"orders": 1, "amount": "31.20"}


STOREFRONT = """\
Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Lineitem name,Billing Name
#1001,ana@example.com,refunded,2026-05-02,EUR,26.22,31.20,Hat,Ana Blum
#1001,ana@example.com,,,,,,Scarf,
#1002,ben@example.com,paid,2026-05-03,EUR,8.40,10.00,Hat,Ben
"""
PAYMENTS = """\
"Date";"Name";"Type";"Status";"Currency";"Gross";"Fee";"Transaction ID"
"02.05.2026";"Ana Blum";"Payment";"Abgeschlossen";"EUR";"1.031,20";"-1,09";"8AB"
"03.05.2026";"";"Withdrawal";"Ausstehend";"EUR";"-2.000,00";"0,00";"9CD"
"""


@pytest.mark.parametrize(
    ("content", "columns", "statuses", "prompt"),
    [
        (
            STOREFRONT,
            "order = Name, customer = Billing Name, amount = Total, status = Financial Status",
            "refunded",
            "Refund 31.20 EUR for order #1001 (Ana Blum)?",
        ),
        (
            PAYMENTS,
            "ORDER=transaction id,customer=NAME,amount=Gross",
            "abgeschlossen, erstattet",
            "Refund 1,031.20 EUR for order 8AB (Ana Blum)?",
        ),
    ],
)
def test_columns_may_have_other_names(
    store: MemoryStore, content: str, columns: str, statuses: str, prompt: str
) -> None:
    run_id = start(store, content, limit=0, columns=columns, statuses=statuses)

    [key] = asked(store, run_id)
    assert store.runs[run_id].waits[key]["prompt"] == prompt


@pytest.mark.parametrize(
    ("columns", "clause"),
    [
        (
            "sum = Total",
            "“sum = Total” doesn't name a column. Write it like order = Name, amount = Total.",
        ),
        ("amount", "“amount” doesn't name a column"),
        ("amount =", "“amount =” doesn't name a column"),
        (
            "order = Amount",
            "Two of these name the same column of the file; give each its own.",
        ),
        (
            "order = A, customer = a",
            "Two of these name the same column of the file; give each its own.",
        ),
    ],
)
def test_names_of_columns_that_make_no_sense_are_refused(
    store: MemoryStore, columns: str, clause: str
) -> None:
    assert refusal(store, HEADER + LINE, columns=columns, field="columns").startswith(clause)


@pytest.mark.parametrize("statuses", ["", " , ", ","])
def test_no_status_at_all_is_refused(store: MemoryStore, statuses: str) -> None:
    assert refusal(store, HEADER + LINE, statuses=statuses, field="statuses") == (
        "Name at least one status, like “returned”."
    )


def test_a_renamed_column_that_is_missing_is_named_as_the_file_would(store: MemoryStore) -> None:
    assert refusal(store, HEADER + LINE, columns="amount = Total").startswith(
        "The column “total” is missing from the header; found: “order”,"
    )


@pytest.mark.parametrize("line", ["8,Ana,57,10,EUR,returned", "8,Ana,57,10,EUR,returned,"])
def test_an_amount_that_a_comma_divides_is_never_misread(store: MemoryStore, line: str) -> None:
    header = HEADER.replace("\n", ",\n")

    assert refusal(store, header + line) == (
        "Line 2 has an amount whose decimal comma splits it into two fields. Put the "
        "amount in quotation marks, or write a decimal point."
    )


def test_a_line_below_a_title_is_counted_from_the_top(store: MemoryStore) -> None:
    assert refusal(store, "Orders\n\n" + HEADER + LINE + "8,Ana,x,EUR,returned,\n").startswith(
        "Line 5 has the amount “x”"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "sep=;\r\norder;customer;amount;status\r\n7;Ana;31,2;returned\r\n",
            "\ufeffsep=;\r\norder;customer;amount;currency;reason;outcome;decided_by;comment\r\n"
            "7;Ana;31,20;;;refunded;system: limit;\r\n",
        ),
        (
            "order\tcustomer\tamount\tstatus\n7\tAna\t31.2\treturned\n",
            "\ufefforder\tcustomer\tamount\tcurrency\treason\toutcome\tdecided_by\tcomment\n"
            "7\tAna\t31.20\t\t\trefunded\tsystem: limit\t\n",
        ),
        (
            'order,customer,amount,status\n7,Ana,"31,2",returned\n',
            "\ufefforder,customer,amount,currency,reason,outcome,decided_by,comment\n"
            '7,Ana,"31,20",,,refunded,system: limit,\n',
        ),
    ],
)
def test_the_list_is_written_as_the_file_was(
    store: MemoryStore, content: str, expected: str
) -> None:
    run_id = start(store, content)

    with use_file_store(store.files):
        file = File(**result_of(store, run_id)["file"])
        assert file.read().decode() == expected


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


FORMULAS = ["=A1", "+A1", "-A1", "@A1", "\tA1", "\rA1", "\nA1", " =A1", "\u00a0+A1"]
WIDE_FORMULAS = ["\uff1dA1", "\uff0bA1", "\uff0dA1", "\uff20A1", "\u3000\uff1dA1"]


@pytest.mark.parametrize("comment", FORMULAS + WIDE_FORMULAS)
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
        "Use the same "
        "in all lines."
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
        ("-1", "The limit is -1, but must be zero or more."),
        ("NaN", "must be a number like 31.20."),
        ("much", "must be a number like 31.20."),
    ],
)
def test_a_limit_is_a_number_of_zero_or_more(store: MemoryStore, limit: str, sentence: str) -> None:
    assert refusal(store, HEADER + LINE, limit=limit, field="limit") == sentence


def test_a_limit_of_zero_asks_for_every_order(store: MemoryStore) -> None:
    run_id = start(store, HEADER + LINE, limit=0)

    assert asked(store, run_id) == ["approve"]
