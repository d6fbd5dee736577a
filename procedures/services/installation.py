"""The identity of the site, which distinguishes its database and file store from copies.

A restored database has another identifier on its server, even under the same name. The site from
which it was copied may have done the same work since, or may be doing it now. Therefore nothing in
a copy acts until an operator confirms that the copy is the site from now on.
"""

import logging
import time
from pathlib import Path

from django.db import ProgrammingError, connection

from procedures import files, hooks
from procedures.engine.errors import EngineError, FileStoreError
from procedures.models import Installation, Run, RunInput
from procedures.models.clock import clock
from procedures.transactions import service_atomic

logger = logging.getLogger(__name__)
COMMAND_LINE = "system: command line"
LOOK_EVERY = 1.0
"""Seconds for which a process relies on its last check of whether it may act."""
RESTORED = "restored from another database"
OWN_NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"
WITH_SERVER = f"SELECT ({OWN_NUMBER}), system_identifier FROM pg_control_system()"  # noqa: S608


class NoCopyError(EngineError):
    """The database isn't marked as a copy, so there is nothing to confirm."""

    def __init__(self) -> None:
        super().__init__("This database isn't marked as a copy, so there is nothing to confirm.")


def note_installation() -> None:
    """Record this process's database and file store as those of the site, unless some are recorded.

    `manage.py migrate` calls it. Further calls change nothing.
    """
    site = Installation.current()
    if not site.database:
        # Only an empty field is set: if two processes run the first migration, one of them records
        # the name, and the other one changes nothing.
        Installation.objects.filter(pk=site.pk, database="").update(database=database_name())
    if not site.store:
        try:
            _note_store()
        except FileStoreError as error:
            logger.warning("The file store couldn't be marked as this site's: %s", error)


@service_atomic
def _note_store() -> None:
    """Record the mark of the file store, and write a mark first if the store has none.

    The row of this installation is locked, so only one process at a time does this.
    """
    site = Installation.objects.select_for_update().get()
    if not site.store:
        with files.reaching():
            # An existing mark is kept, because another process, or another host with the same
            # store, may have written it.
            site.store = files.store_mark() or files.name_store()
        site.save(update_fields=["store"])


def why_held(site: Installation | None = None) -> str:
    """Return a sentence if this database is a copy whose runs may not continue, or "".

    `site` is the row of `Installation`; by default, it is read from the database.
    """
    site = site or Installation.current()
    if not site.held_at and site.database and site.database != database_name():
        _mark_restored()
        site = Installation.current()
    if not site.held_at:
        return ""
    return (
        f"This database is a copy ({site.held_because}), so its runs are held and no mail is sent."
        " If this is to be the live site, stop the other one and run: manage.py confirm_site."
    )


@service_atomic
def _mark_restored() -> None:
    # They are compared again under the lock. All processes of a copy notice it at once, and each
    # would begin another epoch. A late one would even hold a copy that has been confirmed
    # meanwhile.
    site = Installation.objects.select_for_update().get()
    if site.database != database_name():
        mark_copy(RESTORED)


def store_complaint(site: Installation | None = None) -> str:
    """Return why this process's file store isn't the site's, or "" if it is.

    `site` is the row of `Installation`; by default, it is read from the database.
    """
    site = site or Installation.current()
    if not site.store:
        note_installation()
    return files.fault(site.store or None)


def refusal() -> str:
    """Return why this process must not accept work, or "" if it may."""
    site = Installation.current()
    return why_held(site) or store_complaint(site)


class Gate:
    """The check, once a second, that this process is allowed to act for the site."""

    def __init__(self) -> None:
        self._looked_at: float | None = None
        self._is_known = False
        """True once a check has found the site's own database and file store. A process can't
        change them, so from then on only the mark that makes a database a copy is looked up."""
        self._why = ""

    def is_open(self) -> bool:
        """Return True if this process may act for the site; log each change of this result."""
        now = time.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            before, self._why, self._looked_at = self._why, self._look(), now
            if self._why != before:
                logger.warning("%s", self._why or "This process accepts work again.")
        return not self._why

    def is_open_to_claims(self) -> bool:
        """Return True if this process may claim runs, unless its database is marked as a copy.

        The claim itself looks for that mark. So an answered run needn't wait for a query here.
        """
        return (self._is_known and not self._why) or self.is_open()

    def _look(self) -> str:
        # A process that keeps its connections can't get another database or store. Only the mark of
        # a copy may be set at any time.
        if self._is_known and not Installation.is_held():
            return ""
        why = refusal()
        self._is_known = not why
        return why


gate = Gate()


@service_atomic
def mark_copy(because: str) -> int:
    """Mark this database as a copy in which nothing acts, and return its new epoch.

    The epoch is a number that tells the ledgers of the site and of its copies apart.
    """
    note_installation()
    site = Installation.objects.select_for_update().get()
    site.held_at, site.held_because = clock.now(), because[:200]
    site.epoch, site.database = site.epoch + 1, database_name()
    site.save()
    logger.warning(
        "This database was marked as a copy (%s) and is in epoch %s.", because, site.epoch
    )
    return site.epoch


@service_atomic
def confirm_site(reason: str) -> int:
    """Let a database that is marked as a copy act as the site; return the number of open runs.

    An entry in the journal of each open run says so. Emails that haven't been sent yet are dropped,
    because the site from which the database was copied may have sent them.
    """
    site = Installation.objects.select_for_update().get()
    if site.held_at is None:
        raise NoCopyError
    facts = {
        "action": "confirm_site",
        "by": COMMAND_LINE,
        "reason": f"Epoch {site.epoch}, a copy ({site.held_because}): {reason}",
    }
    unended = list(Run.objects.unended().locked())
    for run in unended:
        RunInput.objects.tell(run, facts)
    hooks.site_confirmed.send(Installation, held_at=site.held_at)
    site.held_at, site.held_because = None, ""
    site.save()
    return len(unended)


@service_atomic
def adopt_store() -> str:
    """Record the file store at FILES_URL as this site's, and return the mark of the store.

    A store without a mark, or with the mark that this site has recorded, gets a new mark: processes
    that still use a former store then accept no work. A store with another mark keeps it. Raises
    `FileStoreError` if the store can't be used.
    """
    site = Installation.objects.select_for_update().get()
    with files.reaching():
        mark = files.store_mark()
        site.store = files.name_store() if mark in ("", site.store) else mark
    site.save(update_fields=["store"])
    return site.store


def database_name() -> str:
    """Return an identifier that no other database on this server has, even if it is renamed.

    A copy of the server's own files (a snapshot, a standby) has the same identifier as the
    original. Therefore an operator must mark such a copy with `manage.py mark_copy`.
    """
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        return f"file {path.stat().st_ino}" if path.exists() else ""
    try:
        # A savepoint is used, because a refusal by the server would break the transaction in which
        # a copy is being marked.
        with service_atomic, connection.cursor() as cursor:
            cursor.execute(WITH_SERVER)
            number, server = cursor.fetchone()
    except ProgrammingError:  # the server may refuse to tell this
        with connection.cursor() as cursor:
            cursor.execute(OWN_NUMBER)
            number, server = cursor.fetchone()[0], "?"
    return f"server {server} database {number}"
