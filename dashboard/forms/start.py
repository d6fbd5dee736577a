"""The form with which people start a procedure, made from the parameters of the procedure."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, cast

from django.core import signing
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from pydantic import BaseModel

from dashboard.forms.fields import KeptFile, SchemaField
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
from procedures.engine.values.typed import (
    NESTED,
    Texts,
    is_unchanged,
    kind_of,
    read_fields,
    texts_of,
)
from procedures.files import ContentStore
from procedures.inputs import TooLargeError, check_upload, read_files, store_upload
from procedures.services import LostInputError, lost_files_as_faults, lost_sentence
from procedures.users import User

A_LOCAL_TIME = "2026-12-31T09:30"
LEFT_OUT: Any = object()
"""A marker for an input that isn't passed to the procedure, so that the input's default applies."""


class StartField(SchemaField):
    """A form field for one input of a procedure."""

    def __init__(self, name: str, definition: Definition, schema: Mapping[str, Any]) -> None:
        self.is_needed = name in definition.schema.get("required", ())
        self.may_be_nothing = takes_nothing(schema)
        self._default = _default(definition, name, schema)
        shown, is_required = (
            texts_of(self._default, schema),
            self.is_needed and not self.may_be_nothing,
        )
        super().__init__(label(name, schema), schema, initial=shown, required=is_required)
        is_moment = self.kind == "datetime-local"
        self.wants_zone = is_moment and not definition.fits(name, A_LOCAL_TIME)
        """True if the input must have a time zone. Browsers send a time without its zone."""
        self.widget.is_zoned = self.wants_zone
        if self.wants_zone:
            self.show_zone()

    def clean(self, value: Sequence[str]) -> Any:
        """Return the input as a JSON value.

        Return `LEFT_OUT` for a file, for an input that an empty field leaves out, and for a default
        that nobody has changed.
        """
        if self.kind in {"file", "files"}:
            return LEFT_OUT
        if self._is_left_out(value):
            return None if self.is_needed and self.may_be_nothing else LEFT_OUT
        zones = [timezone.get_current_timezone_name()] if self.wants_zone else []
        if not self.is_needed and is_unchanged(self.schema, self._default, value, zones):
            return LEFT_OUT
        found = super().clean(value)
        return _zoned(found) if self.wants_zone else found

    def _is_left_out(self, texts: Sequence[str]) -> bool:
        """Return True if the field is empty and its emptiness isn't a value of the input.

        If the input has a default and can be an empty text or an empty list, an empty field stands
        for this value.
        """
        if any(text.strip() for text in texts):
            return False
        is_text = self.kind in {"text", "prose"} and self.schema.get("type") == "string"
        return self.is_needed or not (is_text or self.kind in {"list", "choices"})


class StartForm(SchemaForm):
    """The form with the inputs of a procedure, and what one person has entered."""

    def __init__(self, definition: Definition, *, by: User, request: HttpRequest | None = None):
        typed = request.POST.copy() if request else None
        self._change = change_rows(typed, "") if typed else None
        self._schema = {**definition.schema, "properties": _with_defaults(definition)}
        builder = StartBuilder(definition, typed.getlist if typed else None)
        layout = builder.layout(self._schema, self._change)
        if typed:
            prefill_row(typed, "", builder)
        super().__init__(builder.fields, typed, layout=layout)
        self.definition, self._by, self._request = definition, by, request
        self._unread: set[str] = set()
        """The names of groups and lists whose texts can't be read at all."""
        self._expired: list[Fault] = []
        """Faults for uploaded files whose tokens have expired."""

    def inputs(self) -> dict[str, Any]:
        """Return the inputs by name, as JSON values and files.

        Raises `InputError` if anything is wrong.
        """
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
        """Store the files that were sent, so that the form can offer them again. No run is started.

        Raises `InputError` if a file is too large, or if it was uploaded too long ago.
        """
        self._store_files()
        if self._expired:
            raise InputError(self._expired)

    @property
    def is_row_changed(self) -> bool:
        """True if the person pressed a button that adds a row to a list or drops a row."""
        return self._change is not None

    def _nested(self) -> dict[str, Any]:
        """Return the inputs that are groups of fields or lists of rows, by name."""
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
        """Store the files that were sent. If one of them is too large, store none of them.

        In any case, the form offers again the files that were uploaded when it was sent earlier.
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
        """Yield the names and fields of files in groups and rows, and of lists of files."""
        for name, field in self.fields.items():
            if field.kind in {"file", "files"} and not _is_own_file(field):
                yield name, field

    def _store_nested(self) -> None:
        """Store the files of groups and rows, and add their tokens to the form's texts."""
        assert self._request
        data = cast("QueryDict", self.data)
        for name, _field in self._nested_files():
            for upload in self._request.FILES.getlist(name):
                data.appendlist(name, self._token_of(store_upload(upload)))

    def _keep_nested(self) -> None:
        """Offer the files of groups and rows again.

        A field for one file keeps only the newest file.
        """
        data = cast("QueryDict", self.data)
        for name, field in self._nested_files():
            texts = self._texts(name) if field.kind == "files" else self._texts(name)[-1:]
            data.setlist(name, [one for one in texts if not self._has_expired(name, one)])
            kept = [(text, self._kept_file(text)) for text in self._texts(name)]
            field.sent = [KeptFile(text, file.name) for text, file in kept if file]

    def _place_of(self, name: str) -> str:
        """Return the path that faults have for a field, such as "lines.0.scan".

        `name` is the name of the field on the page. The name has the key of the field's row, and
        the path has the number of the row. Key and number differ if an earlier row was dropped.
        """
        return next((place for place, one in self.layout.names.items() if one == name), name)

    def _texts(self, name: str) -> list[str]:
        sent = cast("QueryDict", self.data)
        return [str(text) for text in sent.getlist(name)]

    @property
    def cleaned(self) -> dict[str, Any]:
        """The valid inputs by name, with `LEFT_OUT` for inputs that the procedure isn't passed."""
        self.full_clean()
        return self.cleaned_data

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Show the faults. The form doesn't offer a file again if its field has a fault."""
        super().add_faults(faults)
        for name in self.errors.keys() & self.fields.keys():
            self.fields[name].kept = None

    def refuse(self, error: InputError) -> None:
        """Show why the inputs were refused. A file that is no longer stored isn't offered again."""
        self.add_faults(error.faults)
        if isinstance(error, LostInputError):
            for field in self.fields.values():
                files = [(one, self._kept_file(one.token)) for one in field.sent]
                field.sent = [one for one, file in files if file and file.digest != error.digest]

    def _faults_beside(self, inputs: Mapping[str, Any]) -> list[Fault]:
        """Check the inputs that could be read, and return their faults.

        Inputs that couldn't be read already have a fault, so the page shows all faults together.
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
            elif token and not self._has_expired(name, token):
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

    def _has_expired(self, name: str, token: str) -> bool:
        """Return True, and add a fault, if the token is one of this person's, but has expired."""
        file = None if self._kept_file(token) else self._kept_file(token, at_any_age=True)
        if file:
            self._expired.append(Fault(self._place_of(name), lost_sentence(file)))
        return file is not None

    @property
    def _salt(self) -> str:
        """The salt that signs the tokens of files. Each person has a different salt.

        So nobody can use the token of a file that somebody else has uploaded.
        """
        return f"dashboard.forms.start.file.{self._by.pk}"


