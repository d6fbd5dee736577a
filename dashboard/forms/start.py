"""The form that starts a procedure; it is made from the procedure's signature."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, cast

from django.core import signing
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import BaseModel

from dashboard.forms.fields import Kept, SchemaField
from dashboard.forms.layout import Builder, FieldOptions, change_rows, prefill_row
from dashboard.forms.schema import SchemaForm
from procedures.conf import conf
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import AnswerError, Fault, InputError
from procedures.engine.values import canonical
from procedures.engine.values.answers import takes_nothing
from procedures.engine.values.attachments import changed_files
from procedures.engine.values.files import File, use_file_store
from procedures.engine.values.schemas import label, properties_of
from procedures.engine.values.typed import NESTED, Texts, kind_of, read_fields, texts_of
from procedures.files import ContentStore
from procedures.inputs import TooLargeError, check_upload, read_files, store_upload
from procedures.services import LostInputError, lost_files_as_faults, lost_sentence
from procedures.users import User

A_LOCAL_TIME = "2026-12-31T09:30"
LEFT_OUT: Any = object()
"""A marker for an input that isn't passed to the procedure, so that its default applies."""


class StartField(SchemaField):
    """A form field for one input of a procedure."""

    def __init__(self, name: str, definition: Definition, schema: Mapping[str, Any]) -> None:
        self.is_needed = name in definition.schema.get("required", ())
        self.may_be_nothing = takes_nothing(schema)
        default = texts_of(_default(definition, name, schema), schema)
        is_required = self.is_needed and not self.may_be_nothing
        super().__init__(label(name, schema), schema, initial=default, required=is_required)
        is_moment = self.kind == "datetime-local"
        self.wants_zone = is_moment and not definition.fits(name, A_LOCAL_TIME)
        """True if the input needs a time zone, which browsers don't send with a time."""
        self.widget.is_zoned = self.wants_zone
        if self.wants_zone:
            self.limits = [
                *self.limits,
                _("Time zone: {zone}.").format(zone=timezone.get_current_timezone_name()),
            ]

    def clean(self, value: Sequence[str]) -> Any:
        """Return the input as JSON, or LEFT_OUT if it is a file or its default applies."""
        if self.kind in {"file", "files"}:
            return LEFT_OUT
        if self._is_left_out(value):
            return None if self.is_needed and self.may_be_nothing else LEFT_OUT
        found = super().clean(value)
        return _zoned(found) if self.wants_zone else found

    def _is_left_out(self, texts: Sequence[str]) -> bool:
        """Return True if the field is empty and the input's default applies.

        For an optional input, an empty text or list is a value, and not left out.
        """
        if any(text.strip() for text in texts):
            return False
        is_text = self.kind in {"text", "prose"} and self.schema.get("type") == "string"
        return self.is_needed or not (is_text or self.kind in {"list", "choices"})


