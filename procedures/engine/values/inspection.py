"""Pydantic's view of a type, recorded once, and functions that answer questions about the type.

Pydantic's public JSON Schema generator traverses the type; no other code reads core schemas.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, get_origin
from uuid import UUID

from pydantic import SecretBytes, SecretStr, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic.types import Secret
from pydantic_core import SchemaError, to_json, to_jsonable_python

from procedures.engine.values.served import adapter
from procedures.engine.values.spelling import short_repr

Schema = Mapping[str, Any]
FIELDS = ("model-field", "dataclass-field", "typed-dict-field")
WRAPPERS = ("default", "nullable", "definition-ref")
SHAPED = {
    *("none", "bool", "int", "float", "decimal", "str", "literal", "enum", "list", "dict"),
    *("uuid", "time", "timedelta", "date", "datetime", "nullable", "union", "default", "model"),
    *("dataclass", "model-fields", "typed-dict", "dataclass-args", *FIELDS),
}
MISSING: Any = Enum._missing_
"""The default `Enum._missing_`. An enum with its own `_missing_` may accept values of no member."""
OWN_CODE = ("custom_init", "on_error", "missing", "regex_engine")
TEXT_RULES = ("strip_whitespace", "to_lower", "to_upper")
RULES = (
    *("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "strict"),
    *("max_digits", "decimal_places", "allow_inf_nan", "coerce_numbers_to_str"),
)
NARROWER = ("now_op", "tz_constraint", "version")
"""Pydantic's names of constraints that a shape expresses as a `format`, like "aware-date-time"."""


@dataclass(eq=False)
class InspectedType:
    """A type as Pydantic validates it, or a type inside another type, such as a field's type."""

    kind: str
    """Pydantic's name for the kind of type, such as "int", "union", "model" or "model-field"."""
    rules: Schema
    """The type's constraints and settings, by Pydantic's names."""
    parts: list["InspectedType"] = field(default_factory=list)
    shape: Schema = field(default_factory=dict)
    """A JSON Schema that accepts every valid value of the type.

    It has JSON Schema's keywords, and constraints under Pydantic's names, such as "gt".
    """

    @property
    def inner(self) -> "InspectedType":
        """The type inside a wrapper: `int` if this part is `int | None` or has a default."""
        return self.parts[-1]

    @property
    def is_open(self) -> bool:
        """True if only the type's own code or settings decide which values it accepts."""
        has_config = self.rules.get("config", {}).keys() - {"title"}
        has_flags = not isinstance(self.rules.get("pattern", ""), str)
        has_own_ways = any(self.rules.get(name) for name in OWN_CODE)
        return has_own_ways or bool(has_config) or has_flags or self.kind not in SHAPED

    @property
    def functions(self) -> Iterator[Any]:
        """The functions that validate values of the type, or serialize them to JSON."""
        for about in (self.rules.get("function"), self.rules.get("serialization")):
            if isinstance(about, dict):
                yield about.get("function")

    def all(
        self, into: "Callable[[InspectedType], list[InspectedType]] | None" = None
    ) -> "Iterator[InspectedType]":
        """Yield this part and each part inside it, each of them once.

        `into` takes a part and returns those of its inner parts that are to be visited; by default,
        all inner parts are visited.
        """
        seen, left = set[int](), [self]
        while left:
            part = left.pop()
            if id(part) not in seen:
                seen.add(id(part))
                yield part
                left += reversed(into(part) if into else part.parts)


@lru_cache(maxsize=1024)
def inspect_type(types: TypeAdapter[Any]) -> InspectedType:
    """Return the type of an adapter, with the types inside it, as Pydantic validates them."""
    return _Recorder().record(types.core_schema)


