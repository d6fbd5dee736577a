"""The start of new runs."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from procedures import access, registry
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import EngineError
from procedures.engine.journal.large import is_same, put_aside
from procedures.engine.lifecycle.start import begin_run
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.journal import DatabaseStore
from procedures.models import Grant, Run
from procedures.models.clock import clock
from procedures.services.quotas import check_quota
from procedures.users import User


class UnknownProcedureError(EngineError):
    """There is no procedure of that name in the installed code."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no procedure called {name!r}.")


class BrokenProcedureError(EngineError):
    """The file of a procedure can't be read as it is now."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The procedure {name!r} can't be started. {reason}")


class KeyReusedError(EngineError):
    """An idempotency key was reused with other inputs."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} was already used with other inputs.")


class NotAllowedError(EngineError):
    """The user may see a procedure but not start it."""

    def __init__(self, definition: Definition) -> None:
        starters = Grant.objects.filter(procedure__name=definition.name, role="start")
        groups = ", ".join(starters.order_by("group__name").values_list("group__name", flat=True))
        words = f"You don't have permission to start {definition.title}."
        super().__init__(
            f"{words} Members of {groups} can." if groups else f"{words} Administrators can."
        )


def find_startable(name: str, *, by: User | None) -> Definition:
    """Return the procedure if the user may start it; call it before files are stored.

    Raises `UnknownProcedureError`, `BrokenProcedureError` or `NotAllowedError`.
    """
    definition = registry.find(name)
    if definition is None:
        if reason := registry.broken().get(name):
            raise BrokenProcedureError(name, reason)
        raise UnknownProcedureError(name)
    if by and not access.procedures_for(by, "start").filter(name=name).exists():
        raise NotAllowedError(definition)
    return definition


def start_run(
    name: str, inputs: Mapping[str, Any], *, by: User | None, idempotency_key: str = ""
) -> tuple[Run, bool]:
    """Start a run. If the same person repeats the key, return the same run, and False."""
    definition = find_startable(name, by=by)
    with use_file_store(ContentStore()):
        parsed = definition.parse(inputs)
        text = put_aside(definition.dump(parsed))
    start = Start(definition, text, by, idempotency_key)

    def write(run: Run) -> None:
        begin_run(DatabaseStore(run.created_at), run, files=files_in(parsed))

    return start.begin(write)


@dataclass(frozen=True)
class Start:
    """A run to start: its procedure, its inputs, and who starts it."""

    definition: Definition
    inputs: str
    """The inputs as stored in the run's row; large inputs are stored outside it."""
    by: User | None
    idempotency_key: str
    origin: Run | None = None
    forked_at: str = ""
    seed: str = field(default_factory=lambda: secrets.token_hex(16))

    def begin(self, write: Callable[[Run], None]) -> tuple[Run, bool]:
        """Start the run and return it with True, or with False if its key was used before.

        `write` inserts the run and its files.
        """
        # Looked up before the quota: a repeated request starts nothing, and must get its answer at
        # any limit.
        if run := self._earlier():
            return run, False
        if self.by:
            check_quota(self.by)
        try:
            return self._make(write), True
        # Two requests with one key at once: the database's constraint lets one in, and the other
        # finds what that one began.
        except IntegrityError:
            if run := self._earlier():
                return run, False
            raise

    @transaction.atomic
    def _make(self, write: Callable[[Run], None]) -> Run:
        # In the same transaction, so that no worker meets a run of a version that it can't look up.
        version = registry.register(self.definition)
        run = Run(
            procedure=version.procedure,
            version=version,
            started_by=self.by,
            inputs=self.inputs,
            seed=self.seed,
            idempotency_key=self.idempotency_key,
            created_at=clock.now(),
            origin=self.origin,
            forked_at=self.forked_at,
        )
        write(run)
        return run

    def _earlier(self) -> Run | None:
        if not self.idempotency_key:
            return None
        of_key = Run.objects.filter(started_by=self.by, idempotency_key=self.idempotency_key)
        run = of_key.filter(procedure__name=self.definition.name).first()
        if run and not self._is_of(run):
            raise KeyReusedError(self.idempotency_key)
        return run

    def _is_of(self, run: Run) -> bool:
        is_of_origin = (run.origin, run.forked_at) == (self.origin, self.forked_at)
        return is_of_origin and is_same(run.inputs, self.inputs)


def files_in(inputs: Mapping[str, Any]) -> list[File]:
    return [value for value in inputs.values() if isinstance(value, File)]
