"""The inputs of a new run, read from a web request: JSON, or a form with files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import EngineError, Fault, InputError
from procedures.engine.values.answers import is_group, is_rows, without_nothing
from procedures.engine.values.attachments import is_file_schema
from procedures.engine.values.files import File, use_file_store
from procedures.engine.values.schemas import properties_of
from procedures.engine.values.sent import BodyError, read_json
from procedures.files import UploadStore

MEGABYTE = 1024 * 1024
FILE = "file"
UNKNOWN_TYPE = File.content_type
Schemas = Mapping[str, Mapping[str, Any]]


class TooLargeError(EngineError):
    """A request's body or a file is larger than the site's limit."""

    def __init__(self, what: str, size: int, *, field: str = "") -> None:
        self.field = field
        super().__init__(
            f"{what} is {size / MEGABYTE:.1f} MB; the limit is {conf.MAX_UPLOAD_MB} MB."
        )


def read_inputs(request: HttpRequest, definition: Definition) -> dict[str, Any]:
    """Return the inputs in the request's body, not yet checked; store the files in it."""
    if request.content_type == "multipart/form-data":
        return _read_form(request, definition)
    inputs = read_json(request.body or b"{}")
    if not isinstance(inputs, dict):
        raise BodyError("Expected a JSON object with the inputs by name.")
    return inputs


def _read_form(request: HttpRequest, definition: Definition) -> dict[str, Any]:
    schemas = properties_of(definition.schema)
    inputs = {name: _value(name, request.POST.getlist(name), schemas) for name in request.POST}
    if both := inputs.keys() & request.FILES.keys():
        raise InputError([Fault(name, "was sent both as text and as a file.") for name in both])
    for path, files in read_files(request, schemas).items():
        inputs = _placed(inputs, path.split("."), files, path)
    return inputs


Files = File | list[File] | None


def read_files(
    request: HttpRequest, schemas: Schemas, names: Iterable[str] | None = None
) -> dict[str, Files]:
    """Store the uploads and return them keyed by path; if one is too large, store none.

    A path is the name of an input ("scan"), or leads to a value inside an input ("order.scan",
    "lines.0.scan"). `names` are the paths to read; by default, all paths in the request are read.
    """
    # All files are checked before the first one is stored, so that a refused start stores nothing.
    sent = request.FILES.keys() if names is None else request.FILES.keys() & set(names)
    uploads = {path: _uploads(path, request.FILES.getlist(path), schemas) for path in sent}
    with use_file_store(UploadStore()):
        return {path: _stored(found) for path, found in uploads.items()}


def _placed(inputs: Any, path: Sequence[str], files: Files, whole: str) -> Any:
    """Return the inputs with `files` as the value at the path.

    `whole` is the complete path as text, for errors.
    """
    first, *rest = path
    if isinstance(inputs, list) and first.isdecimal() and int(first) < len(inputs):
        at = int(first)
        inner = _placed(inputs[at], rest, files, whole) if rest else files
        return [*inputs[:at], inner, *inputs[at + 1 :]]
    if not isinstance(inputs, dict | None):
        raise InputError([Fault(whole, "has no part for the file that was sent.")])
    found = inputs or {}
    return {**found, first: _placed(found.get(first), rest, files, whole) if rest else files}


def _types(schema: Mapping[str, Any]) -> set[str]:
    if schema.get("format") == "binary":
        return {FILE}
    own = {schema["type"]} if "type" in schema else set[str]()
    return own.union(*(_types(option) for option in schema.get("anyOf", ())))


def _value(name: str, texts: Sequence[object], schemas: Schemas) -> Any:
    """Return an input's value from the texts of the form fields with its name.

    A list has a form field for each item, and an object is sent as JSON. A list of objects may also
    be sent as one field with a JSON list.
    """
    schema = schemas.get(name, {})
    wanted = _types(schema)
    if "array" in wanted:
        is_nested = is_group(without_nothing(schema).get("items", {}))
        return _objects(name, texts) if is_nested else list(texts)
    if len(texts) > 1:
        raise InputError([Fault(name, f"was sent {len(texts)} times.")])
    return _object(name, texts[0]) if "object" in wanted else texts[0]


def _objects(name: str, texts: Sequence[object]) -> Any:
    found = [_object(name, text) for text in texts]
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found


def _object(name: str, text: object) -> Any:
    try:
        return read_json(str(text).encode())
    except BodyError:
        raise InputError([Fault(name, "must be a JSON object.")]) from None


def store_upload(sent: UploadedFile) -> File:
    """Store an uploaded file and return a reference to it.

    Raises `TooLargeError` for a file beyond the site's limit.
    """
    check_upload(sent)
    with use_file_store(UploadStore()):
        return _kept(sent)


def check_upload(sent: UploadedFile, *, field: str = "") -> None:
    """Raise `TooLargeError` for a file beyond the site's limit.

    `field` is the name of the form field, for the error.
    """
    if (sent.size or 0) > conf.MAX_UPLOAD_MB * MEGABYTE:
        raise TooLargeError(sent.name or field or FILE, sent.size or 0, field=field)


def _uploads(
    path: str, uploads: Sequence[object], schemas: Schemas
) -> "UploadedFile | list[UploadedFile] | None":
    """Return the uploads for an input; None for an unknown input, which is refused later."""
    schema = _schema_at(path.split("."), {"type": "object", "properties": schemas})
    if schema is None:
        return None
    items = schema.get("items", {}) if schema.get("type") == "array" else {}
    if not (is_file_schema(schema) or is_file_schema(items)):
        raise InputError([Fault(path, "can't be a file.")])
    found = [cast("UploadedFile", upload) for upload in uploads]
    for upload in found:
        check_upload(upload, field=path)
    if items:
        return found
    if len(found) > 1:
        raise InputError([Fault(path, f"must be one file, not {len(found)}.")])
    return found[0]


def _schema_at(path: Sequence[str], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of the value to which a path leads, or None if there is no such value."""
    for part in path:
        plain = without_nothing(schema)
        named = plain.get("properties", {}) if is_group(plain) else {}
        is_row = is_rows(plain) and part.isdecimal()
        found = plain["items"] if is_row else named.get(part)
        if found is None:
            return None
        schema = found
    return without_nothing(schema)


def _stored(found: "UploadedFile | list[UploadedFile] | None") -> Files:
    if isinstance(found, list):
        return [_kept(one) for one in found]
    return _kept(found) if found else None


def _kept(upload: UploadedFile) -> File:
    content_type = upload.content_type or ""
    if content_type == UNKNOWN_TYPE:
        content_type = ""  # guessed from the name then
    return File.store(upload.name or FILE, upload.read(), content_type=content_type)
