"""Files that are sent and received."""

from dataclasses import dataclass, field
from email.message import Message
from mimetypes import guess_type
from pathlib import Path

import httpx

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class File:
    """A file: its name, its content and its content type."""

    name: str
    content: bytes = field(repr=False)
    content_type: str = UNKNOWN_TYPE

    @classmethod
    def load(cls, path: Path | str) -> "File":
        """Return the file at a local path, with the content type guessed from its name."""
        found = Path(path)
        return cls(found.name, found.read_bytes(), guess_type(found.name)[0] or UNKNOWN_TYPE)

    @property
    def as_part(self) -> tuple[str, bytes, str]:
        """The file as httpx sends it in a form: name, content and content type."""
        return self.name, self.content, self.content_type


def file_in(response: httpx.Response) -> File:
    """Return the file in a response."""
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "attachment")
    name = header.get_filename() or ""
    return File(name, response.content, response.headers.get("Content-Type", UNKNOWN_TYPE))