class InnerField(SchemaField):
    """A field inside a group or list. Its value is read together with the whole input."""

    def clean(self, value: Sequence[str]) -> Any:
        return LEFT_OUT


class StartBuilder(Builder):
    """A builder of a start form.

    In a start form, an empty field makes the default of its input apply.
    """

    def __init__(self, definition: Definition, texts: Texts | None) -> None:
        super().__init__(texts)
        self._definition = definition

    def _add(self, at: str, schema: Mapping[str, Any], name: str, field: FieldOptions) -> None:
        if at == name and name in self._definition.schema["properties"]:
            self.fields[at] = StartField(name, self._definition, schema)
        else:
            self.fields[at] = InnerField(label(name, schema), schema, **field)


def _is_own_file(field: SchemaField) -> bool:
    """Return True if the whole input of this field is a single file."""
    return isinstance(field, StartField) and field.kind == "file"


def _zoned(text: str) -> str:
    """Return a time with the person's time zone. A text that isn't a time is returned unchanged."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = timezone.get_current_timezone()
    return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()


def _with_defaults(definition: Definition) -> dict[str, dict[str, Any]]:
    """Return the schemas of the inputs, by name.

    The schemas of groups and lists have their defaults.
    """
    found = properties_of(definition.schema)
    for name, schema in found.items():
        is_nested = kind_of(schema) in NESTED
        if is_nested and (default := _default(definition, name, schema)) is not None:
            schema["default"] = default
    return found


def _default(definition: Definition, name: str, schema: Mapping[str, Any]) -> Any:
    """Return the default of an input.

    The schema lacks a default that is a list, dictionary, set or model, so such a default is read
    from the function.
    """
    default = inspect.signature(definition.fn).parameters[name].default
    is_copied = isinstance(default, list | dict | set | BaseModel) or is_dataclass(default)
    return canonical.jsonable(default) if is_copied else schema.get("default")
