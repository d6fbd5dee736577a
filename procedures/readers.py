"""The site's readers: functions that turn texts into procedures, one reader per file suffix."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.utils.module_loading import import_string

from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import EngineError, ProcedureFileError, TextUnreadable
from procedures.engine.values.canonical import legible
from procedures.engine.values.sizes import cut

Reader = Callable[[str, str], Procedure | Iterable[Procedure]]
"""A function of the site that receives a file's name and text, and returns its procedures."""
SETTING = "PROCEDURE_READERS"
LONGEST_REASON = 500
"""The longest error message of a reader, in characters."""
MOST_IN_ONE = 1000
"""The maximum number of procedures that one file may define."""


class ReaderError(ProcedureFileError):
    """The site has no reader for files with this suffix, or the reader can't be used."""


@dataclass(frozen=True, eq=False)
class Unreadable(Procedure):
    """A stand-in for the procedure in a stored text that its reader rejects.

    A run that was started with this text is quarantined.
    """

    why: str = ""

    def load(self, text: str) -> dict[str, Any]:
        raise TextUnreadable(self.why)


def suffix_of(file: str) -> str:
    """Return the longest suffix of the file name for which there is a reader, or ""."""
    found = [suffix for suffix in conf.PROCEDURE_READERS if file.endswith(suffix)]
    return max(found, key=len, default="")


def reader_of(suffix: str) -> Reader:
    """Return the reader for a suffix; raise `ReaderError` if it can't be used."""
    named = conf.PROCEDURE_READERS[suffix]
    where = f"{SETTING} names {named} for {suffix}, which"
    try:
        reader: Reader = import_string(named)
    except KeyboardInterrupt:  # somebody asks this process to end
        raise
    except BaseException as error:
        raise ReaderError(f"{where} can't be imported: {_words_of(error)}") from error
    if not callable(reader):
        raise ReaderError(f"{where} isn't a function.")
    return reader


def import_readers() -> None:
    """Import all readers, so that they are loaded before runs are claimed.

    A reader that can't be imported is reported when a text with its suffix is read.
    """
    for suffix in conf.PROCEDURE_READERS:
        with suppress(ReaderError):
            reader_of(suffix)


def read_text(file: str, text: str) -> list[Procedure]:
    """Return the procedures that a text defines.

    Raises `ProcedureFileError` if the text can't be read or defines none.
    """
    suffix = suffix_of(file)
    if not suffix:
        raise ReaderError(f"There is no reader for its suffix. Name one in {SETTING}.")
    read = _called(reader_of(suffix), file, text)
    names = [one.name for one in read]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ProcedureFileError(f"It defines {', '.join(sorted(twice))} twice.")
    return [one.of_text(file, text) for one in read]


def _called(reader: Reader, file: str, text: str) -> list[Procedure]:
    """Call the reader and return its procedures; raise its errors as `ProcedureFileError`."""
    try:
        given = reader(file, text)
        several = [given] if isinstance(given, Procedure) else given
        # A reader may be a generator that never ends.
        read: list[object] = [*islice(several, MOST_IN_ONE + 1)]
        found = [one for one in read if isinstance(one, Procedure)]
        for one in found:
            one.check()
    except KeyboardInterrupt:  # somebody asks this process to end
        raise
    # A reader is the site's own code. Whatever it raises, even by `sys.exit()`, is a fault of this
    # file alone.
    except BaseException as error:
        raise ProcedureFileError(_words_of(error), line=_line_of(error)) from error
    if len(found) != len(read):
        raise ProcedureFileError("Its reader returned something that isn't a procedure.")
    if not found:
        raise ProcedureFileError("Its reader found no procedure in it.")
    if len(found) > MOST_IN_ONE:
        raise ProcedureFileError(f"It defines more than {MOST_IN_ONE:,} procedures. Split it.")
    return found


def _words_of(error: BaseException) -> str:
    """Return the error's message as one short line; most errors' lines begin with their type."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (an error that can't be written is reported without its message)
        message = ""
    words = cut(" ".join(legible(message).split()), LONGEST_REASON)
    if words and isinstance(error, ProcedureFileError):
        return words
    is_plain = words and isinstance(error, ValueError | EngineError)
    shown = words if is_plain else f"{type(error).__name__}: {words}".removesuffix(": ")
    return shown.rstrip(".") + "."


def _line_of(error: BaseException) -> int | None:
    """Return the line number in an error of a parser (JSON, TOML, Python, XML, YAML), or None."""
    mark = getattr(getattr(error, "problem_mark", None), "line", None)
    if isinstance(mark, int):
        return mark + 1
    named = ("line", "lineno") if isinstance(error, ProcedureFileError) else ("lineno",)
    lines = [getattr(error, name, None) for name in named]
    return next((line for line in lines if isinstance(line, int)), None)
