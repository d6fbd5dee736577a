"""The inputs of a new run, read from a web request: JSON, or a form with files."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import EngineError, Fault, InputError
from procedures.engine.values.files import File, use_file_store
from procedures.engine.values.schemas import properties_of
from procedures.engine.values.sent import BodyError, read_json
from procedures.files import ContentStore

MEGABYTE = 1024 * 1024
FILE = "file"
UNKNOWN_TYPE = File.content_type
Types = Mapping[str, set[str]]


class TooLargeError(EngineError):
    """A body or file beyond the site's limit."""

    def __init__(self, what: str, size: int, *, field: str = "") -> None:
        self.field = field
        super().__init__(
            f"{what} is {size / MEGABYTE:.1f} MB; the limit is {conf.MAX_UPLOAD_MB} MB."
        )


def read_inputs(request: HttpRequest, definition: Definition) -> dict[str, Any]:
    """Return the inputs in the request's body as they were sent, after storing its files."""
    if request.content_type == "multipart/form-data":
        return _read_form(request, definition)
    inputs = read_json(request.body or b"{}")
    if not isinstance(inputs, dict):
        raise BodyError("Expected a JSON object with the inputs by name.")
    return inputs


def _read_form(request: HttpRequest, definition: Definition) -> dict[str, Any]:
    types = types_of_inputs(definition)
    texts = {name: _value(name, request.POST.getlist(name), types) for name in request.POST}
    if both := texts.keys() & request.FILES.keys():
        raise InputError([Fault(name, "was sent both as text and as a file.") for name in both])
    return texts | read_files(request, types)


def read_files(request: HttpRequest, types: Types) -> dict[str, File | None]:
    """Store the uploads and return them, or store none if one is too large."""
    # All are checked before the first is stored, so that a refused start leaves nothing in the
    # store.
    uploads = {name: _upload(name, request.FILES.getlist(name), types) for name in request.FILES}
    with use_file_store(ContentStore()):
        return {name: _stored(upload) for name, upload in uploads.items()}


def types_of_inputs(definition: Definition) -> Types:
    """Return the JSON types each input may have; "file" for an upload."""
    return {name: _types(schema) for name, schema in properties_of(definition.schema).items()}


def _types(schema: Mapping[str, Any]) -> set[str]:
    if schema.get("format") == "binary":
        return {FILE}
    own = {schema["type"]} if "type" in schema else set[str]()
    return own.union(*(_types(option) for option in schema.get("anyOf", ())))


def _value(name: str, texts: Sequence[object], types: Types) -> Any:
    """Return the value of form fields: a list repeats its field, an object is sent as JSON."""
    wanted = types.get(name, set())
    if "array" in wanted:
        return list(texts)
    if len(texts) > 1:
        raise InputError([Fault(name, f"was sent {len(texts)} times.")])
    if "object" not in wanted:
        return texts[0]
    try:
        return read_json(str(texts[0]).encode())
    except BodyError:
        raise InputError([Fault(name, "must be a JSON object.")]) from None


def store_upload(sent: UploadedFile) -> File:
    """Store an uploaded file and return its description; raises `TooLargeError`."""
    check_upload(sent)
    with use_file_store(ContentStore()):
        return _kept(sent)


def check_upload(sent: UploadedFile, *, field: str = "") -> None:
    """Raise `TooLargeError` for a file beyond the site's limit."""
    if (sent.size or 0) > conf.MAX_UPLOAD_MB * MEGABYTE:
        raise TooLargeError(sent.name or field or FILE, sent.size or 0, field=field)


def _upload(name: str, uploads: Sequence[object], types: Types) -> UploadedFile | None:
    """Return the one upload of an input, or None for an unknown input, which is refused later."""
    if name not in types:
        return None
    if FILE not in types[name]:
        raise InputError([Fault(name, "can't be a file.")])
    if len(uploads) > 1:
        raise InputError([Fault(name, f"must be one file, not {len(uploads)}.")])
    upload = cast("UploadedFile", uploads[0])
    check_upload(upload, field=name)
    return upload


def _stored(upload: UploadedFile | None) -> File | None:
    return _kept(upload) if upload else None


def _kept(upload: UploadedFile) -> File:
    content_type = upload.content_type or ""
    if content_type == UNKNOWN_TYPE:
        content_type = ""  # guessed from the name then
    return File.store(upload.name or FILE, upload.read(), content_type=content_type)
