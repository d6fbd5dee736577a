"""The shipped procedure `refund`, from an upload to its result, over the journal in memory."""

from datetime import timedelta
from decimal import localcontext

import pytest

from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.testing.memory import MemoryStore
from tests.refunds import (
    HEADER,
    LINE,
    SAMPLE,
    answer,
    asked,
    contents,
    keys,
    refunds,
    result_of,
    start,
    verdict,
)

LONGER_THAN_AN_APPROVAL_WAITS = timedelta(hours=2, seconds=1)


# The sample


def test_the_sample_asks_five_times_and_ends_with_a_list_of_sixty(store: MemoryStore) -> None:
    run_id = start(store, SAMPLE.read_bytes())
    answer(store, run_id, yes=True)
    answer(store, run_id, yes=True)
    answer(store, run_id, yes=False, comment="=Never")
    answer(store, run_id, yes=True)

    store.travel(LONGER_THAN_AN_APPROVAL_WAITS)
    status = store.advance(run_id)

    result = result_of(store, run_id)
    assert status == RunStatus.SUCCEEDED
    assert result["read"] == 2000
    assert result["refunded"] == {"orders": 58, "amount": "3634.41"}
    assert result["refused"] == {"orders": 1, "amount": "100.01"}
    assert result["unanswered"] == {"orders": 1, "amount": "1280.00"}
    assert len(refunds(store, run_id)) == 60


def test_the_list_says_who_decided_and_why(store: MemoryStore) -> None:
    run_id = start(store, SAMPLE.read_bytes(), limit="200")
    answer(store, run_id, yes=True, by="bob")
    answer(store, run_id, yes=False, by="bob", comment="Too late.")
    store.travel(LONGER_THAN_AN_APPROVAL_WAITS)
    store.advance(run_id)

    decided = {row["order"]: row for row in refunds(store, run_id)}

    assert verdict(decided["9350"]) == ("refunded", "system: limit", "")
    assert verdict(decided["9437"]) == ("refunded", "bob", "")
    assert verdict(decided["10482"]) == ("refused", "bob", "Too late.")
    assert verdict(decided["10744"]) == ("no answer in time", "system: deadline", "")


def test_the_run_page_names_its_stages_and_what_was_found(store: MemoryStore) -> None:
    run_id = start(store, HEADER + LINE + "9,Uma,5,EUR,paid,\n")

    stages = [stage["stage"] for stage in contents(store, run_id, EventKind.STAGE)]
    [found] = contents(store, run_id, EventKind.LOG)

    assert stages == ["Read the orders", "Decide", "Write the result"]
    assert found["text"] == "Orders read: 2; returned: 1; above the limit: 0."


def test_everybody_is_told_the_totals_at_the_end(store: MemoryStore) -> None:
    run_id = start(store, HEADER + LINE + "8,Ben,231.20,EUR,returned,\n9,Uma,5,EUR,paid,\n")
    answer(store, run_id, yes=False)

    assert contents(store, run_id, EventKind.NOTICE) == [
        {
            "text": "Orders read: 3; refunded: 1 (31.20 EUR); refused: 1 (231.20 EUR). "
            "They are listed in refunds.csv."
        }
    ]


# What is asked


def test_an_approval_shows_the_order_and_waits_two_hours(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "10482,Ana Blum,231.2,eur,Returned,too small\n")

    question = store.runs[run_id].waits["approve"]

    assert question["prompt"] == "Refund 231.20 EUR for order 10482 (Ana Blum)?"
    assert question["labels"] == {"true": "Refund 231.20 EUR", "false": "Do not refund"}
    assert (question["expires"], question["default"]) == (2 * 60 * 60, False)
    assert question["evidence"] == {
        "line": 2,
        "order": "10482",
        "customer": "Ana Blum",
        "amount": "231.20",
        "currency": "EUR",
        "status": "returned",
        "reason": "too small",
    }


