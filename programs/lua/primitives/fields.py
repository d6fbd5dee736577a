"""Forms for `Human.inputs`, options of choices, and files that people send by `Human.upload`."""

import mimetypes
from collections.abc import Mapping
from typing import Any

from procedures.engine import File
from programs.lua.primitives.options import shown, table_of, text_of

ITEM = {"id", "label", "type", "message", "options", "required", "default", "timeout", "metadata"}
TYPES: Mapping[str, str] = {"approval": "boolean", "input": "string", "select": "string"}


def form_of(items: Any) -> dict[str, Any]:
    """Return the JSON Schema of a form with one field for each item of `Human.inputs`."""
    if not isinstance(items, list) or not items:
        raise ValueError("Human.inputs needs a list of items.")
    read = [_item(one) for one in items]
    names = [text_of(one["id"]) for one in read]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"Human.inputs has two items with the id {twice!r}.")
    required = [text_of(one["id"]) for one in read if one.get("required", True)]
    properties = {text_of(one["id"]): _field(one) for one in read}
    return {"type": "object", "properties": properties, "required": required}


def _item(entry: Any) -> dict[str, Any]:
    given = table_of(entry, "An item of Human.inputs")
    missing = [name for name in ("id", "type") if not given.get(name)]
    if missing:
        raise ValueError(f"An item of Human.inputs needs {' and '.join(map(repr, missing))}.")
    if unknown := sorted(set(given) - ITEM):
        raise ValueError(f"An item of Human.inputs can't have {unknown[0]!r}.")
    if given["type"] not in TYPES:
        words = f"The type {text_of(given['type'])!r} isn't supported in Human.inputs"
        raise ValueError(f"{words}. The types are {', '.join(TYPES)}.")
    return given


def _field(entry: Mapping[str, Any]) -> dict[str, Any]:
    kind = TYPES[entry["type"]]
    label = text_of(entry.get("label") or entry["id"])
    found: dict[str, Any] = {"type": kind, "title": label}
    if message := text_of(entry.get("message")):
        found["description"] = message
    if entry["type"] == "select":
        options = options_of(entry.get("options"))
        found["oneOf"] = [{"const": value, "title": title} for value, title in options.items()]
    if (default := entry.get("default")) is not None:
        found["default"] = default
    elif not entry.get("required", True):
        found["type"] = [kind, "null"]
        found["default"] = None
    return found


def options_of(options: Any) -> dict[str, str]:
    """Return the labels of a choice's options, keyed by the values of the options.

    An option is given as a text, or as a table with `label` and `value`.
    """
    if not isinstance(options, list) or not options:
        raise ValueError(f"A choice needs a list of options, not {shown(options)}.")
    found = {}
    for one in options:
        named = one if isinstance(one, dict) else {"label": text_of(one)}
        label = text_of(named.get("label", named.get("value")))
        found[text_of(named.get("value", label))] = label
    return found


def media_types(accept: Any) -> list[str]:
    """Return the media types for a text such as ".pdf, image/*", or for a list of such texts."""
    listed = accept if isinstance(accept, list) else text_of(accept).split(",")
    return [_media_type(text_of(one).strip()) for one in listed if text_of(one).strip()]


def _media_type(text: str) -> str:
    if not text.startswith("."):
        return text
    found = mimetypes.guess_type(f"file{text}")[0]
    if found is None:
        raise ValueError(f"Human.upload doesn't know the media type of {text!r}.")
    return found


def table_of_file(file: File) -> dict[str, Any]:
    """Return the table by which a program knows a file; `File.read` accepts the table's `path`."""
    path = f"uploads/{file.digest[:12]}/{file.name}"
    return {"path": path, "name": file.name, "size": file.size, "mime_type": file.content_type}
