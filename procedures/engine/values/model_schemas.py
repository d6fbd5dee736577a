"""JSON Schemas of answers, made from types."""

from collections.abc import Mapping
from typing import Any, get_origin

from pydantic import PydanticUserError

from procedures.engine.errors import AnswerError
from procedures.engine.values import canonical
from procedures.engine.values.answers import (
    DECIMAL,
    VISIBLE,
    check_answer,
    check_form,
    completed,
    is_rows,
    without_nothing,
)
from procedures.engine.values.attachments import file_schema
from procedures.engine.values.inspection import (
    FIELDS,
    UNIONS,
    WRAPPERS,
    InspectedType,
    inspect_type,
    reads_files,
    unserved,
)
from procedures.engine.values.new_forms import MOST_ROWS, LargeFormError, check_size
from procedures.engine.values.schemas import ContainsItselfError, label, resolved
from procedures.engine.values.served import adapter
from procedures.engine.values.spelling import short_repr

LIMITS = {"gt", "ge", "lt", "le", "multiple_of", "decimal_places"}
LENGTHS = {"min_length", "max_length"}
TIMES = {"microseconds_precision"}
CHECKED: dict[str, set[str]] = {
    "str": {*LENGTHS, "pattern"},
    "int": LIMITS,
    "float": LIMITS,
    "decimal": LIMITS,
    "bool": set(),
    "date": set(),
    "datetime": TIMES,
    "time": TIMES,
    "timedelta": TIMES,
    "literal": {"expected"},
    "enum": {"cls", "members", "sub_type", "missing"},
    "list": {*LENGTHS, "items_schema"},
    "set": {*LENGTHS, "items_schema"},
}
"""Pydantic's names of the types in answers, each with the constraints that a schema can check."""
ALSO_SAID = {"type", "metadata", "ref"}
GROUPS = {"model", "dataclass", "typed-dict"}
LISTS = {"list", "set"}
KINDS = (
    "a string, a number, a Decimal, a bool, a date, a datetime, a time, a timedelta, a choice, a "
    "File, a model of such fields, or a list of these"
)
INSTEAD = (
    "Use only one of these types, or give each its own optional field. To let people choose "
    "between models, first ask which one with ctx.choose, then show that model's form with ctx.form"
)
"""Advice in error messages about unions; an answer wouldn't show which member type is meant."""
STRICT = ("strict", True)
FUNCTION = "function-"


def unchecked(part: InspectedType) -> list[str]:
    """Return the constraints of a type that a JSON Schema of an answer can't check."""
    known = {*CHECKED.get(part.kind, set()), *ALSO_SAID}
    if part.rules.get("tz_constraint") == "aware":
        known.add("tz_constraint")
    return sorted(set(part.rules) - known)


def complete(schema: dict[str, Any], part: InspectedType) -> None:
    """Add rules to a field's schema: strings mustn't be blank, and decimals have a fixed format."""
    if part.kind == "str":
        schema.setdefault("pattern", VISIBLE)
    if part.kind == "decimal":
        forms = schema["anyOf"]
        # An optional amount of money has both forms inside the first one.
        number, text, *_ = forms[0].get("anyOf", forms)
        text["pattern"] = DECIMAL
        if (places := part.rules.get("decimal_places")) is not None:
            number.setdefault("multipleOf", 1 if places == 0 else 10**-places)


def form_schema(model: Any) -> dict[str, Any]:
    """Return the schema of a form for a model; every answer that fits the schema fits the model.

    The schema contains the current defaults of the model's fields, because the fields that an
    answer lacks are filled in from the stored schema. Raises `ValueError` for a model that can't be
    a form.
    """
    if isinstance(model, Mapping | str):  # Pydantic would read it as a core schema
        words = f"A form must be a model, a dataclass or a TypedDict, not {short_repr(model)}."
        raise ValueError(f"{words} Pass a JSON Schema as schema=.")  # noqa: TRY004
    if why := unserved(model):
        raise ValueError(f"{_name(model)} can't be a form: {why}.")
    try:
        types = adapter(model)
        schema, part = resolved(types.json_schema()), inspect_type(types)
    except PydanticUserError as error:
        raise ValueError(f"{_name(model)} can't be a form: {error}".partition("\n")[0]) from None
    except ContainsItselfError:
        raise ValueError(f"{_name(model)} can't be a form: it contains itself.") from None
    if why := _why_no_group(part):
        raise ValueError(f"{_name(model)} can't be a form: {why}.")
    found = _group(schema, _bare(part), "", of=_name(model))
    try:
        check_size(found)
    except LargeFormError as error:
        raise ValueError(f"{_name(model)} can't be a form: {error.name}: {error.words}") from None
    return found


def _why_no_group(part: InspectedType) -> str:
    if part.kind == "nullable":
        return "it may be None. Give the model alone, without None"
    return _why_union(_bare(part))


def _why_union(part: InspectedType) -> str:
    """Return the reason why a union isn't supported, as a phrase; "" if the type is no union."""
    if part.kind not in UNIONS:
        return ""
    members = " | ".join(_title(_bare(one)) for one in part.parts)
    return f"it has the union {members}, which isn't supported for answers. {INSTEAD}"


def _title(part: InspectedType) -> str:
    cls = part.rules.get("cls")
    return str(getattr(cls, "__name__", part.kind))


def _group(schema: Mapping[str, Any], part: InspectedType, path: str, *, of: str) -> dict[str, Any]:
    """Return the final schema of an object; `of` is the model or field that errors name."""
    if why := _name_own_check(part):
        raise ValueError(f"{of} can't be a form: it has {why}, which isn't supported for answers.")
    properties, required = schema.get("properties", {}), sorted(schema.get("required", []))
    fields = _fields(part)
    if not fields or fields.keys() != properties.keys():
        raise ValueError(f"{of} has no fields that a form could show.")
    finished = {
        name: _finished(path + name, properties[name], field, is_required=name in required)
        for name, field in fields.items()
    }
    return {
        "type": "object",
        "properties": {name: finished[name] for name in properties},
        "required": required,
        "additionalProperties": False,
    }


