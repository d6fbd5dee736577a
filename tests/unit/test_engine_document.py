"""The documents for authors print true output, and name everything an author can use."""

import re

import pytest

from dashboard.environment.variables import CHECKOUT
from procedures import engine
from procedures.engine import Context, Response, Retry
from procedures.engine.declaration.steps import StepOptions
from procedures.engine.kinds.request_options import RequestOptions
from tests.documents import Page

NAMES = (
    *("engine.md", "questions.md", "steps.md", "families.md", "runtime_names.md", "kinds.md"),
    *("limits.md", "how_it_works.md", "how_to.md", "conversations.md", "chat.md", "ai_agents.md"),
)
PAGES = [Page(CHECKOUT / "docs" / name) for name in NAMES]
UNTRIED = ("procedure_files.md", "asking_people.md", "graphs.md")
"""Documents with examples that need more than Python, or that other tests try."""
TEXT = "\n".join(
    [*(page.text for page in PAGES), *((CHECKOUT / "docs" / name).read_text() for name in UNTRIED)]
)
IN_THE_REFERENCE = {
    *(name for name in engine.__all__ if name.endswith("Options")),
    *("AnswerError", "DefinitionError", "EngineError", "Fault", "FileGoneError", "FileStoreError"),
    *("InputError", "LeftOpenError", "OptionError", "QuestionError", "SizeError"),
    *("State", "StepTimeoutError", "Duration"),
}
"""Names that the lesson may leave to docs/reference.md."""


def public(owner: type) -> list[str]:
    return [name for name in vars(owner) if not name.startswith("_")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_every_example_prints_what_the_document_shows(page: Page) -> None:
    assert page.complaints() == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_every_procedure_of_an_example_is_run(page: Page) -> None:
    assert page.procedures()
    assert page.procedures() <= page.carried_out()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_every_block_of_python_is_run(page: Page) -> None:
    """A fence that is written otherwise would be passed by."""
    sessions = page.text.count("```pycon\n")
    assert page.text.count("```py") == len(page.examples) + sessions
    assert page.session.count(">>> ") >= sessions > 0


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
    """The count leaves out headings, fences, tables to look things up in, and printed output."""
    lesson = re.sub(r"^```pycon\n.*?^```$", "", PAGES[0].text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in lesson.splitlines() if line]
    assert len([line for line in lines if not line.startswith(("#", "```", "|"))]) <= 100
