"""Drafts under review (text, data or files), and the decisions about them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds.controls import ROWS
from procedures.engine.values import canonical
from procedures.engine.values.attachments import file_schema
from procedures.engine.values.sent import DoubleError, without_doubles
from procedures.engine.values.spelling import short_repr

JSON = "application/json"
MOST_DECISIONS = 12
TEXT, MARKDOWN, CODE, TABLE, FILE = "text", "markdown", "code", "table", "file"
MOST_ROWS, MOST_CELLS = 50, 300
"""The maximum numbers of rows and of cells in a table that people edit cell by cell.

A larger table is edited as JSON.
"""
COLUMNS: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
WAYS = (TEXT, MARKDOWN, CODE, "json", TABLE)
"""The values that authors may give for the option `format` of a review."""
KINDS: dict[type, tuple[str, str]] = {
    dict: ("object", "a JSON object in { }"),
    list: ("array", "a JSON list in [ ]"),
}


def text_of(draft: Any) -> str:
    """Return the text that people read and edit: text unchanged, and data as indented JSON."""
    if isinstance(draft, str):
        return draft
    return json.dumps(canonical.jsonable(draft), indent=2, ensure_ascii=False)


def review_schema(
    draft: Any, decisions: Mapping[str, str], *, is_kind_kept: bool = True
) -> dict[str, Any]:
    """Return the schema of an answer to a review: the decision and, if people edited it, the draft.

    If `is_kind_kept` is True, a draft that is a JSON object or a JSON list must remain one when
    people edit it.
    """
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    if not isinstance(draft, str):
        text["contentMediaType"] = JSON
        kind = KINDS.get(type(canonical.jsonable(draft)))
        if kind and is_kind_kept:
            text["contentSchema"] = {"type": kind[0]}
    return {
        "type": "object",
        "properties": {"decision": {"enum": list(decisions)}, "text": text},
        "required": ["decision"],
        "additionalProperties": False,
    }


def checked_decisions(prompt: str, decisions: Any) -> dict[str, str]:
    """Return the author's decisions with their labels; the first of them means approval.

    Raises `QuestionError` for invalid decisions.
    """
    if not isinstance(decisions, Mapping) or not decisions:
        raise QuestionError(
            f'{prompt!r}: decisions= must map names to labels, such as {{"approve": "Approve"}}, '
            f"not {short_repr(decisions)}."
        )
    if len(decisions) > MOST_DECISIONS:
        raise QuestionError(
            f"{prompt!r} has {len(decisions)} decisions; the limit is {MOST_DECISIONS}. "
            "Use ctx.choose for more."
        )
    for name in decisions:
        if not isinstance(name, str) or not name.strip():
            raise QuestionError(
                f"{prompt!r}: the names in decisions= must be strings that aren't empty, "
                f"not {short_repr(name)}."
            )
    if len({str(label).strip().casefold() for label in decisions.values()}) < len(decisions):
        raise QuestionError(f"{prompt!r}: two decisions have the same label.")
    return dict(decisions)


def checked_way(prompt: str, way: object, plain: Any) -> str:
    """Return the format in which the draft is shown: "markdown", "code", "table", or "" as default.

    `plain` is the draft as plain JSON. Raises `QuestionError` for a format that doesn't suit it.
    """
    if way not in ("", *WAYS):
        known = " or ".join(map(repr, WAYS))
        raise QuestionError(f"{prompt!r}: format= must be {known}, not {short_repr(way)}.")
    is_of_text, wants_text = isinstance(plain, str), way in (TEXT, MARKDOWN, CODE)
    if way and is_of_text != wants_text:
        kind = "a text" if is_of_text else "data"
        raise QuestionError(f"{prompt!r}: format={way!r} doesn't suit a draft that is {kind}.")
    if way == TABLE and not (isinstance(plain, list) and plain and all(map(_is_row, plain))):
        words = "needs a list of mappings, none of them empty"
        raise QuestionError(f'{prompt!r}: format="table" {words}.')
    return "" if way in (TEXT, "json") else str(way)


def _is_row(one: Any) -> bool:
    return isinstance(one, dict) and bool(one)


def table_schema(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the schema of a draft that people edit as a table; None if they must edit it as JSON.

    A table has the same keys in all rows, and the values of a column have one type or are None.
    """
    names = list(rows[0])
    if len(rows) > MOST_ROWS or len(rows) * len(names) > MOST_CELLS:
        return None
    if any(list(row) != names for row in rows):
        return None
    columns = {name: _column([row[name] for row in rows]) for name in names}
    if not all(columns.values()):
        return None
    required = [name for name, one in columns.items() if one and "default" not in one]
    row = {"type": "object", "properties": columns, "required": required}
    field = {"type": "array", "items": row, "default": list(rows), "title": "Rows"}
    return {"type": "object", "properties": {ROWS: field}, "required": []}


def _column(values: Sequence[Any]) -> dict[str, Any] | None:
    """Return the schema of a column of a table; None if the column can't be edited value by value.

    All values must have one type: string, whole number, float or boolean. Some values may be None
    instead, but not in a column of booleans.
    """
    kinds = {type(value) for value in values} - {type(None)}
    kind = COLUMNS.get(next(iter(kinds), str)) if len(kinds) <= 1 else None
    if kind is None:
        return None
    if None in values:
        return {"anyOf": [{"type": kind}, {"type": "null"}]} if kind != "boolean" else None
    return {"type": kind, "default": ""} if kind == "string" else {"type": kind}


def file_review_schema(decisions: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema of an answer to the review of a file: a decision, and maybe another file.

    The other file replaces the file under review.
    """
    return {
        "type": "object",
        "properties": {"decision": {"enum": list(decisions)}, FILE: file_schema()},
        "required": ["decision"],
        "additionalProperties": False,
    }


def is_data(schema: Mapping[str, Any]) -> bool:
    """Return True if the schema says that the draft is data, so that people edit it as JSON."""
    return bool(_text_schema(schema).get("contentMediaType") == JSON)


def parsed(text: str, schema: Mapping[str, Any]) -> Any:
    """Return the data in the JSON text of an edited draft.

    Raises `AnswerError` for invalid JSON, naming the line and the column of a syntax error, and for
    data that can't be stored or is of another JSON type than the original draft.
    """
    try:
        data = json.loads(text, object_pairs_hook=without_doubles, parse_constant=_no_number)
        canonical.text_of(data)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise AnswerError(f"The edited draft isn't valid JSON: {error.msg} ({where}).") from None
    except DoubleError as error:
        words = f"the name {error.name!r} appears twice in one object."
        raise AnswerError(f"The edited draft can't be stored: {words}") from None
    except RecursionError:
        raise AnswerError("The edited draft can't be stored: it is nested too deeply.") from None
    except ValueError as error:
        raise AnswerError(f"The edited draft can't be stored: {error}") from None
    wanted = _text_schema(schema).get("contentSchema", {}).get("type")
    for kind, words in KINDS.values():
        if wanted == kind and KINDS.get(type(data), ("",))[0] != kind:
            raise AnswerError(f"The edited draft must be {words}, like the original.")
    return data


def is_same(draft: str, text: str, schema: Mapping[str, Any]) -> bool:
    """Return True if the edited draft `text` equals the original draft.

    Two drafts of data are equal if their values are, so that people may indent the JSON
    differently.
    """
    if not is_data(schema):
        return draft == text
    return canonical.text_of(json.loads(draft)) == canonical.text_of(json.loads(text))


def _text_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    text: Mapping[str, Any] = schema.get("properties", {}).get("text", {})
    return text


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} isn't a number.")
