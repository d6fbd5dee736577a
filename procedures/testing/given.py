"""Files that a test gives: among the inputs of a run, or in an answer."""

from dataclasses import dataclass
from typing import Any

from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.options import check_json, check_kind, check_text, with_fields


@with_fields("GivenFile")
@dataclass(frozen=True)
class GivenFile:
    """A file that a test gives among the inputs or in an answer.

    Example: `{"orders": GivenFile("orders.csv", text)}`.
    """

    name: str
    content: bytes | str

    def __post_init__(self) -> None:
        check_json("name of a GivenFile", check_text("name of a GivenFile", self.name))
        check_kind("content of a GivenFile", self.content, bytes | str, "bytes or a string")

    def stored(self) -> File:
        """Store the file in the current file store, and return a reference to it."""
        return File.store(self.name, self.content)


def without_files(value: Any) -> Any:
    """Return an answer with None in place of each file, so that the rest can be checked as JSON."""
    if isinstance(value, GivenFile | File):
        return None
    try:
        if isinstance(value, dict):
            return {name: without_files(one) for name, one in value.items()}
        return [without_files(one) for one in value] if isinstance(value, list) else value
    except RecursionError:  # it contains itself, which is refused when it is stored
        return value


def with_stored_files(value: Any) -> Any:
    """Store each `GivenFile` in a value, and return the value with references instead."""
    if isinstance(value, GivenFile):
        return value.stored()
    if isinstance(value, dict):
        return {name: with_stored_files(one) for name, one in value.items()}
    return [with_stored_files(one) for one in value] if isinstance(value, list) else value


def as_answer(value: Any) -> Any:
    """Return an answer as plain JSON, in which references to stored files replace its files."""
    if isinstance(value, GivenFile):
        return value.stored()
    if isinstance(value, dict):
        return {name: as_answer(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_answer(one) for one in value]
    return value if isinstance(value, File) else canonical.jsonable(value)
