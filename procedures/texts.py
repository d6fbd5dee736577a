"""The files that define procedures, found by the glob patterns in PROCEDURE_FILES."""

import os
import stat
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import escape, has_magic, iglob
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import ProcedureFileError
from procedures.engine.values.canonical import legible
from procedures.engine.values.visible import visible_line
from procedures.readers import read_text

MOST_FILES = 1000
"""The maximum number of files that are read; a warning is logged if there are more."""
LOOK_EVERY = 0.5
"""Seconds between two checks for edited files, if NOTICES_EDITED_FILES is true."""


@dataclass(frozen=True)
class FileFault:
    """The reason why a file can't be read, or why procedures in it can't be used."""

    file: str
    message: str
    line: int | None = None
    names: tuple[str, ...] = ()
    """The procedures that can't be used; () if the fault concerns the whole file."""

    def __str__(self) -> str:
        place = f", line {self.line}" if self.line else ""
        return visible_line(f"{self.file}{place}: {self.message}")


@dataclass(frozen=True, eq=False)
class FoundProcedures:
    """The procedures of all readable files, and the faults of the others."""

    definitions: Mapping[str, Procedure]
    faults: Sequence[FileFault]


class MatchedFile(NamedTuple):
    """A file that a glob pattern matches."""

    path: Path
    folder: Path
    """The folder in the pattern before the first wildcard; the file must be inside this folder."""

    @property
    def name(self) -> str:
        """The name shown to people, which begins with the last part of `folder`.

        With the folder "/srv/flows", an example is "flows/refund.json".
        """
        below = self.path.relative_to(self.folder)
        return legible((Path(self.folder.name) / below).as_posix())


