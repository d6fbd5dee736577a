"""Costs of steps: counted at once, also in attempts that fail or are lost."""

from decimal import Decimal
from typing import Any

import pytest

from dashboard.overview.words import spent_words
from procedures.engine import Context, OptionError, Retry, Step, procedure
from procedures.engine.execution.spending import added, checked_amounts
from procedures.testing import RehearsedRun, crash_test, run_procedure


def ask_model(step: Step) -> str:
    step.spend(requests=1)
    if step.attempt == 1:
        raise ConnectionError("The model is away.")
    step.spend(tokens=1200, USD=Decimal("0.0175"))
    return "Hello"


@procedure
def greet(ctx: Context) -> str:
    return ctx.step(ask_model, retry=Retry(2))


def spent(run: RehearsedRun) -> dict[str, Decimal]:
    return added(event.content.get("spent", {}) for event in run.events)


def test_every_attempt_counts() -> None:
    assert spent(run_procedure(greet)) == {
        "requests": 2,
        "tokens": 1200,
        "USD": Decimal("0.0175"),
    }


def test_what_a_lost_attempt_has_used_counts_too() -> None:
    counts: list[Decimal] = []

    def look(run: RehearsedRun) -> Any:
        counts.append(spent(run)["requests"])
        return run.result

    report = crash_test(greet, outcome=look)

    assert report.kills > 0
    assert min(counts) == 2
    assert max(counts) == 3


@pytest.mark.parametrize("amount", [-1, True, "1", float("nan"), float("inf"), None])
def test_anything_but_a_number_from_zero_is_refused(amount: Any) -> None:
    with pytest.raises(OptionError, match="tokens"):
        checked_amounts({"tokens": amount})


def test_sums_are_shown_in_words() -> None:
    sums = added([{"requests": "2", "USD": "0.0175"}, {"tokens": "1200", "requests": "1"}])

    assert spent_words(sums) == "3 requests · 0.0175 USD · 1,200 tokens"
    assert spent_words({"requests": Decimal(1), "tokens": Decimal(1)}) == "1 request · 1 token"
