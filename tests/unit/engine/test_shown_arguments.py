"""Steps that show their arguments, and those that don't."""

from typing import Any

import pytest

from procedures.engine import Context, Retry, Step, procedure
from procedures.testing import run_procedure


def pay(order: str, amount: int = 5, *, step: Step) -> str:
    if step.attempt == 1:
        raise ConnectionError("away")
    return "paid"


@procedure
def shows(ctx: Context, is_shown: bool) -> Any:  # noqa: FBT001 (an input)
    return ctx.step(pay, "A-7", shown=is_shown, retry=Retry(2))


@procedure
def shows_what_has_no_json(ctx: Context) -> str:
    return ctx.step(str, object(), shown=True)


@pytest.mark.parametrize("is_shown", [True, False])
def test_each_attempt_tells_what_it_was_given(is_shown: bool) -> None:  # noqa: FBT001 (a case)
    run = run_procedure(shows, {"is_shown": is_shown})

    given = [one.content.get("given") for one in run.events if one.kind.startswith("step.")]
    assert given == [{"order": "A-7", "amount": 5} if is_shown else None] * 2


def test_an_argument_without_json_is_no_error() -> None:
    run = run_procedure(shows_what_has_no_json)

    assert run.error is None
    assert [one.content["given"] for one in run.events if "given" in one.content] == [{}]
