"""The store in memory decides nothing: it names no status, no kind and no outcome."""

import ast
from collections.abc import Iterator
from pathlib import Path

from procedures.engine import memory
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.kinds import SHIPPED
from procedures.engine.kinds.kind import Outcome
from procedures.engine.lifecycle.signals import RECEIVED

SETS = ("decided", "finished", "elapsed")
WAITS = ("request", "timer", "child", "map", "set")  # "signal" names a part of an opening, too
ASKED = tuple(kind.name for kind in SHIPPED)
RULED = {*RunStatus, *EventKind, *Outcome, *ASKED, *SETS, *WAITS, RECEIVED}
ENUMS = {RunStatus.__name__, EventKind.__name__, Outcome.__name__}


def test_the_store_in_memory_names_no_status_kind_or_outcome() -> None:
    assert memory.__file__
    files = sorted(Path(memory.__file__).parent.glob("*.py"))

    assert {file.name for file in files} >= {"rows.py", "store.py", "tables.py", "journal.py"}
    assert [(file.name, name) for file in files for name in names_in(file.read_text())] == []


def test_what_a_rule_would_name_is_found() -> None:
    assert list(names_in('run.status = RunStatus.QUEUED\nkind = "wait.closed"')) == [
        "RunStatus.QUEUED",
        "wait.closed",
    ]


def names_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value in RULED:
            yield str(node.value)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ENUMS:
            yield ast.unparse(node)
