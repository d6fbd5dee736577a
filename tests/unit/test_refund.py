"""The shipped procedure `refund`, from an upload to its result, over the journal in memory."""

from datetime import timedelta

import pytest

from procedures.engine.journal import EventKind, RunStatus, closing
from procedures.engine.memory import MemoryStore
from tests.refunds import (
    HEADER,
    LINE,
    SAMPLE,
    answer,
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
            "The list is refunds.csv."
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


def test_each_approval_has_its_own_two_hours(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,200,EUR,returned,\n8,Ben,300,EUR,returned,\n")
    store.travel(timedelta(hours=1, minutes=59))
    answer(store, run_id, yes=True)

    store.travel(timedelta(hours=1, minutes=59))
    status = store.advance(run_id)

    assert status == RunStatus.WAITING
    assert list(store.runs[run_id].waits) == ["approve#2"]


@pytest.mark.parametrize("status", ["paid", "shipped", "refunded", "cancelled"])
def test_only_a_returned_order_is_refunded(store: MemoryStore, status: str) -> None:
    run_id = start(store, f"{HEADER}7,Ana,500,EUR,{status},\n")

    assert refunds(store, run_id) == []
    assert contents(store, run_id, EventKind.NOTICE) == [
        {"text": "Orders read: 1; none returned. The list is refunds.csv."}
    ]


# Replay


def test_after_a_crash_nothing_is_asked_or_read_twice(store: MemoryStore) -> None:
    run_id = start(store, HEADER + "7,Ana,200,EUR,returned,\n8,Ben,300,EUR,returned,\n")
    answer(store, run_id, yes=True)
    store.resolve(run_id, "approve#2", closing("approved", True, responder="bob"))  # noqa: FBT003

    store.claim(run_id)  # by a worker that dies
    store.travel(timedelta(minutes=1))
    status = store.advance(run_id)

    assert status == RunStatus.SUCCEEDED
    assert keys(store, run_id, EventKind.WAIT_OPENED) == ["approve", "approve#2"]
    assert keys(store, run_id, EventKind.STEP_SUCCEEDED) == ["find_returned", "write_refunds"]
    assert len(contents(store, run_id, EventKind.NOTICE)) == 1


def test_the_journal_keeps_the_returned_orders_only(store: MemoryStore) -> None:
    run_id = start(store, SAMPLE.read_bytes())

    [found] = contents(store, run_id, EventKind.STEP_SUCCEEDED)

    assert found["result"]["read"] == 2000
    assert len(found["result"]["returned"]) == 60
