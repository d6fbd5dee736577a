"""A store that behaves as a bucket of S3 does behind django-storages."""

from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible


class BucketError(Exception):
    """The service's own error, of no class that anybody here knows."""


@deconstructible
class BucketStorage(Storage):
    """Objects by key: no paths, no folders, nothing is appended; what is kept again replaces.

    `folder` stands for the service: while it isn't there, the service doesn't answer.
    """

    bucket_name = "countersign"
    location = "site"

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def delete(self, name: str) -> None:
        self._object(name).unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        return self._object(name).exists()

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        keys = [unquote(one.name) for one in self._service().iterdir()]
        found = [key.removeprefix(f"{path}/") for key in keys if key.startswith(f"{path}/")]
        folders = sorted({key.split("/")[0] for key in found if "/" in key})
        return folders, sorted(key for key in found if "/" not in key)

    def size(self, name: str) -> int:
        return self._object(name).stat().st_size

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise BucketError(f"An object can't be opened as {mode!r}.")
        return ContentFile(self._object(name).read_bytes(), name=name)

    def _save(self, name: str, content: "File[Any] | IO[Any]") -> str:
        self._object(name).write_bytes(content.read())
        return name

    def _object(self, name: str) -> Path:
        return self._service() / quote(name, safe="")

    def _service(self) -> Path:
        if not self._folder.is_dir():
            raise BucketError("Could not connect to the endpoint.")
        return self._folder
