"""The code of children in memory, where no registry knows it."""

import sys
from functools import cache
from itertools import chain

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import EngineError


@cache
def child_of(parent: Procedure, name: str) -> Procedure:
    """Return the child a parent means: one that its code can see, else any of that name."""
    fn = parent.fn
    seen = (*fn.__globals__.values(), *(cell.cell_contents for cell in fn.__closure__ or ()))
    modules = (list(getattr(one, "__dict__", {}).values()) for one in list(sys.modules.values()))
    for found in chain(seen, chain.from_iterable(modules)):
        if type(found) is Procedure and found.name == name:  # others may be lazy: left alone
            return found
    raise EngineError(f"No module here has a procedure called {name}.")
