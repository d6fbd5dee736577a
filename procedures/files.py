"""The contents of files in the site's storage, each stored under its digest.

The contents of runs' files and the large values of journals are in the folder `artifacts`. A file
that people send is first in a folder of `uploads` for its hour; old folders of `uploads` are
deleted. When an upload becomes a run's file, its content is stored in `artifacts`. Only
`services.retention.contents` deletes from `artifacts`, and nothing that a journal refers to.
"""

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage, storages

from procedures import hooks
from procedures.conf import conf
from procedures.engine.errors import FileGoneError, FileStoreError
from procedures.engine.journal.large import ELSEWHERE, unpacked, whole
from procedures.engine.values.files import File, use_file_store

logger = logging.getLogger(__name__)
FOLDER, UPLOADS = "artifacts", "uploads"
HOUR = "%Y-%m-%dT%H"
"""The format of the names of upload folders, one for each hour in UTC: "2026-03-01T14"."""
IS_HOUR = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3])", re.ASCII)
AN_HOUR = timedelta(hours=1)
IF_LOST = (
    "If its files are lost for good, create an empty folder there; then only runs that need one "
    "of the files are held."
)
MARK = "countersign-store"
PROBE = 1024**2
"""The number of bytes that a failed file store must be able to store before runs continue."""


class ContentStore:
    """The engine's `FileStore` over Django's default storage. Equal bytes are stored once.

    With `with_uploads`, uploads that aren't files of a run yet can be read as well. Each error of a
    storage backend is raised as `FileStoreError`.
    """

    def __init__(self, *, with_uploads: bool = False) -> None:
        self._with_uploads = with_uploads

    @property
    def largest_inline(self) -> int:
        return conf.LARGE_VALUE_BYTES

    @property
    def patience(self) -> float:
        return conf.STORAGE_PATIENCE_SECONDS

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self.place_of(digest)
        _note_use(digest)
        with reaching():
            _require_folder()
            _Ours.require()
            if default_storage.exists(path):
                if default_storage.size(path) == len(content):
                    return digest
                default_storage.delete(path)  # a writer died while it wrote the file
            _settle(default_storage.save(path, ContentFile(content)))
        return digest

    def place_of(self, digest: str) -> str:
        """Return the path at which new content with this digest is stored."""
        return path_of(digest)

    def get(self, digest: str) -> bytes:
        with reaching():
            content = _read(path_of(digest))
            if content is None and self._with_uploads and (sent := _find_upload(digest)):
                content = _read(sent)
            if content is None:
                _require_folder()
                _Ours.require()
                raise FileGoneError(digest, "is gone")
        if hashlib.sha256(content).hexdigest() != digest:
            raise FileGoneError(digest, "is damaged")
        return content

    def check(self) -> None:
        """Raise `FileStoreError` unless the store is available and has room for one megabyte."""
        with reaching():
            _require_folder()
            _Ours.require()
            # If several workers probe at once, `save` gives each file a name of its own on disk.
            path = default_storage.save(f"{FOLDER}/probe", ContentFile(bytes(PROBE)))
            try:
                _settle(path)
            finally:
                default_storage.delete(path)


class UploadStore(ContentStore):
    """The engine's `FileStore` for uploads that aren't files of a run yet."""

    def place_of(self, digest: str) -> str:
        return f"{UPLOADS}/{_now().astimezone(UTC):{HOUR}}/{digest}"


def keep_uploads(files: Iterable[File]) -> None:
    """Store the contents of these uploads permanently, unless that has been done already.

    Call this just before the transaction that makes the uploads files of a run, never inside it,
    because reading and writing take long. Contents that no run uses do no harm. Raises
    `FileGoneError` if an upload doesn't exist any more.
    """
    store = ContentStore(with_uploads=True)
    for file in files:
        path = path_of(file.digest)
        _note_use(file.digest)
        with reaching():
            is_kept = default_storage.exists(path) and default_storage.size(path) == file.size
        if not is_kept:
            store.put(store.get(file.digest))


def delete_content(digest: str) -> None:
    """Delete a content that nothing uses; the caller has locked its row of `StaleContent`."""
    with reaching():
        if why := store_complaint():
            raise FileStoreError(why)
        default_storage.delete(path_of(digest))


def _note_use(digest: str) -> None:
    """Record that somebody uses a content, if a removed run has used the same bytes.

    If the content is just being deleted, this waits until it is gone.
    """
    if apps.ready:
        stale = apps.get_model("countersign_procedures", "StaleContent").objects
        # There is hardly ever such a row, and a read delays nobody on SQLite.
        if stale.filter(digest=digest).exists():
            stale.filter(digest=digest).update(at=_now())


def remove_old_uploads() -> None:
    """Delete uploads older than `UPLOADS_KEPT` plus two hours; calling it twice is harmless."""
    with reaching():
        if why := store_complaint():
            raise FileStoreError(why)
        # One hour is the folder's own. The other one is for the clock of the web server, which
        # signs the token after the file was stored: nothing may be deleted before its token
        # expires.
        end = _now() - conf.UPLOADS_KEPT - 2 * AN_HOUR
        for hour in _upload_hours():
            if datetime.strptime(hour, HOUR).replace(tzinfo=UTC) <= end:
                folder = f"{UPLOADS}/{hour}"
                for name in default_storage.listdir(folder)[1]:
                    default_storage.delete(f"{folder}/{name}")
                default_storage.delete(folder)