def test_an_amount_at_the_limit_is_refunded_without_asking(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,31.20,EUR,returned,\n", limit="31.20")

    assert store.runs[run_id].status == RunStatus.SUCCEEDED
    assert verdict(refunds(store, run_id)[0]) == ("refunded", "system: limit", "")


def test_an_amount_a_cent_above_the_limit_is_asked_for(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,31.21,EUR,returned,\n", limit="31.20")

    assert store.runs[run_id].status == RunStatus.WAITING


def test_all_are_asked_for_at_once_and_answered_in_any_order(store: MemoryStore) -> None:
    run_id = start(store, lines_of(3))

    assert asked(store, run_id) == ["approve", "approve#2", "approve#3"]
    for key, yes in (("approve#3", True), ("approve", False), ("approve#2", True)):
        store.resolve(run_id, key, closing("approved" if yes else "rejected", yes, responder="bob"))
    store.advance(run_id)

    assert [row["outcome"] for row in refunds(store, run_id)] == ["refused", "refunded", "refunded"]


def test_what_is_not_answered_within_two_hours_is_not_refunded(store: MemoryStore) -> None:
    run_id = start(store, lines_of(2))
    answer(store, run_id, yes=True)

    store.travel(LONGER_THAN_AN_APPROVAL_WAITS)
    store.advance(run_id)

    outcomes = [row["outcome"] for row in refunds(store, run_id)]
    assert outcomes == ["refunded", "no answer in time"]


# Many orders


def test_twenty_orders_are_asked_for_one_by_one(store: MemoryStore) -> None:
    run_id = start(store, lines_of(20))

    assert len(asked(store, run_id)) == 20


def test_more_than_twenty_are_asked_for_in_groups(store: MemoryStore) -> None:
    run_id = start(store, lines_of(41))

    first = store.runs[run_id].waits[asked(store, run_id)[0]]
    assert len(asked(store, run_id)) == 3
    assert first["prompt"] == "Refund 13 orders, 2,678.00 EUR in all?"
    assert [row["order"] for row in first["evidence"]["orders"]] == [str(n) for n in range(13)]
    assert (first["expires"], first["default"]) == (2 * 60 * 60, "none")


def test_a_group_is_decided_as_a_whole_or_one_by_one(store: MemoryStore) -> None:
    run_id = start(store, lines_of(41))
    for key, choice in zip(asked(store, run_id), ("all", "each", "none"), strict=True):
        store.resolve(run_id, key, closing("answered", choice, responder="bob"))
    store.advance(run_id)

    assert len(asked(store, run_id)) == 14
    for key in asked(store, run_id):
        store.resolve(run_id, key, closing("rejected", False, responder="cem"))  # noqa: FBT003
    store.advance(run_id)

    rows = refunds(store, run_id)
    by_group = [rows[0], rows[13], rows[27]]
    assert [row["order"] for row in rows] == [str(number) for number in range(41)]
    assert [row["outcome"] for row in by_group] == ["refunded", "refused", "refused"]
    assert [row["decided_by"] for row in by_group] == ["bob", "cem", "bob"]


def test_a_large_group_is_divided_again_and_lists_its_largest_orders(store: MemoryStore) -> None:
    run_id = start(store, lines_of(2000))

    keys = asked(store, run_id)
    evidence = store.runs[run_id].waits[keys[0]]["evidence"]
    assert len(keys) == 20
    assert (len(evidence["largest"]), evidence["others"]) == (50, 50)
    assert evidence["others_amount"] == str(sum(200 + number for number in range(50))) + ".00"

    store.resolve(run_id, keys[0], closing("answered", "each", responder="bob"))
    store.advance(run_id)

    assert len(asked(store, run_id)) == 19 + 5


def test_a_group_that_nobody_answers_is_not_refunded(store: MemoryStore) -> None:
    run_id = start(store, lines_of(21))

    store.travel(LONGER_THAN_AN_APPROVAL_WAITS)
    store.advance(run_id)

    assert {row["outcome"] for row in refunds(store, run_id)} == {"no answer in time"}


def lines_of(count: int) -> str:
    """The lines of a file with that many returned orders above the limit."""
    return HEADER + "".join(f"{n},Ana,{200 + n},EUR,returned,\n" for n in range(count))


# Other statuses, and sums


@pytest.mark.parametrize("status", ["paid", "shipped", "refunded", "cancelled"])
def test_only_a_returned_order_is_refunded(store: MemoryStore, status: str) -> None:
    run_id = start(store, f"{HEADER}7,Ana,500,EUR,{status},\n")

    assert refunds(store, run_id) == []
    assert contents(store, run_id, EventKind.NOTICE) == [
        {"text": "Orders read: 1; none returned. They are listed in refunds.csv."},
        {
            "text": "Nothing was refunded: no order has the status “returned”. Found: "
            f"“{status}” (1). If one of them means returned, start again and enter "
            "it under “statuses”.",
            "level": "warning",
        },
    ]


def test_a_status_in_another_language_is_named_at_the_start(store: MemoryStore) -> None:
    lines = "7,Ana,50,EUR,Retourniert,\n8,Ben,60,EUR,bezahlt,\n9,Cem,70,EUR,RÜCKSENDUNG,\n"

    run_id = start(store, HEADER + lines, statuses="retourniert, Rücksendung")

    assert [row["order"] for row in refunds(store, run_id)] == ["7", "9"]
    assert result_of(store, run_id)["statuses"] == [
        {"status": "retourniert", "orders": 1},
        {"status": "bezahlt", "orders": 1},
        {"status": "rücksendung", "orders": 1},
    ]


def test_decimals_that_a_library_has_cut_short_change_no_sum(store: MemoryStore) -> None:
    with localcontext(prec=5):
        run_id = start(
            store, HEADER + "7,Ana,999.95,EUR,returned,\n8,B,70.10,EUR,returned,\n", limit=9999
        )

    assert result_of(store, run_id)["refunded"] == {"orders": 2, "amount": "1070.05"}


# Replay


def test_after_a_crash_nothing_is_asked_or_read_twice(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,200,EUR,returned,\n8,Ben,300,EUR,returned,\n")
    answer(store, run_id, yes=True)
    store.resolve(run_id, "approve#2", closing("approved", True, responder="bob"))  # noqa: FBT003

    store.claim(run_id)  # by a worker that dies
    store.travel(timedelta(minutes=1))
    status = store.advance(run_id)

    assert status == RunStatus.SUCCEEDED
    assert asked_ever(store, run_id) == ["approve", "approve#2"]
    assert keys(store, run_id, EventKind.STEP_SUCCEEDED) == ["find_returned", "write_refunds"]
    assert len(contents(store, run_id, EventKind.NOTICE)) == 1


def test_the_journal_keeps_the_returned_orders_only(store: MemoryStore) -> None:
    run_id = start(store, SAMPLE.read_bytes())

    [found] = contents(store, run_id, EventKind.STEP_SUCCEEDED)

    assert sum(count["orders"] for count in found["result"]["statuses"]) == 2000
    assert len(found["result"]["returned"]) == 60


def asked_ever(store: MemoryStore, run_id: str) -> list[str]:
    return [key for key in keys(store, run_id, EventKind.WAIT_OPENED) if key != "wait_all"]
