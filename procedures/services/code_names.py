"""The groups, people and permissions that the installed code names, by which code it is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from procedures import registry
from procedures.engine.definition import Procedure as Definition

LONGEST_NAME = 150
"""Characters of a name that Django keeps of a user or group."""


class CodeName(NamedTuple):
    """A name that some code uses, in the language of `assign=`: "finance", "@bob", "perm:x.y"."""

    in_code: tuple[str, ...]
    """The procedures (by their names) whose code has it as a text, as it does in `assign=`."""
    in_roles: tuple[str, ...]
    """The procedures whose declared `roles` have it."""


def names_in_code() -> Mapping[str, CodeName]:
    """Return each text of the installed code that may name somebody, and each group of its roles.

    A text is any that stands in a procedure, in a constant that it uses, or in a function of its
    own package that it calls. Which of them name anybody, only the tables of users and groups tell.
    """
    texts, roles = defaultdict(list), defaultdict(list)
    for definition in registry.definitions().values():
        for text in _texts_of(definition):
            texts[text].append(definition.name)
        for name in {name for names in definition.roles.values() for name in names}:
            roles[name].append(definition.name)
    return {
        name: CodeName(tuple(sorted(texts.get(name, ()))), tuple(sorted(roles.get(name, ()))))
        for name in {*texts, *roles}
    }


@cache
def _texts_of(definition: Definition) -> frozenset[str]:
    fn: Any = definition.fn
    found = _texts_in(fn, set()) if isinstance(fn, FunctionType) else ()
    return frozenset(text for text in found if _is_name(text))


def _is_name(text: str) -> bool:
    """Whether it could be one: PostgreSQL does not even look for a NUL or half a surrogate pair."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()


def _texts_in(fn: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """The texts of compiled code: they are there also where the source is not."""
    if fn in seen:
        return
    seen.add(fn)
    package = fn.__module__.partition(".")[0]
    yield from _strings([*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()])
    for code in _codes(fn.__code__):
        yield from _strings(one for one in code.co_consts if one != fn.__doc__)
        for name in code.co_names:
            used = fn.__globals__.get(name)
            if not isinstance(used, FunctionType):
                yield from _strings([used])
            elif used.__module__.partition(".")[0] == package:
                yield from _texts_in(used, seen)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions inside it."""
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _strings(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _strings(value.values())
        elif isinstance(value, Collection) and not isinstance(value, bytes | range):
            yield from _strings(value)