def _fields(part: InspectedType) -> dict[str, InspectedType]:
    """Return the fields of a model by the names that answers use, which may be aliases."""
    holder = part.inner if part.kind in {"model", "dataclass"} else part
    fields = (one for one in holder.parts if one.kind in FIELDS)
    # Answers name fields by their alias, as the JSON Schema does, not by the field's own name.
    return {str(one.rules.get("validation_alias", one.rules["name"])): one.inner for one in fields}


def _name_own_check(part: InspectedType) -> str:
    """Return a phrase for a check that a model makes besides checking the types of its fields.

    The phrase is for example "a validator". It is "" if the model makes no such check.
    """
    config = part.rules.get("config", {})
    rules = [name for name in config if name.startswith("str_") or (name, config[name]) == STRICT]
    if rules:
        return f"the setting {rules[0]}"
    inner = part.inner.kind if part.parts else ""
    if part.rules.get("custom_init") or FUNCTION in {part.kind[:9], inner[:9]}:
        return "a validator"
    return "a __post_init__" if part.rules.get("post_init") else ""


def _finished(
    path: str, schema: Mapping[str, Any], part: InspectedType, *, is_required: bool
) -> dict[str, Any]:
    """Return a field's final schema, with label, default, and rules that Pydantic leaves out."""
    found, inner = dict(schema), _bare(part)
    if why := _unfit(inner):
        raise ValueError(f"{path} can't be a field of a form: {why}.")
    name = path.rpartition(".")[2]
    if inner.kind in GROUPS or inner.kind in LISTS or _is_file(inner):
        found = _in_place(found, _value_schema(found, inner, path))
    elif inner.kind != "str" or is_required:
        complete(found, inner)
    found["title"] = label(name, found)
    if part.kind == "default":
        found["default"] = _default(path, part.rules, found)
    return found


def _in_place(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema with `value` in place of the schema of the field's value.

    The title and the description stay. If None was allowed, it stays allowed.
    """
    about = {name: schema[name] for name in ("title", "description") if name in schema}
    if "anyOf" not in schema:
        return {**value, **about}
    return {"anyOf": [value, {"type": "null"}], **about}


def _value_schema(schema: Mapping[str, Any], part: InspectedType, path: str) -> dict[str, Any]:
    """Return the schema of a nested model, a file or a list, without a title and without null."""
    plain: Mapping[str, Any] = next(
        (one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"), {}
    )
    if _is_file(part):
        return file_schema()
    if part.kind in GROUPS:
        return _group(plain, part, f"{path}.", of=path)
    found = {name: one for name, one in plain.items() if name not in {"title", "description"}}
    items = _bare(part.inner)
    if items.kind in GROUPS or _is_file(items):
        found["items"] = _value_schema(plain["items"], items, path)
    elif items.kind == "decimal":
        complete(found["items"], items)
    return found


def _bare(part: InspectedType) -> InspectedType:
    """Return the type inside wrappers: `int` for `int | None`, for a default or for a reference."""
    return _bare(part.inner) if part.kind in {*WRAPPERS, "definitions"} else part


def _is_file(part: InspectedType) -> bool:
    return any(reads_files(function) for function in part.functions)


def _unfit(part: InspectedType) -> str:
    if _is_file(part) or part.kind in GROUPS:
        return ""
    if part.kind.startswith(FUNCTION):
        return "it has a validator, which isn't supported for answers"
    if part.kind not in CHECKED:
        return _why_union(part) or f"a field must be {KINDS}, not {part.kind}"
    if rules := unchecked(part):
        return f"it has constraints that aren't supported for answers: {', '.join(rules)}"
    if part.kind not in LISTS:
        return ""
    items = _bare(part.inner)
    is_nested = items.kind in LISTS or part.inner.kind == "nullable"
    return f"a field must be {KINDS}" if is_nested else _unfit(items)


def _default(path: str, rules: Mapping[str, Any], schema: dict[str, Any]) -> Any:
    """Return a field's default as plain JSON.

    Raises `ValueError` if the default isn't a valid answer, or depends on other fields.
    """
    if rules.get("default_factory_takes_data"):
        raise ValueError(f"The default of {path} must not depend on other fields.")
    value = rules["default_factory"]() if "default_factory" in rules else rules["default"]
    plain = canonical.jsonable(value)
    try:
        return check_default(plain, schema)
    except AnswerError as error:
        raise ValueError(f"The default of {path} isn't a valid answer: {error}") from None


def check_default(value: Any, schema: dict[str, Any]) -> Any:
    """Return a field's default in its stored form.

    Raises `AnswerError` if the default isn't a valid answer.
    """
    if isinstance(value, list) and is_rows(without_nothing(schema)) and len(value) > MOST_ROWS:
        raise AnswerError(f"The list has {len(value):,} rows; the limit is {MOST_ROWS}.")
    if isinstance(value, dict | list):
        whole = {"type": "object", "properties": {"it": schema}}
        try:
            return check_form({"it": completed(value, schema)}, whole)["it"]
        except AnswerError as error:
            raise AnswerError(str(error).replace("it: ", "").replace("it.", "")) from None
    return check_answer(value, schema)


def _name(model: Any) -> str:
    # For a type with parameters, `__name__` would be "Annotated" or "list".
    name = "" if get_origin(model) else getattr(model, "__name__", "")
    return str(name) or short_repr(model)
