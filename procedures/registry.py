"""The procedures this code base defines, and their rows."""

import logging
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from procedures.engine.definition import Procedure as Definition
from procedures.models import Grant, Procedure, ProcedureVersion
from procedures.models.clock import clock

logger = logging.getLogger(__name__)
LIBRARY = "procedures.library"


class LoadError(ImproperlyConfigured):
    """The procedures of this site cannot be loaded; its cause is the author's own error."""


@cache
def definitions() -> dict[str, Definition]:
    """Every procedure by name: the library's, the installed apps', and PROCEDURE_MODULES'."""
    found: dict[str, Definition] = {}
    for module in _modules():
        for definition in _defined_in(module):
            if found.setdefault(definition.name, definition) is not definition:
                raise LoadError(f"Two procedures are called {definition.name!r}.")
    return found


def find(name: str) -> Definition | None:
    return definitions().get(name)


def register_all() -> None:
    """Make the rows of every defined procedure. Calling it twice is harmless."""
    found = sorted(definitions().values(), key=lambda one: one.name)  # as all others lock them
    _make_rows(found)
    _warn_of_missing_grants(found)
    for module in settings.PROCEDURE_MODULES:
        if not _defined_in(module):
            logger.warning("PROCEDURE_MODULES names %s, which defines no procedure.", module)


def register(definition: Definition) -> ProcedureVersion:
    """The row of the code as it is now; a new procedure gets the grants its roles name."""
    known = ProcedureVersion.objects.select_related("procedure").filter(
        procedure__name=definition.name, version=definition.version
    )
    return known.first() or _make_rows([definition])[0]


def is_outdated(definition: Definition, known: Sequence[str]) -> bool:
    """Whether newer code of it has been registered: during a deployment, by the newer workers.

    `known`: the versions that are registered, the newest first.
    """
    return definition.version in known[1:]


def unregistered() -> list[str]:
    """The names of the procedures whose code here was never registered: no worker runs it."""
    found = definitions()
    rows = ProcedureVersion.objects.filter(procedure__name__in=found)
    known = set(rows.values_list("procedure__name", "version"))
    return sorted(name for name, one in found.items() if (name, one.version) not in known)


@transaction.atomic
def _make_rows(found: Sequence[Definition]) -> list[ProcedureVersion]:
    """In a few statements, however many they are: their code is registered now."""
    known = set(Procedure.objects.values_list("name", flat=True))
    procedures = Procedure.objects.bulk_create(
        [Procedure(name=definition.name, title=definition.title) for definition in found],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["title"],
    )
    pairs = list(zip(procedures, found, strict=True))
    _grant([(row, definition) for row, definition in pairs if definition.name not in known])
    now = clock.now()
    versions = [
        ProcedureVersion(
            procedure=row,
            version=definition.version,
            source=definition.source,
            registered_at=now,
        )
        for row, definition in pairs
    ]
    return ProcedureVersion.objects.bulk_create(
        versions,
        update_conflicts=True,
        unique_fields=["procedure", "version"],
        update_fields=["registered_at"],
    )


def _grant(pairs: Sequence[tuple[Procedure, Definition]]) -> None:
    named = {name for _, definition in pairs for _, name in _roles(definition)}
    Group.objects.bulk_create([Group(name=name) for name in sorted(named)], ignore_conflicts=True)
    groups = {group.name: group for group in Group.objects.filter(name__in=named)}
    grants = [
        Grant(procedure=row, group=groups[name], role=role)
        for row, definition in pairs
        for role, name in _roles(definition)
    ]
    Grant.objects.bulk_create(grants, ignore_conflicts=True)


def _roles(definition: Definition) -> list[tuple[str, str]]:
    """Each role with a group that it names."""
    return [(role, name) for role, names in definition.roles.items() for name in names]


def _warn_of_missing_grants(found: Sequence[Definition]) -> None:
    """Roles give the first grants only: who was named later has none."""
    granted = set(Grant.objects.values_list("procedure__name", "role", "group__name"))
    for definition in found:
        missing = [
            f"{name} ({role})"
            for role, name in _roles(definition)
            if (definition.name, role, name) not in granted
        ]
        if missing:
            people = ", ".join(missing)
            logger.warning("%s: no grant for %s; grant it in the admin.", definition.name, people)


def _defined_in(module: str) -> list[Definition]:
    return [
        value
        for value in vars(_load(module)).values()
        if isinstance(value, Definition) and value.fn.__module__ == module
    ]


def _load(module: str) -> ModuleType:
    is_named = module in settings.PROCEDURE_MODULES
    where = f"PROCEDURE_MODULES names {module}, which" if is_named else f"The module {module}"
    try:
        return import_module(module)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            raise LoadError(f"{where} cannot be found.") from None
        raise LoadError(f"{where} cannot be loaded: {error}") from error


def _modules() -> Iterator[str]:
    library = import_module(LIBRARY)
    yield from (f"{LIBRARY}.{module.name}" for module in iter_modules(library.__path__))
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.procedures"):
            yield f"{app.name}.procedures"
    yield from settings.PROCEDURE_MODULES
