"""Files by reference: contents are kept once, under their digest."""

import mimetypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import core_schema

from procedures.engine.errors import EngineError

LONGEST_NAME = 200
MEDIA_TYPE = re.compile(r"[!-~][ -~]{,99}")


class FileStore(Protocol):
    """Where contents lie, by the SHA-256 of their bytes."""

    @property
    def largest_inline(self) -> int:
        """Bytes: a larger value lies here and not in the journal itself."""
        ...

    def put(self, content: bytes) -> str:
        """Keep the bytes; the same bytes twice are kept once."""
        ...

    def get(self, digest: str) -> bytes: ...


@dataclass
class Desk:
    """What files can be reached here, and those a step has made."""

    store: FileStore
    made: "list[File] | None" = None
    """None outside of steps."""


DESK: ContextVar[Desk | None] = ContextVar("desk", default=None)


@dataclass(frozen=True)
class File:
    """A kept file: an input of a run, or made by a step with `File.keep`."""

    name: str
    digest: str
    size: int
    content_type: str = field(default="application/octet-stream")

    @classmethod
    def keep(cls, name: str, content: bytes | str, *, content_type: str = "") -> Self:
        """Make a file, inside a step: it is kept together with the step's result."""
        desk = open_desk()
        if desk.made is None:
            raise EngineError(f"File.keep({name!r}) belongs inside a step.")
        file = cls.store(name, content, content_type=content_type)
        desk.made.append(file)
        return file

    @classmethod
    def store(cls, name: str, content: bytes | str, *, content_type: str = "") -> Self:
        """Keep the bytes and describe them, for the host."""
        raw = content.encode() if isinstance(content, str) else content
        name = _plain_name(name)
        if not MEDIA_TYPE.fullmatch(content_type):
            content_type = mimetypes.guess_type(name)[0] or cls.content_type
        return cls(name, open_desk().store.put(raw), len(raw), content_type)

    def read(self) -> bytes:
        return open_desk().store.get(self.digest)

    def text(self) -> str:
        """The content as UTF-8, with or without a byte order mark."""
        return self.read().decode("utf-8-sig")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(asdict)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}

    @classmethod
    def _validate(cls, value: Any, info: ValidationInfo) -> "File":
        if isinstance(value, File):
            return value
        if isinstance(value, dict) and info.context and info.context.get("kept"):
            return cls(**value)
        raise ValueError("send a file (multipart/form-data)")


@contextmanager
def file_desk(store: FileStore) -> Iterator[None]:
    """Within this block files can be read, and kept by steps."""
    token = DESK.set(Desk(store))
    try:
        yield
    finally:
        DESK.reset(token)


def open_desk() -> Desk:
    desk = DESK.get()
    if desk is None:
        raise EngineError("Files can be reached inside a run only.")
    return desk


def file_store() -> FileStore | None:
    """Where large values lie; None outside a run."""
    desk = DESK.get()
    return desk.store if desk else None


def _plain_name(name: str) -> str:
    """The last part of a path, without what would be hidden or would lead elsewhere."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(mark for mark in last if mark.isprintable())[-LONGEST_NAME:]
    return shown if shown.strip(". ") else "file"
