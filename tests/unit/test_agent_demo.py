"""The demo's agent: it pays back what finance allows, and its letter says so."""

from typing import Any

import pytest

from procedures.testing import Answer, run_procedure, script
from programs.agents.demo import answer_customer

LOST = {"mail": "Hello,\n\nmy lamp is cracked. What now?"}
LATE = {"mail": "Where is my order 2026-1189?"}


@pytest.mark.parametrize(
    ("inputs", "said", "words"),
    [
        ({}, {"action": True}, "We have paid back **41.10 €**"),
        ({}, {"action": Answer({"amount": "20"})}, "We have paid back **20 €**"),
        ({}, {"action": Answer(value=False, comment="It is too old.")}, "It is too old."),
        (LATE, {}, "**Pendant lamp, glass** (order 2026-1189). It is on its way."),
        (LOST, {"input": "It is 2026-1188.", "action": True}, "**156.00 €**"),
        ({"mail": "Is 2026-0001 broken?"}, {}, "we have no order 2026-0001"),
    ],
)
def test_the_letter_follows_from_what_people_decide(
    inputs: dict[str, Any], said: dict[str, Any], words: str
) -> None:
    run = run_procedure(answer_customer, inputs, humans=script(said))

    assert run.error is None, run.error
    assert words in run.result
    assert run.result.startswith("Dear customer,")
    assert run.written[[*run.written][-1]].strip() == run.result.strip()
