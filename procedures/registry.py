"""The procedures this code base defines, and their rows."""

import logging
from collections.abc import Iterator
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
    for definition in definitions().values():
        register(definition).register_again(at=clock.now())
        _warn_of_missing_grants(definition)
    for module in settings.PROCEDURE_MODULES:
        if not _defined_in(module):
            logger.warning("PROCEDURE_MODULES names %s, which defines no procedure.", module)


def register(definition: Definition) -> ProcedureVersion:
    """The row of the code as it is now; a new procedure gets the grants its roles name."""
    known = ProcedureVersion.objects.select_related("procedure").filter(
        procedure__name=definition.name, version=definition.version
    )
    return known.first() or _make_rows(definition)


def is_outdated(definition: Definition) -> bool:
    """Whether newer code of it has been registered: during a deployment, by the newer workers."""
    versions = ProcedureVersion.objects.filter(procedure__name=definition.name).newest_first()
    known = list(versions.values_list("version", flat=True))
    return definition.version in known[1:]


@transaction.atomic
def _make_rows(definition: Definition) -> ProcedureVersion:
    procedure, is_new = Procedure.objects.update_or_create(
        name=definition.name, defaults={"title": definition.title}
    )
    if is_new:
        _grant(procedure, definition)
    version, _ = ProcedureVersion.objects.get_or_create(
        procedure=procedure,
        version=definition.version,
        defaults={"source": definition.source, "registered_at": clock.now()},
    )
    return version


def _grant(procedure: Procedure, definition: Definition) -> None:
    for role, names in definition.roles.items():
        for name in names:
            group, _ = Group.objects.get_or_create(name=name)
            Grant.objects.get_or_create(procedure=procedure, group=group, role=role)


def _warn_of_missing_grants(definition: Definition) -> None:
    """Roles give the first grants only: who was named later has none."""
    granted = set(
        Grant.objects.filter(procedure__name=definition.name).values_list("role", "group__name")
    )
    missing = [
        f"{name} ({role})"
        for role, names in definition.roles.items()
        for name in names
        if (role, name) not in granted
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