def _now() -> datetime:
    # The web server imports this module before Django's apps are loaded.
    from procedures.models.clock import clock  # noqa: PLC0415

    return clock.now()


def _upload_hours() -> list[str]:
    """Return the names of the folders of uploads, the newest first."""
    try:
        folders, _ = default_storage.listdir(UPLOADS)
    except FileNotFoundError:
        return []
    return sorted(filter(IS_HOUR.fullmatch, folders), reverse=True)


def _find_upload(digest: str) -> str | None:
    """Return the path of the newest upload with this digest, or None."""
    paths = (f"{UPLOADS}/{hour}/{digest}" for hour in _upload_hours())
    return next((path for path in paths if default_storage.exists(path)), None)


def _read(path: str) -> bytes | None:
    try:
        with default_storage.open(path) as file:
            content: bytes = file.read()
    except FileNotFoundError:
        return None
    return content


@contextmanager
def reaching() -> Iterator[None]:
    """Turn every error of a storage backend in this block into `FileStoreError`."""
    try:
        yield
    except (FileGoneError, FileStoreError):
        raise
    except Exception as error:
        logger.warning("The file store failed: %s: %s", type(error).__name__, error)
        raise FileStoreError(f"The file store can't be used: {error}") from error


def _require_folder() -> None:
    """Raise `FileStoreError` if the folder of contents is missing although the site has files.

    The reason may be that the file system with the folder isn't mounted.
    """
    if not isinstance(default_storage, FileSystemStorage) or default_storage.exists(FOLDER):
        return
    own = apps.get_model("countersign_procedures", "Artifact").objects
    if own.exists() or any(ask() for ask in hooks.names_files):
        raise FileStoreError(
            f"The folder {default_storage.path(FOLDER)} is missing. Mount or restore it."
        )


def fault(site: str | None = None) -> str:
    """Return a sentence that says why runs can't use files and what to do, or "" if they can.

    `site` is the mark of the site's store; by default, it is read from the database.
    """
    try:
        with reaching():
            _require_folder()
    except FileStoreError as error:
        return f"{error} {IF_LOST}"
    return store_complaint(site)


def use_contents() -> AbstractContextManager[None]:
    """Let the block read values that are stored outside the journal, from the site's store."""
    return use_file_store(ContentStore())


def whole_text(kept: str) -> str:
    """Return the text of a value: `kept`, or the content of the file that `kept` refers to."""
    with use_contents():
        return whole(kept)


def whole_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data, in which references to large values are replaced by the values."""
    names = {name.removesuffix(ELSEWHERE) for name in content if name.endswith(ELSEWHERE)}
    with use_contents():
        return {
            name: unpacked(content, name) if name in names else value
            for name, value in content.items()
        }


def store_mark() -> str:
    """Return the mark in this store, which a site wrote into it; "" if there is none."""
    try:
        with default_storage.open(MARK) as file:
            content: bytes = file.read()
    except FileNotFoundError:
        return ""
    return content.decode(errors="replace").strip()


def name_store() -> str:
    """Write a new unique mark into the store and return it."""
    name = uuid4().hex
    with reaching():
        _require_folder()
        # The old mark is deleted first, because `save` never overwrites a file on disk and would
        # give the new mark another name.
        default_storage.delete(MARK)
        _settle(default_storage.save(MARK, ContentFile(name.encode())))
    return name


def store_complaint(site: str | None = None) -> str:
    """Return why this process's file store isn't the one that the site has recorded.

    "" is returned if it is that store, or if the site has recorded none. `site` is the mark of the
    site's store; by default, it is read from the database.
    """
    site = _sites_store() if site is None else site
    try:
        mark = store_mark()
    except Exception as error:  # noqa: BLE001 (each kind of store has its own)
        return f"The file store ({store_place()}) can't be read: {error}"
    if site in ("", mark):
        return ""
    found = "belongs to another site" if mark else "doesn't have this site's mark"
    return (
        f"The file store ({store_place()}) {found}. Give every host the same FILES_URL;"
        " if this store has the site's files, run: manage.py adopt_store."
    )


def store_place() -> str:
    """Return the store's location as text for people: a path, or an s3:// address."""
    place = getattr(default_storage, "location", "") or ""
    bucket = getattr(default_storage, "bucket_name", "")
    return f"s3://{bucket}/{place}" if bucket else str(place)


def _sites_store() -> str:
    """Return the mark of the site's store from the site's database; "" if no store is recorded."""
    sites = apps.get_model("countersign_procedures", "Installation").objects
    return sites.values_list("store", flat=True).first() or ""


class _Ours:
    """The storage that this process has found to be the site's, so that it checks only once."""

    store: object = None

    @classmethod
    def require(cls) -> None:
        """Raise `FileStoreError` if the current storage isn't the site's."""
        # The object is compared, because settings that are changed at run time give another
        # storage, which must be checked again.
        if cls.store is storages["default"]:
            return
        if why := store_complaint():
            raise FileStoreError(why)
        if _sites_store():
            cls.store = storages["default"]


def path_of(digest: str) -> str:
    return f"{FOLDER}/{digest[:2]}/{digest}"


def _settle(path: str) -> None:
    """Flush a file to disk, because a journal will refer to it."""
    if isinstance(default_storage, FileSystemStorage):
        descriptor = os.open(default_storage.path(path), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
