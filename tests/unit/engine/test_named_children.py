"""Child runs of procedures that the code knows by their names."""

from typing import Any

from procedures.engine import Context, Procedure, procedure
from procedures.engine.declaration.known import use_procedures
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


def test_an_input_may_have_any_name() -> None:
    @procedure(name="odd")
    def odd(ctx: Context, procedure: str) -> str:
        return ctx.run_id and procedure

    with use_procedures(odd):
        run = run_procedure(parent, {"child": "odd", "inputs": {"procedure": "x"}})
    assert run.result == ["x", "x"]
