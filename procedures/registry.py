"""The procedures that this process knows, from Python code and files, and their database rows."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache, reduce
from importlib import import_module
from importlib.util import find_spec
from operator import or_
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q, QuerySet

from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.declaration.definition import digest_of
from procedures.engine.errors import ProcedureFileError
from procedures.library import SHIPPED
from procedures.models import Grant, Procedure, ProcedureVersion, Run
from procedures.models.clock import clock
from procedures.readers import Unreadable, read_text, suffix_of
from procedures.texts import FileFault, FoundProcedures, shelf

logger = logging.getLogger(__name__)
MOST_TEXTS = 128
"""The maximum number of stored texts whose procedures a process keeps loaded."""
Text = tuple[str, str, str]
"""The procedure's name, the file and the version, which together identify a stored text."""
_ready: dict[Text, Definition] = {}
_warned: set[str] = set()


class LoadError(ImproperlyConfigured):
    """The procedures of this site can't be loaded, because of an error in an author's code."""


class KnownProcedures(NamedTuple):
    """All procedures that this process knows, and the faults of the procedure files."""

    definitions: Mapping[str, Definition]
    faults: Sequence[FileFault]


def definitions() -> Mapping[str, Definition]:
    """Return all procedures from Python modules and files, keyed by the procedure's name."""
    return _known(shelf.current(), _modules_of_site()).definitions


def faults() -> Sequence[FileFault]:
    """Return the faults of the files that match PROCEDURE_FILES."""
    return _known(shelf.current(), _modules_of_site()).faults


def forget() -> None:
    """Forget all modules and files; the next use loads them again."""
    _defined_by.cache_clear()
    _known.cache_clear()
    _warned.clear()
    shelf.forget()


def warn_once(message: str) -> None:
    """Log a warning about this process's code, unless it was logged since the code was loaded."""
    if message not in _warned:
        _warned.add(message)
        logger.warning(message)


def forget_texts() -> None:
    """Forget the procedures of stored texts; the next use reads them again, as in a new process."""
    _ready.clear()


@lru_cache(maxsize=1)
def _known(files: FoundProcedures, modules: tuple[str, ...]) -> KnownProcedures:
    """Return all procedures, keyed by name, and the faults of files.

    If a module and a file define a procedure of the same name, the module's procedure is used.
    """
    code, words = _defined_by(modules), "The procedure {} is also defined in Python. Rename it."
    taken = [one for name, one in files.definitions.items() if name in code]
    clashes = [FileFault(one.file, words.format(one.name)) for one in taken]
    return KnownProcedures({**files.definitions, **code}, [*files.faults, *clashes])


def _in_modules() -> Mapping[str, Definition]:
    """Return the procedures of the installed apps and of PROCEDURE_MODULES, keyed by name."""
    return _defined_by(_modules_of_site())


def _modules_of_site() -> tuple[str, ...]:
    return tuple(conf.PROCEDURE_MODULES)


@cache
def _defined_by(modules: tuple[str, ...]) -> Mapping[str, Definition]:
    """Return the procedures of the installed apps and of these modules, keyed by name."""
    found: dict[str, Definition] = {}
    for module in (*_modules_of_apps(), *modules):
        for definition in _defined_in(module):
            if found.setdefault(definition.name, definition) is not definition:
                raise LoadError(f"Two procedures have the name {definition.name!r}.")
    return found


def find(name: str) -> Definition | None:
    return _in_modules().get(name) or definitions().get(name)


def broken() -> dict[str, str]:
    """Return why procedures can't be loaded from their files, keyed by the procedure's name."""
    if not (wrong := faults()):
        return {}
    here = definitions()
    by_name = {name: str(fault) for fault in wrong for name in fault.names if name not in here}
    of_file = {fault.file: str(fault) for fault in wrong if not fault.names}
    rows = ProcedureVersion.objects.filter(file__in=of_file).order_by("pk")
    of_rows = rows.values_list("procedure__name", "file")
    return {name: of_file[file] for name, file in of_rows if name not in here} | by_name


def code_of(run: Run) -> Definition | None:
    """Return the code for a run, or None if this process doesn't have it.

    For a run of a procedure file, it is the text that was stored when the run was started. For
    others, it is the current Python code.
    """
    return kept_code(run.procedure.name, run.version.file, run.version.version)


def kept_code(name: str, file: str, version: str) -> Definition | None:
    """Return the code for runs of this version, or None if this process doesn't have it."""
    if not file:
        return find(name)
    if not suffix_of(file):
        return None
    text = (name, file, version)
    code = _ready.get(text) or make_ready(text)
    if isinstance(code, Unreadable):
        _ready.pop(text, None)  # it is read again next time, when it may have been repaired
    return code


def is_ready(text: Text) -> bool:
    """Return True if `kept_code` can return the code at once, without reading the stored text."""
    return text in _ready or not suffix_of(text[1])


def make_ready(text: Text) -> Definition:
    """Read a stored text, keep its procedure for later calls, and return it.

    Call this outside any transaction, so that no row is locked meanwhile. Returns an `Unreadable`
    for a text that its reader rejects.
    """
    name, file, _ = text
    try:
        code = _read_kept(*text)
    except ProcedureFileError as error:
        words = f"The text of {file} that this run was started with can't be read. {error}"
        code = Unreadable(_never, name, name, file=file, why=words)
    # The least recently added text is dropped; it is read again if a run still needs it.
    while len(_ready) >= MOST_TEXTS:
        _ready.pop(next(iter(_ready)), None)
    _ready[text] = code
    return code


def _read_kept(name: str, file: str, version: str) -> Definition:
    """Return the procedure in a stored text, even if its file was edited or removed since."""
    text = ProcedureVersion.objects.get(procedure__name=name, version=version).source
    if digest_of(text) != version:
        raise ProcedureFileError("The stored text doesn't match its version.")
    for one in read_text(file, text):
        if one.name == name:
            return one
    raise ProcedureFileError(f"Its reader no longer finds {name} in it.")


