"""What docs/engine.md and docs/agents.md say is so, and it is everything an author can use."""

import ast
import re
from functools import cache
from typing import Any

import pytest

from dashboard.environment.variables import CHECKOUT
from procedures import engine
from procedures.engine import Context, Procedure, Response, Retry
from procedures.engine.declaration.steps import StepOptions
from procedures.engine.kinds.questions import RequestOptions
from tests.documents import Claim, Example, carried_out, examples, result_of

NAMES = ("engine.md", "steps.md", "families.md", "agents.md", "kinds.md")
PATHS = [CHECKOUT / "docs" / name for name in NAMES]
TEXT = "\n".join(path.read_text() for path in PATHS)
EXAMPLES = [example for path in PATHS for example in examples(path)]
CLAIMS = [claim for example in EXAMPLES for claim in example.claims]
IN_THE_REFERENCE = {
    *(name for name in engine.__all__ if name.endswith("Options")),
    *("AnswerError", "DefinitionError", "EngineError", "Fault", "FileGoneError", "FileStoreError"),
    *("InputError", "LeftOpenError", "OptionError", "QuestionError", "SizeError"),
    *("State", "StepTimeoutError", "Duration"),
}
"""No part of the lesson: docs/reference.md tells of them."""
"""What authors see in a traceback and need not name."""


@cache
def definitions() -> dict[str, Any]:
    """All that the examples define, one after another as in one module."""
    names: dict[str, Any] = {"__name__": "engine_document"}
    for example in EXAMPLES:
        exec(compile(example.source, "docs", "exec"), names)  # noqa: S102 (our own documents)
    return names


def public(owner: type) -> list[str]:
    return [name for name in vars(owner) if not name.startswith("_")]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.text[2:])
def test_a_run_ends_as_the_document_says(claim: Claim) -> None:
    assert result_of(carried_out(claim, definitions())) == claim.result


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.source.split("(")[0][-9:])
def test_every_procedure_of_an_example_is_run(example: Example) -> None:
    stores = [carried_out(claim, definitions()) for claim in example.claims]
    run = {one.procedure.name for store in stores for one in store.runs.values()}

    body = ast.parse(example.source).body
    functions = {one.name for one in body if isinstance(one, ast.FunctionDef)}
    defined = {name for name in functions if isinstance(definitions()[name], Procedure)}
    assert defined
    assert defined <= run


def test_every_example_and_every_arrow_is_one_of_these() -> None:
    assert TEXT.count("```python") == TEXT.count("```") / 2 == len(EXAMPLES)
    assert len(re.findall(r"^# .* → ", TEXT, re.MULTILINE)) == len(CLAIMS)


@pytest.mark.parametrize(
    "name",
    [
        *(f"ctx.{name}" for name in public(Context)),
        *(f"step.{name}" for name in ("attempt", "idempotency_key", "progress")),
        *StepOptions.__annotations__,
        *RequestOptions.__annotations__,
        *(name for name in Retry.__annotations__ if name in {"non_retryable", "deadline"}),
        *(name for name in Response.__annotations__ if name not in {"question", "key"}),
        *sorted(set(engine.__all__) - IN_THE_REFERENCE),
    ],
)
def test_everything_an_author_can_use_is_named(name: str) -> None:
    assert re.search(rf"(?<![\w.]){re.escape(name)}\b", TEXT) or (
        name.startswith("ctx.") and re.search(rf"\b{name.removeprefix('ctx.')}\(", TEXT)
    )


def test_it_is_learned_in_a_hundred_lines() -> None:
    """Without headings, fences, what becomes of the examples, and tables to look things up in."""
    lines = PATHS[0].read_text().splitlines()
    assert len([line for line in lines if line and not line.startswith(("#", "```", "|"))]) <= 100
