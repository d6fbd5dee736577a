"""Docstrings are whole sentences, imperatives or noun phrases, which stand alone."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "chat", "client", "dashboard", "examples", "procedures", "programs", "tests")
FRAGMENT = re.compile(
    r"(What|Whether|Those|As|That|Unless|But|Before|After|For|Where|When|Which|Who|Whom|Whose|Why|"
    r"How|With|Of)\b"
)
"""Openers of half sentences, which lean on the name above them."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""
        yield from docstrings_of_fields(node)


def docstrings_of_fields(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts that stand below an assignment."""
    body = getattr(node, "body", ())
    for name, text in pairwise(body if isinstance(body, list) else ()):
        match name, text:
            case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(told))):
                yield text.lineno, told


def fragments(source: str) -> list[int]:
    return [line for line, text in docstrings(source) if FRAGMENT.match(text)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_begins_like_half_a_sentence(package: str) -> None:
    files = [one for one in (ROOT / package).rglob("*.py") if "migrations" not in one.parts]
    found = [
        f"{file.relative_to(ROOT)}:{line}" for file in files for line in fragments(file.read_text())
    ]
    assert files
    assert found == []


@pytest.mark.parametrize("opener", ["What", "Whether", "Those", "As", "Who", "How", "With", "Of"])
def test_half_sentences_are_found(opener: str) -> None:
    assert fragments(f'class Run:\n    def end(self):\n        """{opener} it ends."""\n') == [2]
    assert fragments(f'"""{opener} it ends."""\n') == [1]
    assert fragments(f'END = "end"\n"""{opener} it ends."""\n') == [2]
    assert fragments('def end():\n    """Return what ended it, and asked it to."""\n') == []
