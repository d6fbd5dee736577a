"""The site as a whole: whether this is its database, and this its file store.

A restored database is another one to the server, whatever its name. The site it was copied from may
have done the same work since, or be doing it now: until somebody says which of the two is the site,
nothing in the copy acts.
"""

import logging
import time
from pathlib import Path

from django.db import ProgrammingError, connection, transaction

from procedures import files, hooks
from procedures.engine.errors import EngineError, FileStoreError
from procedures.models import Installation, Run, RunInput
from procedures.models.clock import clock

logger = logging.getLogger(__name__)
COMMAND_LINE = "system: command line"
LOOK_EVERY = 1.0
"""Seconds for which a process relies on its last look."""
RESTORED = "restored from another database"
SERVER = "SELECT system_identifier FROM pg_control_system()"
OWN_NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"


class NoCopyError(EngineError):
    """Only a copy can be confirmed as the site."""

    def __init__(self) -> None:
        super().__init__("This database isn't marked as a copy, so there is nothing to confirm.")


def note_installation() -> None:
    """Record this database and file store as the site's if none is known, after a migration.

    Calling it twice is harmless.
    """
    site = Installation.current()
    if not site.database:
        # Only where still empty: of two processes at a first migration one names it, and the other
        # changes nothing.
        Installation.objects.filter(pk=site.pk, database="").update(database=database_name())
    if not site.store:
        try:
            _note_store()
        except FileStoreError as error:
            logger.warning("The file store couldn't be marked as this site's: %s", error)


@transaction.atomic
def _note_store() -> None:
    """Name the file store under a lock, so that two processes don't both name it."""
    site = Installation.objects.select_for_update().get()
    if not site.store:
        with files.reaching():
            # The mark that is there counts: another process, or another host on the same store, may
            # have named it.
            site.store = files.store_mark() or files.name_store()
        site.save(update_fields=["store"])


def why_held() -> str:
    """Return why nothing in this database may act, or ""."""
    site = Installation.current()
    if not site.held_at and site.database and site.database != database_name():
        _mark_restored()
        site = Installation.current()
    if not site.held_at:
        return ""
    return (
        f"This database is a copy ({site.held_because}), so its runs are held and no mail is sent."
        " If it is the site now, stop the other one and run: manage.py confirm_site."
    )


@transaction.atomic
def _mark_restored() -> None:
    # Compared again under the lock: all processes of a copy notice it at once, and each would begin
    # another epoch; one that comes late would hold again what has been confirmed meanwhile.
    site = Installation.objects.select_for_update().get()
    if site.database != database_name():
        mark_copy(RESTORED)


def store_complaint() -> str:
    """Return why the files here are not the site's, or ""."""
    if not Installation.current().store:
        note_installation()
    return files.fault()


def refusal() -> str:
    """Return why a process of this site must not take work, or ""."""
    return why_held() or store_complaint()


class Gate:
    """The permission of this process to act for the site, checked once a second."""

    def __init__(self) -> None:
        self._looked_at: float | None = None
        self._is_known = False
        """True if database and store were seen to be the site's, which stays true."""
        self._why = ""

    def is_open(self) -> bool:
        """Return True if this process may act; changes are logged."""
        now = time.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            before, self._why, self._looked_at = self._why, self._look(), now
            if self._why != before:
                logger.warning("%s", self._why or "This process accepts work again.")
        return not self._why

    def _look(self) -> str:
        # A database or a store can't become another one under a process that keeps its connections;
        # only the mark of a copy may be set at any time.
        if self._is_known and not Installation.objects.filter(held_at__isnull=False).exists():
            return ""
        why = refusal()
        self._is_known = not why
        return why


gate = Gate()


@transaction.atomic
def mark_copy(because: str) -> int:
    """Hold everything in this database, and begin another epoch of its ledger."""
    note_installation()
    site = Installation.objects.select_for_update().get()
    site.held_at, site.held_because = clock.now(), because[:200]
    site.epoch, site.database = site.epoch + 1, database_name()
    site.save()
    logger.warning(
        "This database was marked as a copy (%s) and is in epoch %s.", because, site.epoch
    )
    return site.epoch


@transaction.atomic
def confirm_site(reason: str) -> int:
    """Let a copy act as the site; each open run notes it in its journal. Return their number.

    Unsent mails are dropped, because the site it was copied from may have sent them.
    """
    site = Installation.objects.select_for_update().get()
    if site.held_at is None:
        raise NoCopyError
    said = {
        "action": "confirm_site",
        "by": COMMAND_LINE,
        "reason": f"Epoch {site.epoch}, a copy ({site.held_because}): {reason}",
    }
    unended = list(Run.objects.unended().locked())
    for run in unended:
        RunInput.objects.tell(run, said)
    hooks.site_confirmed.send(Installation, held_at=site.held_at)
    site.held_at, site.held_because = None, ""
    site.save()
    return len(unended)


@transaction.atomic
def adopt_store() -> str:
    """Make the store here the site's, and return its mark.

    It gets a new mark, unless it is another site's: forgotten processes at the old store are to
    take no work. Raises `FileStoreError`.
    """
    site = Installation.objects.select_for_update().get()
    with files.reaching():
        mark = files.store_mark()
        site.store = files.name_store() if mark in ("", site.store) else mark
    site.save(update_fields=["store"])
    return site.store


def database_name() -> str:
    """Return what tells this database from any other on its server, even from a renamed copy.

    A copy of the server's own files (a snapshot, a standby) has the same name as its original, and
    has to be marked by hand.
    """
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        return f"file {path.stat().st_ino}" if path.exists() else ""
    try:
        # A savepoint: the refusal would break the transaction around it, in which a copy is being
        # marked.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SERVER)
            server = cursor.fetchone()[0]
    except ProgrammingError:  # a server may keep it to itself; one that is away says nothing
        server = "?"
    with connection.cursor() as cursor:
        cursor.execute(OWN_NUMBER)
        return f"server {server} database {cursor.fetchone()[0]}"
