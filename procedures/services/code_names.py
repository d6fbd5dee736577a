"""The groups, people and permissions that the installed code names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from procedures import registry
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.declaration.definition import digest_of
from procedures.engine.declaration.roles import LONGEST_ASSIGNEE

DEEPEST, MOST_VALUES = 6, 10_000
"""The limits of a search for strings in a value: how deep collections are nested, and how many
values of each collection are read."""
BETWEEN = re.compile(r"""[\r\n,;:=|()<>{}\[\]"'`]""")
AROUND = " \t-*"
PERMISSION = re.compile(r"perm:[\w.]+")
_known: WeakKeyDictionary[Definition, frozenset[str]] = WeakKeyDictionary()
"""The strings found in each definition. They needn't be forgotten when a procedure file is edited,
because reading the file again makes a new definition."""


class CodeName(NamedTuple):
    """The procedures that use the name of a group, user or permission.

    Names are written as in `assign=`: "finance", "@bob", "perm:shop.refund".
    """

    in_code: tuple[str, ...]
    """The names of the procedures whose code contains the name as a string."""
    in_roles: tuple[str, ...]
    """The names of the procedures whose declared `roles` contain the name as a group."""


def names_in_code() -> Mapping[str, CodeName]:
    """Return the strings in the installed code that may be names, with the procedures using them.

    A string may be the name of a group, user or permission; whether one exists must be looked up in
    the database. The strings come from the code of each procedure, the constants that it uses, the
    functions of the same package that it calls, and the text of its file. The groups in the
    declared roles of procedures are included.
    """
    return _names_in(tuple(registry.definitions().values()))


@lru_cache(maxsize=1)
def _names_in(definitions: tuple[Definition, ...]) -> Mapping[str, CodeName]:
    """Return the strings in these definitions; computed once, as long as they stay the same."""
    texts, roles = defaultdict(list), defaultdict(list)
    for definition in definitions:
        for text in _texts_of(definition):
            texts[text].append(definition.name)
        for name in {name for names in definition.roles.values() for name in names}:
            roles[name].append(definition.name)
    return {
        name: CodeName(tuple(sorted(texts.get(name, ()))), tuple(sorted(roles.get(name, ()))))
        for name in {*texts, *roles}
    }


def _texts_of(definition: Definition) -> frozenset[str]:
    if definition not in _known:
        fn: Any = definition.fn
        found = [*_texts_in(fn, set())] if isinstance(fn, FunctionType) else []
        found += _parts(_text_of(definition))
        _known[definition] = frozenset(text for text in found if _is_name(text))
    return _known[definition]


def _text_of(definition: Definition) -> str:
    """Return the text of the file that defines the procedure, or "" for Python code."""
    source = str(vars(definition).get("source", ""))
    return source if definition.version == digest_of(source) else ""


def _parts(text: str) -> list[str]:
    """Return the parts of a file's text, split at quotes, brackets and other delimiters."""
    return [part.strip(AROUND) for part in BETWEEN.split(text)] + PERMISSION.findall(text)


def _is_name(text: str) -> bool:
    """Return True if the text may be a name and can be used in a query.

    PostgreSQL rejects NUL and unpaired surrogates.
    """
    return 0 < len(text) <= LONGEST_ASSIGNEE and text.isprintable()


def _texts_in(fn: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Yield the string constants in a function's compiled code and in the functions that it calls.

    Only functions of the same package are searched.
    """
    # Without this, the search would never end for functions that call each other.
    if fn in seen:
        return
    seen.add(fn)
    yield from _strings([*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()])
    for code in _codes(fn.__code__):
        yield from _strings(one for one in code.co_consts if one != fn.__doc__)
    for used in _used_by(fn):
        if not isinstance(used, FunctionType):
            yield from _strings([used])
        elif _package(used) == _package(fn):
            yield from _texts_in(used, seen)


def _used_by(fn: FunctionType) -> list[Any]:
    """Return the values of the function's closure, and of the global names that its code uses."""
    names = {name for code in _codes(fn.__code__) for name in code.co_names}
    # An empty cell raises an error when its content is read; it equals another empty cell.
    cells = [cell.cell_contents for cell in fn.__closure__ or () if cell != CellType()]
    return [*cells, *(fn.__globals__.get(name) for name in names)]


def _package(fn: FunctionType) -> str:
    return str(fn.__module__).partition(".")[0]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a function's code and the code of the functions defined inside it."""
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _strings(values: Iterable[Any], depth: int = 0) -> Iterator[str]:
    """Yield the values that are strings, and the strings in nested collections.

    Collections are searched down to the level `DEEPEST`.
    """
    for value in islice(values, MOST_VALUES):
        inside = value.values() if isinstance(value, dict) else value
        if isinstance(value, str):
            yield value
        elif depth < DEEPEST and isinstance(value, dict | list | tuple | set | frozenset):
            yield from _strings(inside, depth + 1)