class _Recorder(GenerateJsonSchema):
    """A generator of JSON Schemas that records each part of a type.

    Each JSON Schema that it makes accepts every valid value of the type.
    """

    def record(self, schema: Any) -> InspectedType:
        self._open: list[list[InspectedType]] = [[]]
        self._targets: dict[str, InspectedType] = {}
        self._references: list[InspectedType] = []
        self.generate_inner(schema)
        for part in self._references:
            part.parts.append(self._targets[part.rules["schema_ref"]])
        return self._open[0][0]

    def generate_inner(self, schema: Any) -> dict[str, Any]:
        """Record a part of a type and the parts in it, even if its JSON Schema leaves them out."""
        part = InspectedType(schema["type"], schema)
        self._open[-1].append(part)
        self._targets[schema.get("ref", "")] = part
        self._open.append(part.parts)
        found = getattr(self, f"{part.kind.replace('-', '_')}_schema")(schema)
        self._open.pop()
        rules = {name: schema[name] for name in (*RULES, *TEXT_RULES) if name in schema}
        if special := next((schema[rule] for rule in NARROWER if rule in schema), ""):
            rules["format"] = f"{special}-{found['format']}"
        part.shape = {} if part.is_open else to_jsonable_python({**found, **rules})
        return dict(part.shape)

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
        """Return an empty schema for a type without a JSON Schema, so that the type is recorded."""
        return {}

    def definition_ref_schema(self, schema: Any) -> dict[str, Any]:
        self._references += self._open[-2][-1:]
        return {}

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "number", "format": "decimal"}

    def _options(self, schema: Any) -> dict[str, Any]:
        known = schema.get("expected") or [one.value for one in schema["members"]]
        has_more = schema.get("cls", Enum)._missing_.__func__ is not MISSING.__func__
        is_plain = all(one is None or isinstance(one, str | int) for one in known)
        return {"enum": known} if is_plain and not has_more else {}

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        of = (("propertyNames", "keys_schema"), ("additionalProperties", "values_schema"))
        inner = {name: self.generate_inner(schema[one]) for name, one in of if one in schema}
        return {"type": "object", "additionalProperties": {}, **inner}

    def _fields(self, schema: Any) -> dict[str, Any]:
        fields, properties, required = schema["fields"], dict[str, Any](), list[str]()
        named = fields if isinstance(fields, list) else list(map(_named, fields.items()))
        for one in named:
            found, sent = self.generate_inner(one), one.get("validation_alias", one["name"])
            if one.get("init", True):
                own = {} if sent == one["name"] else {"name": one["name"], "alias": sent}
                properties[str(sent)] = {**found, **own}
                required += [str(sent)] * self.field_is_required(one, schema.get("total", True))
        for computed in schema.get("computed_fields", ()):
            self.generate_inner(computed)
        if "extras_schema" in schema:
            self.generate_inner(schema["extras_schema"])
        title = schema.get("model_name") or schema.get("dataclass_name") or schema.get("cls")
        about = {"type": "object", "title": getattr(title, "__name__", title) or "Values"}
        return {**about, "properties": properties, "required": required}

    def _in(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def _alone(self, schema: Any) -> dict[str, Any]:
        return {}

    literal_schema = enum_schema = _options
    model_fields_schema = typed_dict_schema = dataclass_args_schema = _fields
    model_schema = dataclass_schema = default_schema = _in
    function_before_schema = function_wrap_schema = _in
    call_schema = arguments_schema = arguments_v3_schema = _alone


def _named(item: tuple[str, Any]) -> Any:
    name, schema = item
    return {"name": name, **schema}


# Losses on the way through JSON

PLAIN = (str, int, float, bool, bytes, Decimal, date, datetime, time, timedelta, UUID)
BY_NAME = {one.__name__.lower(): one for one in (*PLAIN, list, tuple, set, frozenset, dict)}
"""Types whose values come back from JSON unchanged, by Pydantic's names."""
SAFE = {*BY_NAME, "none", "nullable", "literal", "default", "definitions", "definition-ref", "any"}
UNIONS = {"union", "tagged-union"}


@dataclass(frozen=True)
class LossReasons:
    """The reasons why values of a type could lose something when they are stored as JSON."""

    has_any: bool
    """True if the type contains `Any`; the class of such a value determines the value's JSON."""
    can_lose: bool
    """True if the type contains a class, a union, or a dict whose keys aren't strings."""
    unions: frozenset[type]
    """The member types of all unions in the type; JSON doesn't tell which one a value had."""


@lru_cache(maxsize=1024)
def watch_of(types: TypeAdapter[Any]) -> LossReasons:
    """Return the reasons why values of a type could lose something when they are stored as JSON."""
    parts = list(inspect_type(types).all())
    kinds = {part.kind for part in parts}
    kinds |= {one.rules["serialization"]["type"] for one in parts if "serialization" in one.rules}
    chosen = (one for part in parts if part.kind in UNIONS for one in part.all())
    classes = [one.rules.get("cls", BY_NAME.get(one.kind)) for one in chosen]
    can_lose = not kinds <= SAFE or any(map(_has_odd_names, parts))
    return LossReasons(
        "any" in kinds, can_lose, frozenset(one for one in classes if isinstance(one, type))
    )


def _has_odd_names(part: InspectedType) -> bool:
    keys = part.rules.get("keys_schema", {}).get("type", "any")
    return part.kind == "dict" and keys not in {"str", "any"}


# Open types and secrets

SECRETS = (SecretStr, SecretBytes, Secret)
OWN_WAYS = ("allow", "ignore")


def sets_extra_fields(types: TypeAdapter[Any]) -> bool:
    """Return True if a model in the type has the setting `extra="allow"` or `extra="ignore"`."""
    for part in inspect_type(types).all():
        config = part.rules.get("config", {})
        own = {part.rules.get("extra_behavior"), config.get("extra_fields_behavior")}
        if not own.isdisjoint(OWN_WAYS):
            return True
    return False


def holds_secret(hint: Any) -> bool:
    """Return True if a value of the type can hold a `SecretStr`, `SecretBytes` or `Secret`."""
    try:
        return _holds_secret(adapter(hint))
    except Exception:  # noqa: BLE001 (not a type, which is reported where it is used)
        return False


@lru_cache(maxsize=1024)
def _holds_secret(types: TypeAdapter[Any]) -> bool:
    parts = inspect_type(types).all()
    return any(_is_of_secret(function) for part in parts for function in part.functions)


def _is_of_secret(function: Any) -> bool:
    if isinstance(function, type):
        return issubclass(function, SECRETS)
    is_pydantics = getattr(function, "__module__", "") == "pydantic.types"
    return is_pydantics and "secret" in function.__qualname__.lower()


# Types that can't be read from JSON

NO_TYPE = "its values have no JSON form"
NAME_ALONE = "use the type itself instead of its name"
UNKNOWN_NAME = "it names a type that isn't defined here"
NOT_FROM_JSON = "no JSON value fits it"
ONCE = "its values can be read only once. Use list[...] instead"
READ_ONCE = (Iterator, AsyncIterator, Awaitable)
REASONS = {
    "callable": NOT_FROM_JSON,
    "call": NO_TYPE,
    "arguments": NO_TYPE,
    "is-subclass": NOT_FROM_JSON,
    "is-instance": NOT_FROM_JSON,
    "generator": ONCE,
    "json": "pydantic.Json reads JSON inside a string. Use the type itself instead",
}
"""The reason why each unsupported kind of type is refused, by Pydantic's name for the kind."""
MAKES_ITS_OWN = ("function-before", "function-wrap")
"""Kinds of types in which the author's code converts the JSON before Pydantic validates it."""


def unserved(hint: Any, *, takes_files: bool = True) -> str:
    """Return the reason why values of a type can't be converted to JSON and back.

    Returns "" if the values can be converted. With `takes_files=False`, a `File` in the type is
    such a reason, too.
    """
    if isinstance(hint, str):
        return NAME_ALONE
    if isinstance(hint, Mapping):  # Pydantic would read it as a core schema
        return NO_TYPE
    try:
        types = adapter(hint)
    except NameError:
        return UNKNOWN_NAME
    except SchemaError as error:
        return " ".join(str(error).split())
    except Exception:  # noqa: BLE001 (for what isn't a type, Pydantic may raise anything)
        return ONCE if get_origin(hint) in READ_ONCE else NO_TYPE
    return _unserved(types, takes_files) if types.pydantic_complete else UNKNOWN_NAME


@lru_cache(maxsize=1024)
def _unserved(types: TypeAdapter[Any], takes_files: bool) -> str:  # noqa: FBT001 (positional for the cache)
    parts = inspect_type(types).all(_read_from_json)
    return next(filter(None, (_reason(part, takes_files=takes_files) for part in parts)), "")


def _read_from_json(part: InspectedType) -> list[InspectedType]:
    """Return the types inside this type that read the JSON unchanged.

    Return none if the author's code converts the JSON first.
    """
    is_hidden = part.kind in MAKES_ITS_OWN or part.rules.get("serialization_exclude")
    return [] if is_hidden else part.parts


def _reason(part: InspectedType, *, takes_files: bool) -> str:
    if part.kind == "literal":
        options: Any = tuple(part.rules["expected"])
        return _lost_by_json(Literal[options], options)
    if part.kind == "enum":
        return _lost_by_json(part.rules["cls"], [one.value for one in part.rules["members"]])
    if not takes_files and any(reads_files(function) for function in part.functions):
        return "a File can't be sent in it"
    return REASONS.get(part.kind, "")


def _lost_by_json(hint: Any, options: Iterable[Any]) -> str:
    """Return the reason why an option can't be read back from its JSON; "" if every option can."""
    for option in options:
        try:
            TypeAdapter(hint).validate_json(to_json(option))
        except ValueError:
            return f"{short_repr(option)} has no JSON form"
    return ""


def reads_files(function: Any) -> bool:
    """Return True for the function that validates a `File`; files are sent beside JSON."""
    return getattr(getattr(function, "__self__", None), "is_sent_beside_json", False)
