"""The store in memory holds rows and decides nothing: it is short, and names no rule's words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp

from procedures.engine import memory
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.kinds import SHIPPED
from procedures.engine.kinds.kind import Outcome
from procedures.engine.lifecycle.signals import RECEIVED

MEMORY = memory.__name__
PACKAGES = ("procedures", "chat", "dashboard", "examples", "programs")
MOST_LINES = 250
SETS = ("decided", "finished", "elapsed")
WAITS = ("request", "timer", "signal", "child", "map", "set")
ASKED = tuple(kind.name for kind in SHIPPED)
RULED = {*RunStatus, *EventKind, *Outcome, *ASKED, *SETS, *WAITS, RECEIVED}
ENUMS = {RunStatus.__name__, EventKind.__name__, Outcome.__name__, "Status", "Kind"}
MEMBERS = {one.name for enum in (RunStatus, EventKind, Outcome) for one in enum}


def test_the_store_in_memory_names_no_status_kind_or_outcome() -> None:
    assert [(file.name, name) for file in own_files() for name in names_in(file.read_text())] == []


def test_the_store_in_memory_is_short_with_all_that_only_it_imports() -> None:
    files = own_files()

    assert Path(memory.__file__) in files
    assert sum(len(file.read_text().splitlines()) for file in files) <= MOST_LINES


def test_what_a_rule_would_name_is_found() -> None:
    source = (
        "from events import RunStatus as S\n"
        "run.status = RunStatus.QUEUED\n"
        'kind = "wait.closed"\n'
        "over = S.FAILED\n"
        'if wait["wait"] == "map": pass'
    )

    assert sorted(names_in(source)) == ["FAILED", "QUEUED", "RunStatus", "map", "wait.closed"]


def test_what_only_one_module_imports_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (
        ("store", "rows"),
        ("rows", "cells"),
        ("store", "events"),
        ("rules", "events"),
        ("kit", "store"),
    ):
        graph.add_import(importer=importer, imported=imported)

    assert only_for("store", graph) == {"store", "rows", "cells"}


def own_files() -> list[Path]:
    """The module, and each that nothing else of the product imports."""
    root = Path(memory.__file__).parents[2]
    graph = grimp.build_graph(*PACKAGES)
    paths = [root.joinpath(*name.split(".")) for name in sorted(only_for(MEMORY, graph))]
    found = [(path.with_suffix(".py"), path / "__init__.py") for path in paths]
    return [file for files in found for file in files if file.exists()]


def only_for(module: str, graph: grimp.ImportGraph) -> set[str]:
    own = {module, *(graph.find_descendants(module) if module in graph.modules else ())}
    while new := {
        one
        for mine in own
        for one in graph.find_modules_directly_imported_by(mine)
        if one not in own and graph.find_modules_that_directly_import(one) <= own
    }:
        own |= new
    return own


def names_in(source: str) -> Iterator[str]:
    """The words and the members of enumerations by which rules tell rows apart."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value in RULED:
            yield str(node.value)
        elif isinstance(node, ast.Attribute) and node.attr in {*MEMBERS, *ENUMS}:
            yield node.attr
        elif isinstance(node, ast.alias) and node.name.rpartition(".")[2] in ENUMS:
            yield node.name
