"""Starting runs."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from procedures import access, dispatch, hooks, journal, registry
from procedures.engine.definition import Procedure as Definition
from procedures.engine.errors import EngineError
from procedures.engine.files import File, file_desk
from procedures.files import ContentStore
from procedures.models import Artifact, Grant, Run
from procedures.models.clock import clock


class UnknownProcedureError(EngineError):
    """No code here has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no procedure called {name!r}.")


class KeyReusedError(EngineError):
    """An idempotency key came again with other inputs."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} was used before with other inputs.")


class NotAllowedError(EngineError):
    """Somebody may see a procedure, but not start it."""

    def __init__(self, definition: Definition) -> None:
        starters = Grant.objects.filter(procedure__name=definition.name, role="start")
        groups = ", ".join(starters.order_by("group__name").values_list("group__name", flat=True))
        whom = groups or "administrators"
        super().__init__(f"You may not start {definition.title}: ask for it in {whom}.")


def find_startable(name: str, *, by: User | None) -> Definition:
    """What would be started, if that person may; to be asked before files are kept."""
    definition = registry.find(name)
    if definition is None:
        raise UnknownProcedureError(name)
    if by and not access.procedures_for(by, "start").filter(name=name).exists():
        raise NotAllowedError(definition)
    return definition


def start_run(
    name: str, inputs: Mapping[str, Any], *, by: User | None, idempotency_key: str = ""
) -> tuple[Run, bool]:
    """Start a run; the same key by the same person gives the same run, and False."""
    definition = find_startable(name, by=by)
    with file_desk(ContentStore()):
        parsed = definition.parse(inputs)
    text = definition.dump(parsed)
    if idempotency_key and (run := _earlier(definition, by, idempotency_key, text)):
        return run, False
    try:
        return _create(definition, text, parsed, by, idempotency_key), True
    except IntegrityError:
        if run := _earlier(definition, by, idempotency_key, text):
            return run, False
        raise


@transaction.atomic
def _create(
    definition: Definition, text: str, inputs: Mapping[str, Any], by: User | None, key: str
) -> Run:
    version = registry.register(definition)
    now = clock.now()
    run = Run(
        procedure=version.procedure,
        version=version,
        started_by=by,
        inputs=text,
        seed=secrets.token_hex(16),
        idempotency_key=key,
        created_at=now,
    )
    journal.begin_run(run, by=by.get_username() if by else "system")
    files = [value for value in inputs.values() if isinstance(value, File)]
    Artifact.objects.bulk_create(
        [Artifact(run=run, **vars(file)) for file in files], ignore_conflicts=True
    )
    hooks.run_started.send(Run, run=run)
    dispatch.ring(run.pk)
    return run


def _earlier(definition: Definition, by: User | None, key: str, text: str) -> Run | None:
    run = Run.objects.filter(
        procedure__name=definition.name, started_by=by, idempotency_key=key
    ).first()
    if run and run.inputs != text:
        raise KeyReusedError(key)
    return run
