"""The form that starts a procedure, made from its signature, with what people typed."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.utils import timezone

from dashboard.forms.fields import Field, field_of
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import Fault, InputError
from procedures.engine.values import canonical
from procedures.engine.values.answers import takes_nothing
from procedures.engine.values.files import File, use_file_store
from procedures.engine.values.schemas import properties_of
from procedures.engine.values.typed import kind_of, read, texts_of
from procedures.files import ContentStore
from procedures.inputs import BodyError, TooLargeError, read_files, read_json, types_of_inputs
from procedures.users import User

A_LOCAL_TIME = "2026-12-31T09:30"
KEPT_FOR = timedelta(days=1)


class StartForm:
    """The fields of a procedure, with what one person has typed so far."""

    def __init__(self, definition: Definition, *, by: User, request: HttpRequest | None = None):
        self.definition = definition
        self.faults: tuple[Fault, ...] = ()
        self._by = by
        self._request = request
        self._schemas = properties_of(definition.schema)
        self._required = set(definition.schema.get("required", ()))
        self._may_be_nothing = {name for name, one in self._schemas.items() if takes_nothing(one)}
        self._files: dict[str, File] = {}

    def inputs(self) -> dict[str, Any]:
        """Return the inputs as they were sent; raises `InputError` for what can't be read."""
        request = self._request
        assert request
        try:
            sent = read_files(request, types_of_inputs(self.definition))
            self._files = self._kept_files() | {name: file for name, file in sent.items() if file}
        except TooLargeError as error:
            raise InputError([Fault(error.field, str(error))]) from None
        inputs, unread = self._read()
        if unread:
            raise InputError([*unread, *self._faults_beside(unread, inputs)])
        return inputs

    def _read(self) -> tuple[dict[str, Any], list[Fault]]:
        """Return the inputs that could be read, and the faults of the others."""
        inputs: dict[str, Any] = dict.fromkeys(self._required & self._may_be_nothing)
        unread: list[Fault] = []
        for name, schema in self._schemas.items():
            if kind_of(schema) == "file" or self._is_left_out(name, schema):
                continue
            try:
                inputs[name] = self._typed(name, schema)
            except InputError as error:
                unread += error.faults
        files = {name: self._files[name] for name in self._schemas if name in self._files}
        return inputs | files, unread

    def _faults_beside(self, unread: Sequence[Fault], inputs: Mapping[str, Any]) -> list[Fault]:
        """Return the faults of the other fields, so that all are shown at once."""
        named = {fault.field for fault in unread}
        try:
            with use_file_store(ContentStore()):
                self.definition.parse(inputs)
        except InputError as error:
            return [fault for fault in error.faults if fault.field not in named]
        return []

    def _kept_files(self) -> dict[str, File]:
        assert self._request
        tokens = {name: self._request.POST.get(f"-file-{name}", "") for name in self._schemas}
        kept = {name: self._kept_file(token) for name, token in tokens.items() if token}
        return {name: file for name, file in kept.items() if file}

    def _kept_file(self, token: str) -> File | None:
        try:
            return File(**signing.loads(token, salt=self._salt, max_age=KEPT_FOR))
        except signing.BadSignature:
            return None

    @property
    def _salt(self) -> str:
        """The salt of stored files: a file one person sent can't be used by another."""
        return f"dashboard.forms.start.file.{self._by.pk}"

    def _is_left_out(self, name: str, schema: Mapping[str, Any]) -> bool:
        """Return True if an empty field gets its default.

        Texts and lists may be emptied on purpose.
        """
        assert self._request
        if any(text.strip() for text in self._request.POST.getlist(name)):
            return False
        is_text = kind_of(schema) in {"text", "prose"} and schema.get("type") == "string"
        may_be_empty = is_text or kind_of(schema) in {"list", "choices"}
        return name in self._required or not may_be_empty

    def _typed(self, name: str, schema: Mapping[str, Any]) -> Any:
        assert self._request
        texts = self._request.POST.getlist(name)
        if kind_of(schema) == "json":
            return _json(name, texts[-1])
        value = read(schema, texts)
        return self._zoned(value) if self._wants_zone(name, schema) else value

    def _wants_zone(self, name: str, schema: Mapping[str, Any]) -> bool:
        """Return True if the input requires a time zone, which browsers don't send."""
        is_moment = kind_of(schema) == "datetime-local"
        return is_moment and not self.definition.fits(name, A_LOCAL_TIME)

    @staticmethod
    def _zoned(text: str) -> str:
        """Return the time with the reader's own zone; an invalid one stays, to be refused."""
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            return text
        zone = timezone.get_current_timezone()
        return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()

    def fields(self) -> list[Field]:
        return [self._field(name, schema) for name, schema in self._schemas.items()]

    @property
    def general_faults(self) -> list[str]:
        """The faults that belong to no field."""
        return [f"{one.field} {one.message}" for one in self.faults if not self._is_ours(one)]

    def _is_ours(self, fault: Fault) -> bool:
        return fault.field.partition(".")[0] in self._schemas

    def _field(self, name: str, schema: dict[str, Any]) -> Field:
        faults = [one.message for one in self.faults if one.field.partition(".")[0] == name]
        is_required = name in self._required - self._may_be_nothing
        drawn = field_of(
            name, schema, self._texts(name, schema), is_required=is_required, faults=faults
        )
        if self._wants_zone(name, schema):
            zone = timezone.get_current_timezone_name()
            drawn = replace(drawn, limits=[*drawn.limits, f"Time zone: {zone}."])
        kept = None if faults else self._files.get(name)
        token = signing.dumps(asdict(kept), salt=self._salt) if kept else ""
        return replace(drawn, kept=kept, kept_token=token)

    def _texts(self, name: str, schema: Mapping[str, Any]) -> list[str]:
        if self._request:
            return self._request.POST.getlist(name)
        return texts_of(self._default(name, schema), schema)

    def _default(self, name: str, schema: Mapping[str, Any]) -> Any:
        """Return an input's default; the schema lacks defaults that are copied, like lists."""
        default = inspect.signature(self.definition.fn).parameters[name].default
        is_copied = isinstance(default, list | dict | set)
        return canonical.jsonable(default) if is_copied else schema.get("default")


def _json(name: str, text: str) -> Any:
    try:
        return read_json(text.encode(errors="replace"))
    except BodyError:
        raise InputError([Fault(name, "is not JSON.")]) from None
