"""The fields of Django forms that are made from JSON Schemas.

The engine reads and checks their values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from procedures.engine.values.local_times import text_in_field
from procedures.engine.values.money import KEYWORD as CURRENCY
from procedures.engine.values.money import AmbiguousAmountError
from procedures.engine.values.schemas import option_label, text_of
from procedures.engine.values.sent import BodyError
from procedures.engine.values.typed import (
    ZONE,
    FieldKind,
    kind_for,
    kind_of,
    plain_schema,
    read,
    values_of,
)

if TYPE_CHECKING:
    from dashboard.forms.schema import SchemaForm

ATTRIBUTES = {"minLength": "minlength"}
"""The HTML attribute for each rule of JSON Schema that browsers check.

`maxLength` isn't one of these rules, because browsers would cut pasted text without notice.
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
"""The name of the template in `dashboard/widgets` for each kind of field.

Fields of other kinds use `input.html`.
"""


@dataclass(frozen=True)
class KeptFile:
    """A file that was uploaded when the form was sent earlier.

    The browser sends the file's token with the form, instead of uploading the file again.
    """

    token: str
    name: str


class SchemaWidget(forms.Widget):
    """A widget whose value is the list of texts that a browser sends for the field."""

    def __init__(self, kind: FieldKind, schema: Mapping[str, Any]) -> None:
        super().__init__(_attributes(schema, kind))
        self.kind, self.options = kind, _options(schema)
        self.currency = str(plain_schema(schema).get(CURRENCY, ""))
        self.accept = ",".join(_of_file(schema).get(ACCEPT, ()))
        self.has_zone = False
        """True if the page also sends the time zone's name, in a hidden field beside the time."""
        self.is_zoned = False
        """True if the server reads the time in the person's time zone."""
        self.template_name = f"dashboard/widgets/{WIDGETS.get(kind, 'input')}.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [str(text) for text in cast("QueryDict", data).getlist(name)]

    def format_value(self, value: Sequence[str]) -> str:
        """Return the text that the widget shows.

        The text of a list field has a line for each item. Any other field shows the last of the
        texts.
        """
        if self.kind == "list":
            return "\n".join(value)
        text = (list(value) or [""])[-1]
        is_local = self.has_zone or self.is_zoned
        return text_in_field(self.kind, text, timezone.get_current_timezone() if is_local else "")

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
    """A field bound to its form, new or filled in, with the properties that templates need."""

    form: "SchemaForm"
    field: "SchemaField"

    @property
    def kind(self) -> FieldKind:
        return self.field.kind

    @property
    def limits(self) -> list[str]:
        """The limits on the field's value, each as a sentence."""
        return self.field.limits

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        return self.field.widget.options

    @property
    def text(self) -> str:
        return self.field.widget.format_value(self.value())

    @property
    def id(self) -> str:
        """The part of the field's HTML ids that distinguishes it from the page's other fields."""
        return self.form.id_of(self.name)

    @property
    def auto_id(self) -> str:
        return f"in-{self.id}"

    @property
    def has_focus(self) -> bool:
        """True if this field gets the focus when the page is shown.

        After a row was added, that is the first field of the row. Otherwise, in a form with
        `has_focus`, it is the first field with a fault.
        """
        if self.form.layout.focus:
            return self.name == self.form.layout.focus
        faulty = (name for name in self.form.fields if name in self.form.errors)
        return self.form.has_focus and self.name == next(faulty, None)

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Return the HTML attributes that link the field to its help, and mark it as required."""
        told_by = " ".join(filter(None, (f"about-{self.id}", self.field.refused_by)))
        found: dict[str, Any] = {**attrs, "aria-describedby": told_by}
        if self.errors or self.field.refused_by:
            found["aria-invalid"] = "true"
        is_needed = self.field.required and not (self.field.kept or self.field.sent)
        return found | {"autofocus": self.has_focus, "required": is_needed}


class SchemaField(forms.Field):
    """A form field for one property of a JSON Schema. It reads the entered texts as JSON values.

    The engine checks these values.
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
        self.schema, self.kind = schema, kind or kind_for(schema, initial)
        self.limits = [*limits(schema), *limits_of_file(_of_file(schema))]
        self.kept: File | None = None
        """The file that was uploaded for the field earlier.

        In the page, `kept_token` stands for the file.
        """
        self.kept_token = ""
        self.sent: list[KeptFile] = []
        """The files of an answer that were uploaded for the field earlier."""
        self.refused_by = ""
        """The id of the element that shows the field's fault; "" if the field itself shows it."""
        super().__init__(
            label=label,
            help_text=str(schema.get("description", "")),
            initial=list(initial),
            required=required,
            widget=SchemaWidget(self.kind, schema),
        )

    def show_zone(self) -> None:
        """Say beside the field in which time zone the time is."""
        zone = timezone.get_current_timezone_name()
        self.limits = [*self.limits, _("Time zone: {zone}.").format(zone=zone)]

    def send_zone(self) -> None:
        """Have the page show and send the time zone, if this field is for a date and time."""
        if self.kind == "datetime-local":
            self.widget.has_zone = True
            self.show_zone()

    def prepare_value(self, value: Sequence[str]) -> list[str]:
        """Return the texts that the field shows.

        If a choice is required and has only one option, this option is chosen from the start.
        """
        options = self.widget.options
        if self.kind == "choice" and len(options) == 1 and self.required:
            return [options[0][0]]
        return list(value)

    def clean(self, value: Sequence[str]) -> Any:
        """Return the entered texts as a JSON value.

        Texts that don't fit the field's type are returned unchanged, and the engine refuses them
        later. Raises `ValidationError` if a field for JSON has invalid JSON, or if the point in an
        amount may separate thousands.
        """
        try:
            return read(self.schema, value)
        except BodyError as error:
            raise ValidationError(error.about_text) from None
        except AmbiguousAmountError as error:
            raise ValidationError(str(error)) from None


def _attributes(schema: Mapping[str, Any], kind: FieldKind) -> dict[str, Any]:
    """Return the HTML attributes of a field's widget.

    Numbers are entered in a text input, because a number input loses whatever isn't a number.
    """
    schema = plain_schema(schema)
    if kind == "number":
        return {"inputmode": "numeric" if schema.get("type") == "integer" else "decimal"}
    return {name: schema[rule] for rule, name in ATTRIBUTES.items() if rule in schema}


def _of_file(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of the file in a file field, or of each file in a field for several files.

    The result is empty for other fields.
    """
    plain = plain_schema(schema)
    found: Mapping[str, Any] = plain.get("items", {}) if kind_of(schema) == "files" else plain
    return found if kind_of(schema) in {"file", "files"} else {}


def _options(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    schema = plain_schema(schema)
    chosen = plain_schema(schema.get("items", {})) if schema.get("type") == "array" else schema
    texts = [text_of(one) for one in values_of(chosen) if one is not None]
    if chosen.get("type") == "boolean":
        return [("true", _("Yes")), ("false", _("No"))]
    if chosen.get("format") == SITE_CHOICE:
        return [(text, text) for text in texts]
    return [(text, option_label(text, chosen)) for text in texts]