def _never(ctx: Any) -> None:
    """Do nothing: a run of an unreadable text is quarantined before this would be called."""


def readable_versions() -> QuerySet[ProcedureVersion]:
    """Return the stored versions of procedure files for whose suffix this process has a reader."""
    suffixes = [Q(file__endswith=suffix) for suffix in conf.PROCEDURE_READERS]
    return ProcedureVersion.objects.filter(reduce(or_, suffixes, Q(pk__in=[])))


def register_all() -> None:
    """Write the rows of every defined procedure. Calling it twice is harmless."""
    # All processes lock the rows in this order.
    found = sorted(definitions().values(), key=lambda one: one.name)
    _make_rows(found)
    _warn_of_missing_grants(found)
    for module in conf.PROCEDURE_MODULES:
        if not _defined_in(module):
            logger.warning("PROCEDURE_MODULES names %s, which defines no procedure.", module)
    _warn_of_faults()


class FileWatcher:
    """A check for edited procedure files, which registers them while this process runs."""

    def __init__(self) -> None:
        self._seen: FoundProcedures | None = None

    def look(self) -> None:
        """Register edited files. If no file was edited, no query is made."""
        if (found := shelf.current()) is self._seen:
            return
        code = _in_modules()
        here = {name: one for name, one in found.definitions.items() if name not in code}
        newest = dict(
            ProcedureVersion.objects.filter(procedure__name__in=here)
            .order_by("registered_at", "pk")
            .values_list("procedure__name", "version")
        )
        edited = [one for name, one in sorted(here.items()) if newest.get(name) != one.version]
        if edited:
            _make_rows(edited)
            _warn_of_missing_grants(edited)
        for one in edited:
            logger.info("%s defines %s as version %s.", one.file, one.name, one.version)
        _warn_of_faults()
        self._seen = found


registrar = FileWatcher()


def _warn_of_faults() -> None:
    for fault in faults():
        logger.warning("%s", fault)


def register(definition: Definition) -> ProcedureVersion:
    """Return the row for the version of a procedure, and create it if there is none.

    If the procedure is new, the groups named in its roles get grants.
    """
    known = ProcedureVersion.objects.select_related("procedure").filter(
        procedure__name=definition.name, version=definition.version
    )
    return known.first() or _make_rows([definition])[0]


def is_outdated(definition: Definition, known: Sequence[str]) -> bool:
    """Return True if a newer version of the procedure was registered, as during a deployment.

    `known` holds the registered versions, the newest first.
    """
    return definition.version in known[1:]


def unregistered() -> list[str]:
    """Return the names of Python procedures whose code was never registered.

    No worker advances runs of this code. Procedures from files are left out: the start of a run
    registers their text, and every worker can run a registered text.
    """
    found = _in_modules()
    rows = ProcedureVersion.objects.filter(procedure__name__in=found)
    known = set(rows.values_list("procedure__name", "version"))
    return sorted(name for name, one in found.items() if (name, one.version) not in known)


def installed_versions() -> dict[str, Any]:
    """Return what this process can run: versions of Python code, and suffixes with a reader."""
    code = {name: one.version for name, one in _in_modules().items()}
    return {"code": code, "readers": sorted(conf.PROCEDURE_READERS)}


@transaction.atomic
def _make_rows(found: Sequence[Definition]) -> list[ProcedureVersion]:
    """Write the rows of these versions with a few queries, and return them.

    Versions that exist already get the current time as `registered_at`.
    """
    # This comes before the rows are inserted. Only procedures that are new now get the grants of
    # their roles; otherwise, a grant that an administrator has removed would come back.
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
            file=definition.file,
            subject=definition.subject,
            registered_at=now,
        )
        for row, definition in pairs
    ]
    return ProcedureVersion.objects.bulk_create(
        versions,
        update_conflicts=True,
        unique_fields=["procedure", "version"],
        update_fields=["registered_at", "file"],
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
    """Return pairs: a role, and the name of a group that the procedure declares for the role."""
    return [(role, name) for role, names in definition.roles.items() for name in names]


def _warn_of_missing_grants(found: Sequence[Definition]) -> None:
    """Warn of groups that a procedure declares for a role but that have no grant for it.

    Declared roles become grants only for a new procedure.
    """
    granted = set(Grant.objects.values_list("procedure__name", "role", "group__name"))
    for definition in found:
        missing = [
            f"{name} ({role})"
            for role, name in _roles(definition)
            if (definition.name, role, name) not in granted
        ]
        if missing:
            people = ", ".join(missing)
            logger.warning(
                "%s: roles without a grant: %s. Grant them in the administration.",
                definition.name,
                people,
            )


def _defined_in(module: str) -> list[Definition]:
    """Import a module and return the procedures it defines; raise `LoadError` if one has faults."""
    is_named = module in conf.PROCEDURE_MODULES
    where = f"PROCEDURE_MODULES names {module}, which" if is_named else f"The module {module}"
    try:
        values = vars(import_module(module)).values()
        found = [one for one in values if isinstance(one, Definition) and _is_of(one, module)]
        for one in found:
            one.check()  # types that are defined further down the module are known only now
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            raise LoadError(f"{where} can't be found.") from None
        raise LoadError(f"{where} can't be loaded: {error}") from error
    return found


def _is_of(definition: Definition, module: str) -> bool:
    """Return True if the module itself defines the procedure, and doesn't only import it."""
    return definition.fn.__module__ == module


def _modules_of_apps() -> Iterator[str]:
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.procedures"):
            yield f"{app.name}.procedures"
    yield from SHIPPED
