"""The files that `refund` reads, as people have them."""

import pytest

from procedures.engine import File
from procedures.engine.values.files import use_file_store
from procedures.testing.memory import MemoryStore
from tests.refunds import HEADER, LINE, answer, asked, refunds, refusal, result_of, start, written


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
            "Two of these columns have the same name in the file. Give each its own name.",
        ),
        (
            "order = A, customer = a",
            "Two of these columns have the same name in the file. Give each its own name.",
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
