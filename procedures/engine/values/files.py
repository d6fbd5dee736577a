"""Files: a store holds each content once, and values refer to a content by its SHA-256 digest."""

import mimetypes
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import core_schema

from procedures.engine.errors import (
    EngineError,
    FileGoneError,
    FileLost,
    Interruption,
    OptionError,
    StorageLost,
)
from procedures.engine.values import canonical
from procedures.engine.values.options import check_text, with_options
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.journal.protocol import Journal

T = TypeVar("T")
LONGEST_NAME = 200
MEDIA_TYPE = re.compile(r"[!-~][ -~]{,99}")


class FileStore(Protocol):
    """A store of file contents, addressed by the SHA-256 of their bytes."""

    @property
    def largest_inline(self) -> int:
        """The largest size, in bytes, of a value that is stored in the journal, not as a file."""
        ...

    @property
    def patience(self) -> float:
        """Seconds for which a worker waits for a failing store.

        Then the worker releases the run.
        """
        ...

    def put(self, content: bytes) -> str:
        """Store the bytes and return their digest; equal bytes are stored once."""
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes with this digest.

        Raises `FileGoneError` if the store works but doesn't have them.
        """
        ...

    def check(self) -> None:
        """Raise an error if the store can't store anything now."""
        ...


LOOKS_EVERY = 1.0
"""Seconds between two attempts to reach the store."""


@dataclass
class FileContext:
    """The file store that the code uses now, and the files that the current step has made."""

    store: FileStore
    journal: "Journal | None" = None
    """The journal of the run that a worker executes; None outside workers."""
    made: "list[File] | None" = None
    """The files that the current step has made; None outside steps."""
    is_hasty: bool = False
    """True if the code must not wait for the store, because a transaction holds locks."""
    lost: Interruption | None = None
    """The store's last failure, kept even if the code catches the error; None after a success."""

    @property
    def largest_inline(self) -> int:
        return self.store.largest_inline

    @property
    def is_between_steps(self) -> bool:
        """True in the code of a run that a worker executes, but not in a step of it."""
        return self.journal is not None and self.made is None

    def put(self, content: bytes) -> str:
        return self._reach(lambda: self.store.put(content))

    def get(self, digest: str) -> bytes:
        return self._reach(lambda: self.store.get(digest))

    def check(self) -> None:
        """Interrupt the run at once, without waiting, if the store can't store anything."""
        self.is_hasty = True
        self._reach(self.store.check)
        self.is_hasty = False

    def _reach(self, use: Callable[[], T]) -> T:
        """Call `use`, which uses the store; in a worker, call it again after errors.

        If the store still fails after `patience` seconds, the run is interrupted and doesn't fail,
        because the procedure's code isn't at fault. Waiting here is cheaper than another claim of
        the run, which would replay the run. A missing file isn't looked for again.
        """
        if self.journal is None:
            return use()
        until = self.journal.now() + timedelta(seconds=0 if self.is_hasty else self.store.patience)
        while True:
            try:
                found = use()
            except FileGoneError as error:
                # Record it before raising it: code that catches it and continues without its file
                # must not succeed.
                self.lost = FileLost(str(error))
                raise self.lost from error
            except Exception as error:
                self.lost = StorageLost(f"{type(error).__name__}: {error}")
                if self.journal.now() >= until or self.journal.is_stopping:
                    raise self.lost from error
            else:
                self.lost = None
                return found
            self.journal.pause(LOOKS_EVERY)


DESK: ContextVar[FileContext | None] = ContextVar("desk", default=None)


@dataclass(frozen=True)
class File:
    """A stored file: either an input of a run, or a file that a step has made with `File.keep`."""

    name: str
    digest: str
    size: int
    content_type: str = field(default="application/octet-stream")
    is_sent_beside_json: ClassVar[bool] = True

    @classmethod
    @with_options("File.keep")
    def keep(cls, name: str, content: bytes | str, *, content_type: str = "") -> Self:
        """Store a file inside a step and return its `File`; the event of the step names the file.

        Raises `EngineError` outside a step.
        """
        desk = open_desk()
        if desk.made is None:
            raise EngineError(f"File.keep({short_repr(name)}) must be called inside a step.")
        file = cls.store(name, content, content_type=content_type)
        desk.made.append(file)
        return file

    @classmethod
    def store(cls, name: str, content: bytes | str, *, content_type: str = "") -> Self:
        """Store a file and return its `File`; the host calls this outside steps."""
        raw = _bytes_of(content)
        check_text("content_type= of a File", content_type)
        name = canonical.legible(_plain_name(check_text("The name of a File", name)))
        if not MEDIA_TYPE.fullmatch(content_type):
            content_type = mimetypes.guess_type(name)[0] or cls.content_type
        return cls(name, open_desk().put(raw), len(raw), content_type)

    def read(self) -> bytes:
        return open_desk().get(self.digest)

    def text(self) -> str:
        """Return the content decoded as UTF-8, with or without a byte order mark."""
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
def use_file_store(store: FileStore, journal: "Journal | None" = None) -> Iterator[None]:
    """Use this file store inside the block.

    `journal` is the journal of the run that a worker has claimed; None outside workers.
    """
    token = DESK.set(FileContext(store, journal))
    try:
        yield
    finally:
        DESK.reset(token)


@contextmanager
def in_haste() -> Iterator[None]:
    """Never wait for a failing file store inside the block, because a transaction holds locks."""
    desk = open_desk()
    desk.is_hasty = True
    try:
        yield
    finally:
        desk.is_hasty = False


def open_desk() -> FileContext:
    desk = DESK.get()
    if desk is None:
        raise EngineError("Files can be read and written only inside a run.")
    return desk


def file_store() -> FileContext | None:
    """Return the file store in use, or None if there is none."""
    return DESK.get()


def named(file: File) -> dict[str, str]:
    """Return the digest and the name of a file, as an event stores them."""
    return {"digest": file.digest, "name": file.name}


def named_files(files: Sequence[File]) -> dict[str, Any]:
    """Return the part of an event's data that names files: `{"files": […]}`.

    Returns {} if there are no files.
    """
    return {"files": [named(file) for file in files]} if files else {}


def _bytes_of(content: object) -> bytes:
    """Return the content of a file as bytes; raises `OptionError` unless it is bytes or text."""
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if not isinstance(content, str):
        words = f"The content of a file must be bytes or a string, not {type(content).__name__}."
        raise OptionError(words)
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise OptionError(f"The content of a file can't be stored. {canonical.HALF}") from None


def _plain_name(name: str) -> str:
    """Return the last name in a path, without invisible characters; "file" if nothing is left."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(mark for mark in last if mark.isprintable())[-LONGEST_NAME:]
    return shown if shown.strip(". ") else "file"
