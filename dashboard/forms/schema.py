"""Django forms that are made from JSON Schemas. The engine reads and checks their values."""

import re
from collections.abc import Iterable, Mapping

from django import forms
from django.forms.renderers import TemplatesSetting
from django.http import QueryDict

from dashboard.forms.fields import SchemaField
from dashboard.forms.layout import FormEntry, Layout, Rows
from procedures.engine.errors import Fault

PREDICATE = re.compile("(can't|contains|doesn't|has|is|isn't|must|names|needs|was) ")
"""The verb with which the message of a fault begins if the message has no subject."""


class SchemaForm(forms.Form):
    """A form made from a JSON Schema, with the texts that one person has entered and the faults."""

    default_renderer = TemplatesSetting
    fields: dict[str, SchemaField]  # type: ignore[assignment]

    def __init__(
        self,
        fields: Mapping[str, SchemaField],
        typed: QueryDict | None = None,
        *,
        prefix: str | None = None,
        card: object = "",
        has_focus: bool = False,
        layout: Layout | None = None,
    ) -> None:
        """Create the form.

        `card` makes the HTML ids of its fields differ from those of other forms.
        """
        super().__init__(typed, prefix=prefix)
        self.fields = dict(fields)
        self.card, self.has_focus = card, has_focus
        self.layout = layout or Layout([FormEntry(name) for name in fields])
        self.faults_of: dict[str, list[str]] = {}
        """The faults of whole groups and lists, by the name of the group or list."""

    def id_of(self, name: str) -> str:
        return f"{self.card}-{list(self.fields).index(name)}" if self.card else name

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Show each fault beside its field.

        A fault that belongs to no field is shown above the form.
        """
        known, parts = set(self.errors), {one.name for one in self.layout.parts}
        for fault in faults:
            name = self._name_of(fault.field)
            if name in parts:
                words = "" if name == self.layout.names.get(fault.field) else f"{fault.field}: "
                self.faults_of.setdefault(name, []).append(words + fault.message)
            elif name not in self.fields:
                self.add_error(None, f"{fault.field} {fault.message}".strip())
            elif name not in known:
                self.add_error(name, _sentence(fault.message))

    def _name_of(self, place: str) -> str:
        """Return the name of the entry at a fault's path, or of the closest one around the path."""
        known = {*self.fields, *(one.name for one in self.layout.parts)}
        while place:
            if (name := self.layout.names.get(place, place)) in known:
                return name
            place = place.rpartition(".")[0]
        return ""

    @property
    def has_faults(self) -> bool:
        return bool(self.errors or self.faults_of)

    @property
    def has_rows(self) -> bool:
        """True if the form has a list of rows. Buttons of rows precede the form's submit button."""
        return any(isinstance(one, Rows) for one in self.layout.parts)


def _sentence(message: str) -> str:
    """Return the message of a fault as a whole sentence, as the page shows it beside the field."""
    if PREDICATE.match(message):
        return f"This {message}"
    return message[:1].upper() + message[1:]
