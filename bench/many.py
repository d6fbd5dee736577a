"""Hundreds of procedures of a large site; `BENCH_PROCEDURES` is their number."""

import os

from procedures.engine import Context, procedure
from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.roles import ROLES

PREFIX = "many_"
GROUPS = 1_000
"""The number of groups, of which each procedure names a few."""
NAMED = {"see": 3, "start": 8, "answer": 6, "operate": 2, "cancel": 1}
"""The number of groups that each procedure names for a role."""


def group_name(number: int) -> str:
    return f"team-{number % GROUPS:04}"


def define(number: int) -> Procedure:
    """Return a procedure that asks one of its groups, whose name is in its code."""
    group = group_name(number * 7)

    def ask(ctx: Context, order: str) -> bool:
        return bool(ctx.approve(f"Is the order {order} right?", assign=group))

    ask.__name__ = ask.__qualname__ = f"{PREFIX}{number:03}"
    roles = {
        role: [group_name(number * 7 + place * 31) for place in range(NAMED[role])]
        for role in ROLES
    }
    return procedure(title=f"Check order {number:03}", roles=roles)(ask)


globals().update(
    {
        f"{PREFIX}{number:03}": define(number)
        for number in range(int(os.environ.get("BENCH_PROCEDURES", "0")))
    }
)
