"""Django forms made from JSON Schemas; the engine parses and checks what is typed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.http import QueryDict
from django.utils.translation import gettext as _

from procedures.engine.errors import Fault
from procedures.engine.values.answers import limits
from procedures.engine.values.choices import FORMAT as SITE_CHOICE
from procedures.engine.values.files import File
from procedures.engine.values.schemas import humanize_name, label, text_of
from procedures.engine.values.sent import BodyError
from procedures.engine.values.typed import FieldKind, kind_of, plain_schema, read, values_of

ATTRIBUTES = {"minLength": "minlength"}
"""The HTML attribute for each JSON Schema rule that browsers can check.

It has no `maxlength`, because browsers would silently cut pasted text.
"""
WIDGETS: dict[FieldKind, str] = {
    "boolean": "checkbox",
    "choice": "select",
    "choices": "checkboxes",
    "file": "file",
    "json": "textarea",
    "list": "textarea",
    "prose": "textarea",
}
"""The template in `dashboard/widgets` for each kind of field; all other kinds use `input.html`."""


class SchemaWidget(forms.Widget):
    """A widget whose value is the list of texts that a browser sends for it."""

    def __init__(self, kind: FieldKind, schema: Mapping[str, Any]) -> None:
        super().__init__(_attributes(schema, kind))
        self.kind, self.options = kind, _options(schema)
        self.template_name = f"dashboard/widgets/{WIDGETS.get(kind, 'input')}.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [str(text) for text in cast("QueryDict", data).getlist(name)]

    def format_value(self, value: Sequence[str]) -> str:
        """Return the lines of a list field; for any other field, the last text."""
        return "\n".join(value) if self.kind == "list" else (list(value) or [""])[-1]

    def get_context(
        self, name: str, value: Sequence[str], attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget: dict[str, Any] = context["widget"]
        is_required = bool(widget["attrs"].get("required"))
        blank = "" if is_required and widget["value"] else _("Choose…") if is_required else "—"
        more = {"kind": self.kind, "texts": value, "options": self.options, "blank": blank}
        return {"widget": widget | more}


class SchemaBoundField(forms.BoundField):
    """A field bound to its form, with the texts that templates draw."""

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
        """True if this field gets the focus: the first faulty one of a form with `has_focus`."""
        faulty = (name for name in self.form.fields if name in self.form.errors)
        return self.form.has_focus and self.name == next(faulty, None)

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Return the HTML attributes that link the field to its help and mark its state."""
        told_by = " ".join(filter(None, (f"about-{self.id}", self.field.refused_by)))
        found: dict[str, Any] = {**attrs, "aria-describedby": told_by}
        if self.errors or self.field.refused_by:
            found["aria-invalid"] = "true"
        is_needed = self.field.required and not self.field.kept
        return found | {"autofocus": self.has_focus, "required": is_needed}


class SchemaField(forms.Field):
    """A form field for one property of a JSON Schema, which turns typed texts into JSON.

    The engine checks the value.
    """

    widget: SchemaWidget
    bound_field_class = SchemaBoundField

    def __init__(
        self,
        name: str,
        schema: Mapping[str, Any],
        *,
        initial: Sequence[str],
        required: bool = True,
        kind: FieldKind | None = None,
    ) -> None:
        self.schema, self.kind = schema, kind or kind_of(schema)
        self.limits = limits(schema)
        self.kept: File | None = None
        """A file uploaded in an earlier attempt; `kept_token` lets the browser send it again."""
        self.kept_token = ""
        self.refused_by = ""
        """The id of the element that shows the field's fault, if it isn't the field itself."""
        super().__init__(
            label=label(name, schema),
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
        """Return the JSON value of the texts; a text that doesn't fit is returned unchanged.

        The engine refuses such a text later. Raises `ValidationError` for invalid JSON.
        """
        try:
            return read(self.schema, value)
        except BodyError:
            raise ValidationError(_("This isn't valid JSON.")) from None


class SchemaForm(forms.Form):
    """A form with a field per property of a JSON Schema, one person's input, and its faults."""

    default_renderer = TemplatesSetting

    def __init__(
        self,
        fields: Mapping[str, SchemaField],
        typed: QueryDict | None = None,
        *,
        prefix: str | None = None,
        card: object = "",
        has_focus: bool = False,
    ) -> None:
        """Create the form; `card` keeps its HTML ids apart from those of the page's other forms."""
        super().__init__(typed, prefix=prefix)
        self.fields = dict(fields)
        self.card, self.has_focus = card, has_focus

    def id_of(self, name: str) -> str:
        return f"{self.card}-{list(self.fields).index(name)}" if self.card else name

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Show the engine's faults beside their fields, and all others above the form."""
        known = set(self.errors)
        for fault in faults:
            name = fault.field.partition(".")[0]
            if name not in self.fields:
                self.add_error(None, f"{fault.field} {fault.message}")
            elif name not in known:
                self.add_error(name, fault.message[:1].upper() + fault.message[1:])


def _attributes(schema: Mapping[str, Any], kind: FieldKind) -> dict[str, Any]:
    """Return the widget's HTML attributes.

    Numbers use a text input, so that an invalid one isn't dropped by the browser.
    """
    schema = plain_schema(schema)
    if kind == "number":
        return {"inputmode": "numeric" if schema.get("type") == "integer" else "decimal"}
    return {name: schema[rule] for rule, name in ATTRIBUTES.items() if rule in schema}


def _options(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    schema = plain_schema(schema)
    chosen = plain_schema(schema.get("items", {})) if schema.get("type") == "array" else schema
    spelled = str if chosen.get("format") == SITE_CHOICE else humanize_name
    return [(text_of(one), spelled(text_of(one))) for one in values_of(chosen) if one is not None]
