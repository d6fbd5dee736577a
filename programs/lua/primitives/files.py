"""The primitives named File, and the modules csv, tsv and json: files that programs use."""

import csv
import io
from pathlib import Path
from typing import Any

from procedures.engine import Context, File, SiteChoice
from programs.lua.primitives.fields import table_of_file
from programs.lua.primitives.keeping import decode, encode
from programs.lua.primitives.options import shown, text_of

FOLDERS = "LUA_FOLDERS"
"""The name of the setting with the site's folders that programs can read.

The setting maps names to folders. A path in a program begins with such a name.
"""
LARGEST = 4_000_000
"""The maximum size in bytes of a file that a program reads."""
LARGEST_WRITTEN = 20_000_000
"""The maximum number of characters in all files together that a run writes."""
Row = dict[str, str]


class Files:
    """The files that a program writes and reads.

    A file that a program writes becomes a file of the run, which people can download. Nothing on
    the disk is changed. A program can read the files that it has written, the files that people
    have sent, and the files in the folders of the setting LUA_FOLDERS.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._written: dict[str, str] = {}
        self._sent: dict[str, File] = {}

    def write(self, path: Any = None, content: Any = None) -> bool:
        file_path, text = _path(path), text_of(content)
        left = LARGEST_WRITTEN - sum(
            len(one) for name, one in self._written.items() if name != file_path
        )
        if len(text) > left:
            words = f"All files of one run can have at most {LARGEST_WRITTEN:,} characters in total"
            raise ValueError(f"{words}, so {file_path!r} is too large.")
        self._ctx.step(keep_file, file_path, text, name="write a file")
        self._written[file_path] = text
        return True

    def take(self, file: File) -> dict[str, Any]:
        """Remember a file that people have sent, and return the file's table for the program."""
        table = table_of_file(file)
        self._sent[table["path"]] = file
        return table

    def read(self, path: Any = None) -> str:
        file_path = _path(path)
        if file_path in self._written:
            return self._written[file_path]
        if file_path in self._sent:
            return self._ctx.step(read_sent, self._sent[file_path], name="read a file")
        return self._ctx.step(read_file, file_path, name="read a file")

    def exists(self, path: Any = None) -> bool:
        file_path = _path(path)
        if file_path in self._written or file_path in self._sent:
            return True
        return self._ctx.step(has_file, file_path, name="look for a file")

    def size(self, path: Any = None) -> int:
        if sent := self._sent.get(_path(path)):
            return sent.size
        return len(self.read(path).encode())

    def read_csv(self, path: Any = None, options: Any = None) -> list[Row]:
        return self._read_rows(path, options, ",")

    def write_csv(self, path: Any = None, rows: Any = None, options: Any = None) -> bool:
        return self._write_rows(path, rows, options, ",")

    def read_tsv(self, path: Any = None, options: Any = None) -> list[Row]:
        return self._read_rows(path, options, "\t")

    def write_tsv(self, path: Any = None, rows: Any = None, options: Any = None) -> bool:
        return self._write_rows(path, rows, options, "\t")

    def read_json(self, path: Any = None) -> Any:
        return decode(self.read(path))

    def write_json(self, path: Any = None, value: Any = None) -> bool:
        return self.write(path, encode(value))

    def _read_rows(self, path: Any, options: Any, mark: str) -> list[Row]:
        delimiter = _delimiter(options, mark)
        return list(csv.DictReader(io.StringIO(self.read(path), newline=""), delimiter=delimiter))

    def _write_rows(self, path: Any, rows: Any, options: Any, mark: str) -> bool:
        listed = [] if rows == {} else rows
        if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
            words = "The rows of a file must be a list of tables such as {name = 'Ann'}"
            raise ValueError(f"{words}, not {shown(rows)}.")
        headers = options.get("headers") if isinstance(options, dict) else None
        names = headers or sorted({name for row in listed for name in row})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(
            text, names, delimiter=_delimiter(options, mark), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows({name: text_of(one) for name, one in row.items()} for row in listed)
        return self.write(path, text.getvalue())


def keep_file(path: str, content: str) -> File:
    """Store a text as a file of the run. This function is a step."""
    return File.keep(path.rpartition("/")[2], content)


def read_sent(file: File) -> str:
    """Return the text of a file that people have sent. This function is a step."""
    if file.size > LARGEST:
        raise ValueError(f"The file {file.name!r} is too large. The limit is {LARGEST:,} bytes.")
    return file.text()


def read_file(path: str) -> str:
    """Return the text of a file in one of the site's folders. This function is a step."""
    found = _on_disk(path)
    if found is None or not found.is_file():
        raise ValueError(
            f"The file {path!r} was found neither among the run's files nor in {FOLDERS}."
        )
    if found.stat().st_size > LARGEST:
        raise ValueError(f"The file {path!r} is too large. The limit is {LARGEST:,} bytes.")
    return found.read_text("utf-8")


def has_file(path: str) -> bool:
    found = _on_disk(path)
    return found is not None and found.is_file()


def _on_disk(path: str) -> Path | None:
    """Return the place on the disk of a path in one of the site's folders.

    For a path that leads anywhere else, None is returned.
    """
    name, _, rest = path.removeprefix("./").partition("/")
    folders = SiteChoice(FOLDERS)
    if not rest or name not in folders.names:
        return None
    folder = Path(folders.value(name)).resolve()
    found = (folder / rest).resolve()
    return found if found.is_relative_to(folder) else None


def _path(path: Any) -> str:
    if not isinstance(path, str) or not path.strip() or path.endswith("/"):
        raise ValueError(f"A file needs a path, not {shown(path)}.")
    return path


def _delimiter(options: Any, mark: str) -> str:
    given = options.get("delimiter") if isinstance(options, dict) else None
    return text_of(given) or mark
