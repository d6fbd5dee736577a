"""The Python of the documents: what a page defines, and the sessions that show what it prints."""

import ast
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from procedures.engine import Procedure

FENCE = re.compile(r"^```(python|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A fenced block of Python."""

    source: str


class Page:
    """A document whose Python is run: its blocks as one module, its sessions as one session."""

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, path.read_text()
        found = FENCE.findall(self.text)
        self.examples = [Example(source) for kind, source in found if kind == "python"]
        self.session = "\n".join(source for kind, source in found if kind == "pycon")

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """Everything that the examples define."""
        names: dict[str, Any] = {"__name__": self.path.stem}
        for example in self.examples:
            exec(compile(example.source, "a document", "exec"), names)  # noqa: S102 (ours)
        return names

    def complaints(self) -> list[str]:
        """Return what Python prints otherwise than the sessions of the page show."""
        found: list[str] = []
        name = self.path.name
        parsed = doctest.DocTestParser()
        session = parsed.get_doctest(self.session, dict(self.definitions), name, name, 0)
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(session, out=found.append)
        return found

    def procedures(self) -> set[str]:
        """Return the names of the procedures that the examples define."""
        functions = {
            one.name
            for example in self.examples
            for one in ast.parse(example.source).body
            if isinstance(one, ast.FunctionDef)
        }
        return {one for one in functions if isinstance(self.definitions[one], Procedure)}

    def carried_out(self) -> set[str]:
        """Return the names of the procedures that the sessions run, with their children."""
        typed = doctest.DocTestParser().get_examples(self.session)
        defined = "\n".join(one.source for one in self.examples)
        children = named_first(defined, {"call", "spawn", "map", "run_procedure", "crash_test"})
        run = named_first("".join(one.source for one in typed), {"run_procedure", "crash_test"})
        return {*run, *children}


def examples(path: Path) -> list[Example]:
    """Return the blocks of Python of a document."""
    return Page(path).examples


def named_first(source: str, functions: set[str]) -> Iterator[str]:
    """Yield the names that stand first in a call of one of these functions."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        called = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if called in functions and isinstance(call.args[0], ast.Name):
            yield call.args[0].id
