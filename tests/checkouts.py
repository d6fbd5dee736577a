"""Checkouts of other systems' programs, whose files are loaded as they are."""

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

Test = tuple[str, str, str]
"""A file, a class ("" for none) and a function."""


@contextmanager
def modules(given: Mapping[str, ModuleType], *theirs: str) -> Iterator[None]:
    """Have these modules until the end, and no others after it whose names begin like `theirs`."""
    before = {name: sys.modules.get(name) for name in given}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name in [*given, *sys.modules]:
            if name in given or name.startswith(theirs):
                sys.modules.pop(name, None)
        sys.modules.update({name: one for name, one in before.items() if one})


def load(name: str, file: Path) -> ModuleType:
    """Load a file as the module of that name; its annotations are looked up there."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def tests_of(checkout: str, names: tuple[str, ...]) -> list[Test]:
    """All tests of these files, by their names alone: nothing is imported yet."""
    if not checkout:
        return []
    found = []
    for name in names:
        of = ""
        for line in (Path(checkout) / "tests" / f"test_{name}.py").read_text().splitlines():
            if line.startswith("class Test"):
                of = line.split()[1].rstrip(":").partition("(")[0]
            elif line.strip().startswith(("async def test_", "def test_")):
                is_method = line.startswith(" ")
                found.append(
                    (name, of if is_method else "", line.split("def ")[1].partition("(")[0])
                )
    return found