class StartForm(SchemaForm):
    """The form with a procedure's inputs, and what one person has entered so far."""

    def __init__(self, definition: Definition, *, by: User, request: HttpRequest | None = None):
        typed = request.POST.copy() if request else None
        self._change = change_rows(typed, "") if typed else None
        self._schema = {**definition.schema, "properties": _with_defaults(definition)}
        builder = StartBuilder(definition, typed.getlist if typed else None)
        layout = builder.layout(self._schema, self._change)
        if typed:
            prefill_row(typed, "", builder, self._change, layout)
        super().__init__(builder.fields, typed, layout=layout)
        self.definition, self._by, self._request = definition, by, request
        self._unread: set[str] = set()
        """The inputs whose texts can't be read at all, by name."""
        self._expired: list[Fault] = []
        """The faults of uploaded files whose tokens have expired."""

    def inputs(self) -> dict[str, Any]:
        """Return the inputs by name, as JSON and files; raises `InputError` for any fault."""
        self._store_files()
        own_values = self.cleaned.items()
        inputs = {name: one for name, one in own_values if one is not LEFT_OUT}
        inputs |= self._nested()  # after the above, which forgets earlier faults
        inputs |= {name: one.kept for name, one in self.fields.items() if one.kept}
        self.add_faults(self._expired)
        if self.errors:
            raise InputError(self._faults_beside(inputs))
        return inputs

    def keep_files(self) -> None:
        """Store the files that were sent, and offer them again, though nothing starts yet.

        Raises `InputError` if a file is too large, or was sent too long ago.
        """
        self._store_files()
        if self._expired:
            raise InputError(self._expired)

    @property
    def is_row_changed(self) -> bool:
        """True if the person pressed a button that adds a row to a list or drops one."""
        return self._change is not None

    def _nested(self) -> dict[str, Any]:
        """Return the inputs that consist of groups of fields or lists of rows, by name."""
        found: dict[str, Any] = {}
        for name, schema in self._schema["properties"].items():
            if kind_of(schema) not in NESTED:
                continue
            one = {"properties": {name: schema}, "required": self._schema.get("required", ())}
            try:
                read = read_fields(one, self._texts)
            except AnswerError as error:
                self.add_faults(error.faults)
                self._unread.add(name)
            else:
                found |= changed_files(read, one, lambda text: self._kept_file(str(text)) or text)
        return found

    def _store_files(self) -> None:
        """Store the files that were sent, or none of them if one is too large.

        Files that were sent with the form before are offered again in any case.
        """
        assert self._request
        own = [name for name, one in self.fields.items() if _is_own_file(one)]
        sent: Mapping[str, Any] = {}
        faults: list[Fault] = []
        try:
            for name, _field in self._nested_files():
                for upload in self._request.FILES.getlist(name):
                    check_upload(upload, field=self._place_of(name))
            sent = read_files(self._request, self._schema["properties"], own)
            self._store_nested()
        except TooLargeError as error:
            faults = [Fault(error.field, str(error))]
        except InputError as error:
            faults = [*error.faults]
        self._keep_own(sent)
        self._keep_nested()
        if faults:
            raise InputError([*faults, *self._expired])

    def _nested_files(self) -> Iterator[tuple[str, SchemaField]]:
        """Yield the file fields in groups and rows, and those for several files, by name."""
        for name, field in self.fields.items():
            if field.kind in {"file", "files"} and not _is_own_file(field):
                yield name, field

    def _store_nested(self) -> None:
        """Store the files in groups and rows, so that the browser can send their tokens again."""
        assert self._request
        data = cast("QueryDict", self.data)
        for name, _field in self._nested_files():
            for upload in self._request.FILES.getlist(name):
                data.appendlist(name, self._token_of(store_upload(upload)))

    def _keep_nested(self) -> None:
        """Offer the files in groups and rows again; in a field for one file, the newest."""
        data = cast("QueryDict", self.data)
        for name, field in self._nested_files():
            texts = self._texts(name) if field.kind == "files" else self._texts(name)[-1:]
            data.setlist(name, [one for one in texts if not self._is_late(name, one)])
            kept = [(text, self._kept_file(text)) for text in self._texts(name)]
            field.sent = [Kept(text, file.name) for text, file in kept if file]

    def _place_of(self, name: str) -> str:
        """Return the path by which faults name a field, such as "lines.0.scan".

        `name` is the field's name on the page. After a row was removed, that name may be the path
        of another field.
        """
        return next((place for place, one in self.layout.names.items() if one == name), name)

    def _texts(self, name: str) -> list[str]:
        sent = cast("QueryDict", self.data)
        return [str(text) for text in sent.getlist(name)]

    @property
    def cleaned(self) -> dict[str, Any]:
        """The valid inputs by name, with `LEFT_OUT` for those that aren't passed."""
        self.full_clean()
        return self.cleaned_data

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Show the faults; a file that was refused isn't offered again."""
        super().add_faults(faults)
        for name in self.errors.keys() & self.fields.keys():
            self.fields[name].kept = None

    def refuse(self, error: InputError) -> None:
        """Show why the inputs were refused; a file that is no longer stored isn't offered again."""
        self.add_faults(error.faults)
        if isinstance(error, LostInputError):
            for field in self.fields.values():
                files = [(one, self._kept_file(one.token)) for one in field.sent]
                field.sent = [one for one, file in files if file and file.digest != error.digest]

    def _faults_beside(self, inputs: Mapping[str, Any]) -> list[Fault]:
        """Return the faults of the inputs that could be read.

        The others already have a fault of their own, so that all faults are shown together.
        """
        try:
            with lost_files_as_faults(inputs), use_file_store(ContentStore(with_uploads=True)):
                self.definition.parse(inputs)
        except LostInputError:
            raise
        except InputError as error:
            known = {*self.errors, *self._unread}
            return [fault for fault in error.faults if fault.field not in known]
        return []

    def _keep_own(self, sent: Mapping[str, Any]) -> None:
        """Remember the file of each single-file input: the new one, or else the one sent before."""
        for name, field in self.fields.items():
            if not _is_own_file(field):
                continue
            token = str(self.data.get(f"-file-{name}", ""))
            if isinstance(file := sent.get(name), File):
                field.kept, field.kept_token = file, self._token_of(file)
            elif token and not self._is_late(name, token):
                # The file keeps its token: a new one would be valid for longer than the content is
                # stored.
                field.kept, field.kept_token = self._kept_file(token), token

    def _token_of(self, file: File) -> str:
        # The token is signed, because the browser sends it back: otherwise, anybody could name a
        # digest and read its file.
        return signing.dumps(asdict(file), salt=self._salt)

    def _kept_file(self, token: str, *, at_any_age: bool = False) -> File | None:
        age = None if at_any_age else conf.UPLOADS_KEPT
        try:
            return File(**signing.loads(token, salt=self._salt, max_age=age))
        except signing.BadSignature:
            return None

    def _is_late(self, name: str, token: str) -> bool:
        """Return True, and add a fault, if the token is the person's own but has expired."""
        file = None if self._kept_file(token) else self._kept_file(token, at_any_age=True)
        if file:
            self._expired.append(Fault(self._place_of(name), lost_sentence(file)))
        return file is not None

    @property
    def _salt(self) -> str:
        """The salt that signs tokens of files, so that only their uploader can use them."""
        return f"dashboard.forms.start.file.{self._by.pk}"


