"""The inputs of a start as they are sent: JSON, or the fields and files of a form."""

import json
from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from procedures.engine.definition import Procedure as Definition
from procedures.engine.errors import EngineError, Fault, InputError
from procedures.engine.files import File, file_desk
from procedures.files import ContentStore

MEGABYTE = 1024 * 1024


class BodyError(EngineError):
    """The body of a request cannot be read."""


class FileTooLargeError(EngineError):
    """An uploaded file is larger than the site takes."""

    def __init__(self, field: str, name: str, size: int) -> None:
        self.field = field
        super().__init__(
            f"{name} has {size / MEGABYTE:.0f} MB; at most {settings.MAX_UPLOAD_MB} MB are taken."
        )


def read_inputs(request: HttpRequest, definition: Definition | None) -> dict[str, Any]:
    """The inputs in a body, JSON or multipart, still as they were sent."""
    if request.content_type == "multipart/form-data":
        schemas = property_schemas(definition) if definition else {}
        fields = {name: read_field(request, name, schemas.get(name, {})) for name in request.POST}
        return fields | read_files(request)
    try:
        inputs = json.loads(request.body or b"{}")
    except ValueError:
        raise BodyError("The body is not JSON.") from None
    if not isinstance(inputs, dict):
        raise BodyError("The body is a JSON object: the inputs by name.")
    return inputs


def property_schemas(definition: Definition) -> dict[str, dict[str, Any]]:
    """The schema of each input, with what it refers to in place."""
    schema = definition.schema
    defs: Mapping[str, Any] = schema.get("$defs", {})
    return {name: _resolved(one, defs) for name, one in schema.get("properties", {}).items()}


def _resolved(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    resolved = {**defs.get(name, {}), **schema}
    if isinstance(items := resolved.get("items"), Mapping):
        resolved["items"] = _resolved(items, defs)
    return resolved


def read_field(request: HttpRequest, name: str, schema: Mapping[str, Any]) -> Any:
    """Form fields are texts: a list's field is repeated, an object's holds JSON."""
    if schema.get("type") == "array":
        return request.POST.getlist(name)
    if schema.get("type") != "object":
        return request.POST[name]
    try:
        return json.loads(request.POST[name])
    except ValueError:
        raise InputError([Fault(name, "is not JSON.")]) from None


def read_files(request: HttpRequest) -> dict[str, File]:
    """The uploads, kept; none of them when one is too large."""
    uploads = {name: cast(UploadedFile, request.FILES[name]) for name in request.FILES}
    for name, upload in uploads.items():
        if (upload.size or 0) > settings.MAX_UPLOAD_MB * MEGABYTE:
            raise FileTooLargeError(name, upload.name or name, upload.size or 0)
    with file_desk(ContentStore()):
        return {name: _stored(name, upload) for name, upload in uploads.items()}


def _stored(name: str, upload: UploadedFile) -> File:
    content_type = upload.content_type or ""
    return File.store(upload.name or name, upload.read(), content_type=content_type)
