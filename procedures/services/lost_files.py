"""Faults that tell people that a file they sent isn't stored any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from procedures.engine.errors import Fault, FileGoneError, InputError
from procedures.engine.values.attachments import LOST_FILE, files_by_place
from procedures.engine.values.files import File


class LostInputError(InputError):
    """A file among a new run's inputs isn't stored any more. `digest` is the digest of the file."""

    def __init__(self, digest: str, inputs: Any) -> None:
        self.digest = digest
        super().__init__(lost_faults(digest, inputs))


def lost_sentence(file: File) -> str:
    return LOST_FILE.format(name=file.name)


def lost_faults(digest: str, value: Any) -> list[Fault]:
    """Return a fault for each occurrence of the lost file in the value; [] if there is none."""
    found = files_by_place(value)
    return [Fault(at, lost_sentence(file)) for at, file in found if file.digest == digest]


@contextmanager
def lost_files_as_faults(inputs: Any) -> Iterator[None]:
    """Raise `LostInputError` if the block raises `FileGoneError` for a file among these inputs."""
    try:
        yield
    except FileGoneError as error:
        if not lost_faults(error.digest, inputs):
            raise
        raise LostInputError(error.digest, inputs) from None
