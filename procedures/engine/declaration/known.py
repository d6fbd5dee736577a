"""Finding a procedure when only its name is given."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import chain
from typing import ClassVar

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import DefinitionError, EngineError
from procedures.engine.values.spelling import short_repr

HERE: ContextVar[Mapping[str, Procedure] | None] = ContextVar("procedures", default=None)


class ProcedureLookup:
    """The function with which this process finds a procedure by its name.

    The host sets the function `find` once, when the process starts.
    """

    find: ClassVar[Callable[[str], Procedure | None]] = staticmethod(lambda _name: None)


@contextmanager
def use_procedures(*known: Procedure) -> Iterator[None]:
    """Let `find_procedure` find these procedures inside the block, and no others."""
    token = HERE.set({one.name: one for one in known})
    try:
        yield
    finally:
        HERE.reset(token)


def known_here(name: str) -> Procedure | None:
    """Return the procedure of that name that an enclosing `use_procedures` was given, or None."""
    return (HERE.get() or {}).get(name)


def find_procedure(name: str) -> Procedure:
    """Return the procedure of that name; raise `DefinitionError` if there is none."""
    here = HERE.get()
    found = ProcedureLookup.find(name) if here is None else here.get(name)
    if found is None:
        raise DefinitionError(f"There is no procedure called {short_repr(name)}.")
    return found


@cache
def procedure_near(parent: Procedure, name: str) -> Procedure:
    """Return the procedure of that name, found from the code of the parent run's procedure.

    First, the globals and the enclosing variables of the parent's function are searched, then all
    imported modules. Raises `EngineError` if none of these holds a procedure of that name.
    """
    fn = parent.fn
    cells = [cell.cell_contents for cell in fn.__closure__ or ()]
    inner = (one.values() for one in cells if isinstance(one, dict))
    seen = (*fn.__globals__.values(), *cells, *chain.from_iterable(inner))
    modules = (list(getattr(one, "__dict__", {}).values()) for one in list(sys.modules.values()))
    for found in chain(seen, chain.from_iterable(modules)):
        # Not `isinstance`, which would load lazy objects.
        if type(found) is Procedure and found.name == name:
            return found
    raise EngineError(f"No imported module has a procedure called {name}.")
