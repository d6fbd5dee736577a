"""Contents of files in the site's storage, each under its own digest."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from procedures.engine.errors import EngineError
from procedures.engine.files import file_desk
from procedures.engine.large import ELSEWHERE, unpacked, whole


class FileGoneError(EngineError):
    """The storage no longer has what was kept."""

    def __init__(self, digest: str, what: str) -> None:
        super().__init__(f"The stored file {digest[:12]}… {what}.")


class ContentStore:
    """The engine's FileStore over Django's default storage. The same bytes are kept once."""

    @property
    def largest_inline(self) -> int:
        return settings.LARGE_VALUE_BYTES

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = path_of(digest)
        if default_storage.exists(path):
            if default_storage.size(path) == len(content):
                return digest
            default_storage.delete(path)  # a writer died in the middle of it
        _settle(default_storage.save(path, ContentFile(content)))
        return digest

    def get(self, digest: str) -> bytes:
        try:
            with default_storage.open(path_of(digest)) as file:
                content: bytes = file.read()
        except FileNotFoundError:
            raise FileGoneError(digest, "is gone") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise FileGoneError(digest, "is damaged")
        return content


def whole_text(kept: str) -> str:
    """The text of a row, also of one that only names where it lies."""
    with file_desk(ContentStore()):
        return whole(kept)


def whole_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """What an event holds, with the values that lie beside the journal."""
    names = {name.removesuffix(ELSEWHERE) for name in content if name.endswith(ELSEWHERE)}
    with file_desk(ContentStore()):
        return {
            name: unpacked(content, name) if name in names else value
            for name, value in content.items()
        }


def path_of(digest: str) -> str:
    return f"artifacts/{digest[:2]}/{digest}"


def _settle(path: str) -> None:
    """See the bytes onto the disk before a journal refers to them."""
    if isinstance(default_storage, FileSystemStorage):
        descriptor = os.open(default_storage.path(path), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
