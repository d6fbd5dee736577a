"""The order of supplies: a conversation of twenty turns comes out the same wherever it dies."""

import pytest

from examples.supplies import GREETING, Ordered, order_supplies
from procedures.testing import Answer, People, crash_test, run_procedure, say, script


def people(*said: str, approves: bool = True) -> People:
    """People who say this one after another, and finance."""
    left = list(said)
    return script({"message": lambda _: left.pop(0), "approval": approves})


def test_what_people_say_is_ordered() -> None:
    run = run_procedure(order_supplies, humans=people("12 pens", "3 pads", "no pens", "Done"))

    assert run.result.items == {"pads": 3}
    assert run.result.reference in run.notices[-1]
    assert run.prompts[-1] == "Order 3 pads from Paper & Pens?"


def test_what_is_not_understood_is_asked_again() -> None:
    run = run_procedure(order_supplies, humans=people("pens!", "no ink", "1 pen", "done"))

    assert run.notices[1] == f"I didn't understand “pens!”. {GREETING}"
    assert run.notices[2] == "There are no ink in the order. It has nothing."


def test_nothing_is_ordered_without_words_or_approval() -> None:
    for said in (people("done"), people("1 pen", "done", approves=False)):
        assert run_procedure(order_supplies, humans=said).result == Ordered({})
    silent = script({"message": None})
    assert run_procedure(order_supplies, humans=silent).notices[-1] == "Nothing is ordered."


@pytest.mark.slow
def test_twenty_turns_come_out_the_same_wherever_the_worker_is_killed() -> None:
    turns = script(
        {
            "*What else?": lambda asked: _next(asked.prompt),
            "What do you need?*": "1 thing0",
            "approval": Answer(True, by="ann"),  # noqa: FBT003 (a value)
        }
    )
    report = crash_test(order_supplies, humans=turns, says=[say("Hurry.", after="1h")])

    assert len(report.undisturbed.result.items) == 19
    assert report.kills > 40


def _next(prompt: str) -> str:
    """The next thing by how many the order has, so that each run is told the same."""
    number = prompt.count(",") + 1
    return "done" if number == 19 else f"{number + 1} thing{number}"
