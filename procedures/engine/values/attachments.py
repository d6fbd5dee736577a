"""Files in answers: the limits that a question sets, and the check of a file that was sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from fnmatch import fnmatchcase
from mimetypes import MimeTypes
from typing import Any

from pydantic import BaseModel

from procedures.engine.errors import AnswerError
from procedures.engine.values.canonical import jsonable
from procedures.engine.values.files import File

BINARY = "binary"
"""The JSON Schema format of a file."""
ACCEPT, LARGEST = "accept", "maxBytes"
"""The keywords in a file's schema for the accepted media types and the largest size in bytes."""
ANY = {"*": "file", "audio": "recording", "image": "picture", "text": "text", "video": "video"}
TYPES = MimeTypes()
"""The media types built into Python, without those that the operating system's files add."""
OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = "application/vnd.oasis.opendocument"
WORDS = {
    "application/xml": "XML",
    f"{OFFICE}.wordprocessingml.document": "DOCX",
    f"{OFFICE}.spreadsheetml.sheet": "XLSX",
    f"{OFFICE}.presentationml.presentation": "PPTX",
    f"{OPEN}.text": "ODT",
    f"{OPEN}.spreadsheet": "ODS",
    f"{OPEN}.presentation": "ODP",
}
"""The names shown for media types whose extension depends on Python's version or is missing."""
KILOBYTE = 1024
UNITS = {"kB": KILOBYTE, "MB": KILOBYTE**2, "GB": KILOBYTE**3}
NO_FILE = "This must be an uploaded file."
LOST_FILE = "The file “{name}” isn't stored any more. Send it again."


@dataclass(frozen=True)
class ExpiredUpload:
    """A stand-in for a file that was sent too long ago to be used."""

    name: str


def file_schema(accept: tuple[str, ...] = (), largest: int | None = None) -> dict[str, Any]:
    """Return the schema of one file.

    `accept` lists the accepted media types, such as "image/*"; `largest` is the largest size in
    bytes.
    """
    limits = {ACCEPT: list(accept)} if accept else {}
    size = {} if largest is None else {LARGEST: largest}
    return {"type": "string", "format": BINARY, **limits, **size}


def is_file_schema(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == BINARY


def check_file(value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sent file as plain JSON; raises `AnswerError` for anything but an accepted file.

    The value must be a `File`, which only the host makes, after storing an upload. A JSON object
    with the fields of a `File` is refused, because its sender could have put the digest of another
    person's file into it.
    """
    if isinstance(value, ExpiredUpload):
        raise AnswerError(LOST_FILE.format(name=value.name))
    if not isinstance(value, File):
        raise AnswerError(NO_FILE)
    accept = schema.get(ACCEPT, ())
    if accept and not any(fnmatchcase(value.content_type.lower(), one) for one in accept):
        kind, kinds = words_of_type(value.content_type), " or ".join(map(words_of_type, accept))
        raise AnswerError(f"{value.name} has the type {kind}. Send {kinds}.")
    if value.size > schema.get(LARGEST, value.size):
        most = format_size(schema[LARGEST])
        raise AnswerError(f"{value.name} is {format_size(value.size)}; the limit is {most}.")
    plain: dict[str, Any] = jsonable(value)
    return plain


def limits_of_file(schema: Mapping[str, Any]) -> list[str]:
    """Return the limits on a file as sentences."""
    kinds = ", ".join(map(words_of_type, schema.get(ACCEPT, ())))
    return [
        *([f"Accepted: {kinds}."] if kinds else []),
        *([f"At most {format_size(schema[LARGEST])}."] if LARGEST in schema else []),
    ]


def words_of_type(media_type: str) -> str:
    """Return a media type as people know it, such as "PDF" or "any picture"."""
    family, _, kind = media_type.partition("/")
    if kind == "*" and family in ANY:
        return f"any {ANY[family]}"
    if words := WORDS.get(media_type.lower()):
        return words
    extension = TYPES.guess_extension(media_type.lower())
    return extension.removeprefix(".").upper() if extension else media_type


def format_size(size: int) -> str:
    """Return a number of bytes as people read it, such as "1.5 MB"."""
    units = [(name, count) for name, count in UNITS.items() if size >= count]
    if not units:
        return f"{size} bytes"
    name, count = units[-1]
    return f"{size / count:.1f}".removesuffix(".0") + f" {name}"


def files_in(value: Any) -> Iterator[File]:
    """Yield each `File` in a value, including files inside models, dataclasses, dicts and lists."""
    return (file for _, file in files_by_place(value))


def files_by_place(value: Any, at: str = "") -> Iterator[tuple[str, File]]:
    """Yield each `File` in a value with the path of the file, such as "lines.0.scan".

    `at` is the path of the value itself. A fault names a file by the same path.
    """
    if isinstance(value, File):
        yield at, value
        return
    if isinstance(value, BaseModel) or is_dataclass(value):
        value = vars(value)
    if isinstance(value, Mapping):
        parts: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple | set | frozenset):
        parts = enumerate(value)
    else:
        return
    for name, one in parts:
        yield from files_by_place(one, f"{at}.{name}" if at else str(name))


def with_files(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a stored answer in which each file is a `File` instead of a JSON object."""
    return changed_files(value, schema, lambda one: File(**one) if isinstance(one, dict) else one)


def changed_files(value: Any, schema: Mapping[str, Any], change: Callable[[Any], Any]) -> Any:
    """Return an answer with `change` applied to each value that the schema declares as a file."""
    branches = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    plain = branches[0] if len(branches) == 1 else schema
    if is_file_schema(plain):
        return change(value)
    if isinstance(value, list) and "items" in plain:
        return [changed_files(one, plain["items"], change) for one in value]
    if isinstance(value, dict) and "properties" in plain:
        of = plain["properties"]
        return {name: changed_files(one, of.get(name, {}), change) for name, one in value.items()}
    return value


def takes_files(schema: Mapping[str, Any]) -> bool:
    """Return True if an answer may contain a file."""
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema["items"]] if "items" in schema else []
    return is_file_schema(schema) or any(map(takes_files, inner))
