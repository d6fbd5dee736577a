"""The statements that are written by hand: each by its name in one place, and none in a model."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from procedures.store.statements import BEGINS, Statements

ROOT = Path(__file__).parents[2]
PACKAGES = ("procedures", "chat")
SQL = re.compile(
    r"^\s*(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH)\s+\S+|\bFROM\s+\S+\s+(WHERE|JOIN)\b"
    r"|\bWHERE\s+\S+\s*(=|IN\b|<|>)|\bFOR\s+(NO\s+KEY\s+)?UPDATE\b"
)
"""The beginnings and the middle of statements, in capitals as everywhere here."""


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def texts(path: Path) -> Iterator[str]:
    """Every text of a module besides docstrings, those of parts of f-strings among them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sql_in(path: Path) -> list[str]:
    return [text for text in texts(path) if SQL.search(text)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_model_holds_sql(package: str) -> None:
    found = {path.name: sql_in(path) for path in sources(f"{package}/models")}

    assert found
    assert not {name: texts for name, texts in found.items() if texts}


def test_a_statement_in_a_module_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    for text in (
        "SELECT 1 FROM x",
        "UPDATE x SET y = 1",
        " FROM x WHERE y = 1",
        "x WHERE id IN (1)",
        "FOR NO KEY UPDATE",
        "INSERT INTO x VALUES (1)",
        "DELETE FROM x",
    ):
        module.write_text(f"TEXT = f{text!r}")
        assert sql_in(module) == [text]


def named(package: str) -> dict[str, list[str]]:
    """The files that each statement stands in."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / package / "store" / "sql").glob("*.sql")):
        for kind, name in BEGINS.findall(path.read_text()):
            if kind == "name":
                found.setdefault(name, []).append(path.stem)
    return found


def used(package: str) -> set[str]:
    """The statements that the code names, without the methods of their collection."""
    owners = {"procedures": ("procedures", "dashboard"), "chat": ("chat",)}[package]
    names = set()
    for path in sources(*owners):
        tree = ast.parse(path.read_text())
        if f"from {package}.store import sql" in path.read_text():
            names |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "sql"
            }
    return names - set(dir(Statements))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_statement_is_used_and_each_that_is_used_is_there(package: str) -> None:
    assert used(package) == named(package).keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_statement_stands_in_two_places_for_one_database(package: str) -> None:
    for name, files in named(package).items():
        assert len(set(files)) == len(files), name
        assert files == ["both"] or "both" not in files, name


@pytest.mark.parametrize("package", PACKAGES)
def test_each_statement_says_what_it_guarantees(package: str) -> None:
    for path in sorted((ROOT / package / "store" / "sql").glob("*.sql")):
        _, *blocks = BEGINS.split(path.read_text())
        for kind, name, block in zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True):
            assert kind == "part" or block.lstrip().startswith("-- "), f"{path.name}: {name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_statement_names_a_table(package: str) -> None:
    """Tables are called as their models say."""
    for path in sorted((ROOT / package / "store" / "sql").glob("*.sql")):
        assert not re.search(r"\b(procedures|chat|auth|countersign)_\w+", path.read_text())