class FileCache:
    """The files and procedures that this process found when it last read the files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: FoundProcedures | None = None
        self._stamp: object = None
        self._looked_at = 0.0

    def forget(self) -> None:
        """Forget what was found; the next use reads all files again."""
        self._found = None

    def look_again(self) -> None:
        """Let the next use check at once for edited files, if NOTICES_EDITED_FILES is true."""
        self._looked_at = -LOOK_EVERY

    def current(self) -> FoundProcedures:
        """Return what was found in the files, which are read at the first use and after edits."""
        with self._lock:
            if self._found is None or self._has_changed():
                # The stamp is taken before the files are read: if a file is edited meanwhile, the
                # next look sees a different stamp and reads it.
                self._stamp, self._looked_at = _stamp(), time.monotonic()
                self._found = load()
            return self._found

    def _has_changed(self) -> bool:
        now = time.monotonic()
        if not conf.NOTICES_EDITED_FILES or now - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = now
        return _stamp() != self._stamp


shelf = FileCache()


def load() -> FoundProcedures:
    """Read all files, and return their procedures and faults.

    A faulty file doesn't affect the procedures of other files.
    """
    by_name: dict[str, list[Procedure]] = {}
    faults: list[FileFault] = []
    every = places()
    if len(every) > MOST_FILES:
        words = (
            f"The globs match more than {MOST_FILES:,} files; only the first {MOST_FILES:,} were "
            "read."
        )
        faults.append(FileFault("PROCEDURE_FILES", words))
    for place in every[:MOST_FILES]:
        try:
            for one in read_text(place.name, text_of(place)):
                by_name.setdefault(one.name, []).append(one)
        except ProcedureFileError as error:
            faults.append(FileFault(place.name, str(error), error.line))
    for name, same in by_name.items():
        if len(same) > 1:
            files = " and ".join(one.file for one in same)
            words = f"The procedure {name} is defined in {files}. Rename all but one."
            faults += [FileFault(one.file, words, names=(name,)) for one in same]
    once = {name: same[0] for name, same in by_name.items() if len(same) == 1}
    return FoundProcedures(once, faults)


def text_of(place: MatchedFile) -> str:
    """Return the text of a file; raise `ProcedureFileError` if it isn't a readable text."""
    try:
        path = place.path.resolve(strict=True)
        # The path is resolved first: a link in the folder must not make the site run a file from
        # elsewhere.
        if not path.is_relative_to(place.folder.resolve()):
            raise ProcedureFileError("It's a symbolic link that leads out of its folder.")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ProcedureFileError("It isn't a regular file.")
        with path.open("rb") as file:
            # One byte more than allowed shows that the file is too large, however large it is, and
            # even if it grows meanwhile.
            data = file.read(conf.LARGEST_PROCEDURE_FILE + 1)
    except FileNotFoundError:
        raise ProcedureFileError("It's a broken symbolic link.") from None
    except RuntimeError:
        raise ProcedureFileError("It's a symbolic link to itself.") from None
    except OSError as error:
        raise ProcedureFileError(f"It can't be opened: {error.strerror}.") from None
    if len(data) > conf.LARGEST_PROCEDURE_FILE:
        limit = f"{conf.LARGEST_PROCEDURE_FILE:,} bytes"
        raise ProcedureFileError(f"It's too large. The limit is {limit} (LARGEST_PROCEDURE_FILE).")
    return _decoded(data)


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProcedureFileError("It isn't UTF-8 text.", line=line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ProcedureFileError("It contains a NUL character.", line=line)
    return text.replace("\r\n", "\n")


def places() -> list[MatchedFile]:
    """Return the files that the patterns match, each file once, sorted by path.

    If there are more than `MOST_FILES`, one more than that is returned, so that the caller notices.
    """
    found: dict[str, MatchedFile] = {}
    for place in chain.from_iterable(map(places_of, conf.PROCEDURE_FILES)):
        # Files are compared by their real paths: two globs, or a link, may lead to one file, whose
        # procedures would then seem to be defined twice.
        found.setdefault(os.path.realpath(place.path), place)
        if len(found) > MOST_FILES:
            break
    return sorted(found.values(), key=lambda place: place.path)


def places_of(pattern: str) -> Iterator[MatchedFile]:
    """Yield the files that one pattern matches; none if the pattern can't be used."""
    if misuse_of(pattern):
        return
    folder = folder_of(pattern)
    parts = (conf.BASE_DIR / pattern).relative_to(folder).parts
    for path in _matching(folder, parts):
        if not path.is_dir():
            yield MatchedFile(path, folder)


def _matching(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the files in a folder that match the rest of a pattern, except hidden ones.

    `parts` is the rest of the pattern.
    """
    before, deep, after = _split(parts)
    starts = iglob(str(Path(escape(str(folder)), *before)))  # noqa: PTH207 (pathlib finds hidden ones)
    for start in map(Path, starts):
        if not deep:
            yield start
        elif start.is_dir():
            yield from chain.from_iterable(_matching(one, after) for one in _tree(start, folder))


def _split(parts: Sequence[str]) -> tuple[Sequence[str], bool, Sequence[str]]:
    place = [*parts, "**"].index("**")
    return parts[:place], place < len(parts), parts[place + 1 :]


def _tree(start: Path, top: Path) -> Iterator[Path]:
    """Yield a folder and all folders below it, each once, real folders before symbolic links.

    A link to a folder outside `top` is yielded, but its target isn't searched.
    """
    seen, whole, ahead, links = set(), top.resolve(), deque([start]), deque[Path]()
    while ahead or links:
        here = (ahead or links).popleft()
        # Links may lead in circles.
        if (real := Path(os.path.realpath(here))) in seen:
            continue
        seen.add(real)
        yield here
        if real.is_relative_to(whole):
            for folder in _folders_in(here):
                (links if folder.is_symlink() else ahead).append(folder)


def _folders_in(folder: Path) -> list[Path]:
    """Return the subfolders that aren't hidden; none if the folder can't be opened."""
    try:
        # `scandir` knows which entries are folders without a call for each entry.
        with os.scandir(folder) as found:
            inner = [one.path for one in found if not one.name.startswith(".") and one.is_dir()]
    except OSError:
        return []
    return sorted(map(Path, inner))


def folder_of(pattern: str) -> Path:
    """Return the folder in a pattern before its first wildcard: `flows` for `flows/**/*.json`."""
    path = conf.BASE_DIR / pattern
    fixed = [not has_magic(part) for part in path.parts]
    return Path(*path.parts[: (fixed.index(False) if False in fixed else -1)])


def misuse_of(pattern: str) -> str:
    """Return what is wrong with a pattern; "" if the pattern can be used."""
    parts, folder = Path(pattern).parts, folder_of(pattern)
    is_folder = pattern.endswith(("/", "**")) or (conf.BASE_DIR / pattern).is_dir()
    wrong = {
        "has braces. Write one glob for each alternative.": {"{", "}"} & {*pattern},
        "has an unmatched bracket.": pattern.count("[") != pattern.count("]"),
        "has ** beside other characters. Write it between slashes, as in flows/**/*.json.": any(
            "**" in part and part != "**" for part in parts
        ),
        'contains "..". Write the path without it.': ".." in parts,
        "would search the whole disk. Name a folder first.": folder == Path(folder.anchor),
        "names a folder. Add its files, as in flows/*.json.": is_folder,
        f"names the folder {folder}, which doesn't exist.": not folder.is_dir(),
    }
    return next((words for words, is_so in wrong.items() if is_so), "")


def _stamp() -> object:
    """Return a value that changes when a file is edited, added or removed."""
    stamps = []
    for place in places():
        with suppress(OSError):
            status = place.path.stat()
            stamps.append((place.path, status.st_mtime_ns, status.st_size, status.st_ino))
    return stamps
