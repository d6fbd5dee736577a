"""A file store that notes how deep in transactions each use of it is."""

from pathlib import Path
from typing import Any, ClassVar

from django.core.files.storage import FileSystemStorage
from django.db import connection


class WatchedStorage(FileSystemStorage):
    """The usual store; `depths` are the open savepoints at each use, in order."""

    depths: ClassVar[list[int]] = []

    def path(self, name: str | Path) -> str:
        self.depths.append(len(connection.savepoint_ids))
        return super().path(str(name))

    @classmethod
    def noted(cls) -> list[Any]:
        """Return what was noted since the last call."""
        found, cls.depths[:] = [*cls.depths], []
        return found
