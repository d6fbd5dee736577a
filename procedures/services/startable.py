"""Procedures that somebody may start, read with everything that the start depends on."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from procedures import registry
from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import EngineError
from procedures.library import ACT_ON_RUNS, JOBS, VERIFY_SITE
from procedures.models import Grant, ProcedureVersion
from procedures.models.clock import clock
from procedures.models.procedure import version_from
from procedures.services.quotas import A_MINUTE, Quota
from procedures.store import sql
from procedures.users import User

WHERE_STARTED = {
    ACT_ON_RUNS: "To start it, choose “Act on all that match…” in Runs.",
    VERIFY_SITE: "To start it, choose Log and then Verification in the administration.",
}
"""A sentence for each of the site's jobs that says where people start it."""


class UnknownProcedureError(EngineError):
    """No procedure in the installed code has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no procedure called {name!r}.")


class BrokenProcedureError(EngineError):
    """The file of a procedure has faults, so the procedure can't be started."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The procedure {name!r} can't be started. {reason}")


class NotAllowedError(EngineError):
    """The user may see a procedure but not start it."""

    def __init__(self, definition: Definition) -> None:
        starters = Grant.objects.filter(procedure__name=definition.name, role="start")
        groups = ", ".join(starters.order_by("group__name").values_list("group__name", flat=True))
        words = f"You don't have permission to start {definition.title}."
        super().__init__(
            f"{words} Members of {groups} can." if groups else f"{words} Administrators can."
        )


class JobError(NotAllowedError):
    """The procedure is one of the site's jobs, which are started elsewhere."""

    def __init__(self, definition: Definition) -> None:
        words = f"{definition.title} can't be started like other procedures."
        EngineError.__init__(self, f"{words} {WHERE_STARTED[definition.name]}")


class StartsStoppedError(EngineError):
    """The site takes no new runs of the procedure for now; the notice says why."""

    def __init__(self, definition: Definition, notice: str) -> None:
        self.notice = notice
        super().__init__(f"No new runs of {definition.title} can be started now. {notice}")


CANT_BE_STARTED = (
    *(UnknownProcedureError, BrokenProcedureError, NotAllowedError),
    StartsStoppedError,
)


@dataclass(frozen=True)
class Startable:
    """A procedure that somebody may start, with what a start needs, read at one time."""

    definition: Definition
    by: User | None
    idempotency_key: str
    at: datetime
    version: ProcedureVersion | None
    """The row of the code version that this process has installed; None if the code isn't
    registered."""
    earlier: UUID | None
    """The id of the run that the same person started with the same idempotency key, or None."""
    quota: Quota
    program: str = ""
    """The name of the API token if a program starts the run; "" if a person does."""


def find_startable(
    name: str, *, by: User | None, idempotency_key: str = "", program: str = ""
) -> Startable:
    """Return the procedure with everything that a start depends on, if the user may start it.

    All of this is read by one query outside any transaction. Call this function before files
    are stored. Raises one of the errors in `CANT_BE_STARTED`.
    """
    definition = registry.find(name)
    if definition is None:
        if reason := registry.broken().get(name):
            raise BrokenProcedureError(name, reason)
        raise UnknownProcedureError(name)
    if name in JOBS:
        raise JobError(definition)
    if by is None:
        return _for_the_system(definition, idempotency_key)
    return replace(_for_a_person(definition, by, idempotency_key), program=program)


def _for_the_system(definition: Definition, key: str) -> Startable:
    found = sql.startable.fetch(clock.cell(), key, key, definition.version, definition.name)
    if not found:  # the procedure was never registered
        now = clock.now()
        return Startable(definition, None, key, now, None, None, Quota(now))
    [(*code, at, earlier, notice)] = found
    _check_stop(definition, earlier, notice)
    now = clock.read(at)
    version = version_from(definition.name, definition.version, *code)
    return Startable(definition, None, key, now, version, _id(earlier), Quota(now))


def _for_a_person(definition: Definition, by: User, key: str) -> Startable:
    starts, runs = conf.MOST_STARTS_A_MINUTE - 1, conf.MOST_OPEN_RUNS - 1
    found = sql.startable_by.fetch(
        *(clock.cell(), key, key, by.pk),
        *(by.pk, by.pk, clock.cell(later=-A_MINUTE), starts, by.pk, runs),
        *(definition.version, definition.name),
    )
    if not found:
        raise NotAllowedError(definition)
    [(*code, at, earlier, is_granted, filled_at, is_used_up, notice)] = found
    if not (is_granted or by.is_superuser):
        raise NotAllowedError(definition)
    _check_stop(definition, earlier, notice)
    now = clock.read(at)
    quota = Quota(now, clock.read(filled_at) if filled_at else None, bool(is_used_up))
    version = version_from(definition.name, definition.version, *code)
    return Startable(definition, by, key, now, version, _id(earlier), quota)


def _check_stop(definition: Definition, earlier: object, notice: str | None) -> None:
    # A request that is sent again starts nothing, and must return the earlier run.
    if notice is not None and not earlier:
        raise StartsStoppedError(definition, notice)


def _id(found: Any) -> UUID | None:
    return UUID(str(found)) if found else None