class InnerField(SchemaField):
    """A form field inside a group or list; its value is read together with the whole input."""

    def clean(self, value: Sequence[str]) -> Any:
        return LEFT_OUT


class StartBuilder(Builder):
    """A builder of a start form, in which an empty field lets the default of its input apply."""

    def __init__(self, definition: Definition, texts: Texts | None) -> None:
        super().__init__(texts)
        self._definition = definition

    def _add(self, at: str, schema: Mapping[str, Any], name: str, field: FieldOptions) -> None:
        if at == name and name in self._definition.schema["properties"]:
            self.fields[at] = StartField(name, self._definition, schema)
        else:
            self.fields[at] = InnerField(label(name, schema), schema, **field)


def _is_own_file(field: SchemaField) -> bool:
    """Return True if the field belongs to an input that is a single file."""
    return isinstance(field, StartField) and field.kind == "file"


def _zoned(text: str) -> str:
    """Return a time with the person's time zone; a text that isn't a time is returned unchanged."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = timezone.get_current_timezone()
    return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()


def _with_defaults(definition: Definition) -> dict[str, dict[str, Any]]:
    """Return the schemas of the inputs; those of groups and lists get their defaults."""
    found = properties_of(definition.schema)
    for name, schema in found.items():
        is_nested = kind_of(schema) in NESTED
        if is_nested and (default := _default(definition, name, schema)) is not None:
            schema["default"] = default
    return found


def _default(definition: Definition, name: str, schema: Mapping[str, Any]) -> Any:
    """Return an input's default, even if it is a list or a model, which schemas leave out."""
    default = inspect.signature(definition.fn).parameters[name].default
    is_copied = isinstance(default, list | dict | set | BaseModel) or is_dataclass(default)
    return canonical.jsonable(default) if is_copied else schema.get("default")
