"""Fields of Django forms made from JSON Schemas; the engine reads and checks their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.engine.values.answers import limits
from procedures.engine.values.attachments import ACCEPT, limits_of_file
from procedures.engine.values.choices import FORMAT as SITE_CHOICE
from procedures.engine.values.files import File
from procedures.engine.values.formats import is_moment
from procedures.engine.values.money import KEYWORD as CURRENCY
from procedures.engine.values.schemas import option_label, text_of
from procedures.engine.values.sent import BodyError
from procedures.engine.values.typed import (
    ZONE,
    FieldKind,
    kind_of,
    plain_schema,
    read,
    values_of,
)

if TYPE_CHECKING:
    from dashboard.forms.schema import SchemaForm

ATTRIBUTES = {"minLength": "minlength"}
"""The HTML attribute for each JSON Schema rule that browsers can check.

`maxlength` isn't used, because browsers would silently cut pasted text.
"""
WIDGETS: dict[FieldKind, str] = {
    "boolean": "checkbox",
    "choice": "select",
    "choices": "checkboxes",
    "datetime-local": "moment",
    "file": "file",
    "files": "file",
    "json": "textarea",
    "list": "textarea",
    "prose": "textarea",
}
"""The template in `dashboard/widgets` for each kind of field; other kinds use `input.html`."""


@dataclass(frozen=True)
class Kept:
    """A file that was uploaded when the form was sent before.

    Its token lets the browser send the file again without uploading it.
    """

    token: str
    name: str


class SchemaWidget(forms.Widget):
    """A widget whose value is the list of texts that a browser sends for it."""

    def __init__(self, kind: FieldKind, schema: Mapping[str, Any]) -> None:
        super().__init__(_attributes(schema, kind))
        self.kind, self.options = kind, _options(schema)
        self.currency = str(plain_schema(schema).get(CURRENCY, ""))
        self.accept = ",".join(_of_file(schema).get(ACCEPT, ()))
        self.has_zone = False
        """True if the page sends the time zone in a hidden field beside the time."""
        self.is_zoned = False
        """True if the server adds the person's time zone to the time."""
        self.template_name = f"dashboard/widgets/{WIDGETS.get(kind, 'input')}.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [str(text) for text in cast("QueryDict", data).getlist(name)]

    def format_value(self, value: Sequence[str]) -> str:
        """Return the lines of a list field as one text; for any other field, the last text."""
        if self.kind == "list":
            return "\n".join(value)
        text = (list(value) or [""])[-1]
        return _local(text) if self.has_zone or self.is_zoned else text

    def get_context(
        self, name: str, value: Sequence[str], attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget: dict[str, Any] = context["widget"]
        is_required = bool(widget["attrs"].get("required"))
        blank = "" if is_required and widget["value"] else _("Choose…") if is_required else "—"
        more = {"kind": self.kind, "texts": value, "options": self.options, "blank": blank}
        more |= {"accept": self.accept, "currency": self.currency}
        if self.has_zone:
            more |= {"zone": timezone.get_current_timezone_name(), "zone_name": name + ZONE}
        return {"widget": widget | more}


class SchemaBoundField(forms.BoundField):
    """A field bound to its form, with the properties that templates need."""

    form: "SchemaForm"
    field: "SchemaField"

    @property
    def kind(self) -> FieldKind:
        return self.field.kind

    @property
    def limits(self) -> list[str]:
        """The limits on the field's value, in sentences."""
        return self.field.limits

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        return self.field.widget.options

    @property
    def text(self) -> str:
        return self.field.widget.format_value(self.value())

    @property
    def id(self) -> str:
        """The part of the field's HTML ids that makes them unique on the page."""
        return self.form.id_of(self.name)

    @property
    def auto_id(self) -> str:
        return f"in-{self.id}"

    @property
    def has_focus(self) -> bool:
        """True if this field gets the focus.

        It is the first field of a new row, or else the first faulty one of a form with `has_focus`.
        """
        if self.form.layout.focus:
            return self.name == self.form.layout.focus
        faulty = (name for name in self.form.fields if name in self.form.errors)
        return self.form.has_focus and self.name == next(faulty, None)

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Return the HTML attributes that link the field to its help and say if it is required."""
        told_by = " ".join(filter(None, (f"about-{self.id}", self.field.refused_by)))
        found: dict[str, Any] = {**attrs, "aria-describedby": told_by}
        if self.errors or self.field.refused_by:
            found["aria-invalid"] = "true"
        is_needed = self.field.required and not (self.field.kept or self.field.sent)
        return found | {"autofocus": self.has_focus, "required": is_needed}


class SchemaField(forms.Field):
    """A form field for one property of a JSON Schema, which turns the entered texts into JSON.

    The engine checks the value.
    """

    widget: SchemaWidget
    bound_field_class = SchemaBoundField

    def __init__(
        self,
        label: str,
        schema: Mapping[str, Any],
        *,
        initial: Sequence[str],
        required: bool = True,
        kind: FieldKind | None = None,
    ) -> None:
        self.schema, self.kind = schema, kind or kind_of(schema)
        self.limits = [*limits(schema), *limits_of_file(_of_file(schema))]
        self.kept: File | None = None
        """The file uploaded when the form was sent before; `kept_token` stands for it."""
        self.kept_token = ""
        self.sent: list[Kept] = []
        """The files of an answer that were uploaded when the form was sent before."""
        self.refused_by = ""
        """The id of the element that shows the field's fault; "" if the field shows it itself."""
        super().__init__(
            label=label,
            help_text=str(schema.get("description", "")),
            initial=list(initial),
            required=required,
            widget=SchemaWidget(self.kind, schema),
        )

    def prepare_value(self, value: Sequence[str]) -> list[str]:
        """Return the texts to show; if a required choice has only one option, it is preselected."""
        options = self.widget.options
        if self.kind == "choice" and len(options) == 1 and self.required:
            return [options[0][0]]
        return list(value)

    def clean(self, value: Sequence[str]) -> Any:
        """Return the texts as a JSON value; texts of the wrong type are returned unchanged.

        The engine refuses them later. Raises `ValidationError` for invalid JSON.
        """
        try:
            return read(self.schema, value)
        except BodyError:
            raise ValidationError(_("This isn't valid JSON.")) from None


def _local(text: str) -> str:
    """Return a time in the person's time zone, in the format that HTML time fields need."""
    if not is_moment(text):
        return text
    at = datetime.fromisoformat(text).astimezone(timezone.get_current_timezone())
    return at.strftime("%Y-%m-%dT%H:%M:%S" if at.second else "%Y-%m-%dT%H:%M")


def _attributes(schema: Mapping[str, Any], kind: FieldKind) -> dict[str, Any]:
    """Return the widget's HTML attributes.

    Numbers use a text input, because in a number input, browsers drop what isn't a number.
    """
    schema = plain_schema(schema)
    if kind == "number":
        return {"inputmode": "numeric" if schema.get("type") == "integer" else "decimal"}
    return {name: schema[rule] for rule, name in ATTRIBUTES.items() if rule in schema}


def _of_file(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a field's file, or of each of its files; {} for other fields."""
    plain = plain_schema(schema)
    found: Mapping[str, Any] = plain.get("items", {}) if kind_of(schema) == "files" else plain
    return found if kind_of(schema) in {"file", "files"} else {}


def _options(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    schema = plain_schema(schema)
    chosen = plain_schema(schema.get("items", {})) if schema.get("type") == "array" else schema
    texts = [text_of(one) for one in values_of(chosen) if one is not None]
    if chosen.get("format") == SITE_CHOICE:
        return [(text, text) for text in texts]
    return [(text, option_label(text, chosen)) for text in texts]
