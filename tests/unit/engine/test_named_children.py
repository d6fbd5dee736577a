"""Child runs of procedures that the code knows by their names."""

from typing import Any

import pytest

from procedures.engine import Context, Procedure, procedure
from procedures.engine.declaration.known import ProcedureLookup, use_procedures
from procedures.testing import crash_test, run_procedure


def greeting(words: str) -> Procedure:
    @procedure(name="greet")
    def greet(ctx: Context, name: str) -> str:
        return f"{words} {name}" if ctx.approve("Greet?") else ""

    return greet


@procedure
def parent(ctx: Context, child: str, inputs: dict[str, Any]) -> list[Any]:
    """Starts a child by its name, twice."""
    handle = ctx.spawn(child, **inputs)
    return [ctx.call(child, **inputs), handle.wait()]


def test_a_name_starts_that_procedure() -> None:
    with use_procedures(greeting("Hello")):
        report = crash_test(
            parent, {"child": "greet", "inputs": {"name": "Ann"}}, humans=lambda _: True
        )
    assert report.undisturbed.result == ["Hello Ann", "Hello Ann"]


def test_an_unknown_name_and_wrong_inputs_are_errors_of_the_call() -> None:
    with use_procedures(greeting("Hello")):
        unknown = run_procedure(parent, {"child": "great", "inputs": {}})
        wrong = run_procedure(parent, {"child": "greet", "inputs": {"names": "Ann"}})
    assert unknown.error
    assert unknown.error["message"] == "There is no procedure called 'great'."
    assert wrong.error
    assert wrong.error["type"] == "InputError"


def test_a_replay_needs_the_child_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site may have removed it by then, or have another text with other inputs."""
    known = iter([shipping])
    monkeypatch.setattr(ProcedureLookup, "find", lambda _: next(known, None))

    run = run_procedure(shipper, humans=lambda _: True)

    assert (run.result, next(known, None)) == ("shipped", None)


@procedure
def shipping(ctx: Context) -> str:
    return "shipped" if ctx.approve("Ship?") else ""


@procedure
def shipper(ctx: Context) -> str:
    handle = ctx.spawn("shipping")
    ctx.sleep(60)
    return str(handle.wait())


def test_an_input_may_have_any_name() -> None:
    @procedure(name="odd")
    def odd(ctx: Context, procedure: str) -> str:
        return ctx.run_id and procedure

    with use_procedures(odd):
        run = run_procedure(parent, {"child": "odd", "inputs": {"procedure": "x"}})
    assert run.result == ["x", "x"]
