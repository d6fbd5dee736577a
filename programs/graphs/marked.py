"""YAML as data: mappings and lists that know the line numbers of their keys and items."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import yaml

from procedures.engine import EngineError, ProcedureFileError
from programs.fenced_yaml import compose_yaml

WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
TEXT, WHOLE, REAL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


class NumberedMapping(dict[str, Any]):
    """A mapping in a YAML text, with the number of its first line, and of each key's line."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


class Items(list[Any]):
    """A list in a YAML text, with the number of the line of each item."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []

    def numbered(self) -> Iterator[tuple[int, Any]]:
        return zip(self.lines, self, strict=True)


def read_yaml(text: str) -> Any:
    """Return the data in a YAML text.

    Raises `ProcedureFileError` for data that JSON can't express.
    """
    return _value_of(compose_yaml(text))


def plain(value: Any) -> Any:
    """Return the value with ordinary dicts and lists in place of `NumberedMapping` and `Items`."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


@contextmanager
def at_line(line: int) -> Iterator[None]:
    """Turn errors that are raised inside the block into a `ProcedureFileError` with this line."""
    try:
        yield
    except ProcedureFileError:
        raise
    except EngineError as error:
        raise ProcedureFileError(str(error), line=line) from None
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # a value of another type
        raise ProcedureFileError(f"This value can't be used: {error}.", line=line) from None


def _value_of(node: yaml.Node) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node.value, line)
    if isinstance(node, yaml.SequenceNode):
        items = Items()
        for one in node.value:
            items.append(_value_of(one))
            items.lines.append(one.start_mark.line + 1)
        return items
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node)


def _mapping(pairs: Sequence[tuple[yaml.Node, yaml.Node]], line: int) -> NumberedMapping:
    made = NumberedMapping(line)
    for key, value in pairs:
        made[key.value] = _value_of(value)
        made.lines[key.value] = key.start_mark.line + 1
    return made


def _scalar(node: yaml.ScalarNode) -> Any:
    """Return a string, a number, True, False or None.

    Words such as `on`, and dates, stay strings, although YAML reads them as other values.
    """
    if node.style or node.tag == TEXT:
        return node.value
    if node.value.lower() in WORDS:
        return WORDS[node.value.lower()]
    for tag, kind in ((WHOLE, int), (REAL, float)):
        if node.tag == tag:
            try:
                return kind(node.value)
            except ValueError:  # an octal number, a time of day: only YAML reads them as numbers
                return node.value
    return node.value
