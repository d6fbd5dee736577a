"""Django forms made from JSON Schemas; the engine parses and checks what is typed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from django import forms
from django.forms.renderers import TemplatesSetting
from django.http import QueryDict

from dashboard.forms.fields import SchemaField
from dashboard.forms.layout import Entry, Group, Rows
from procedures.engine.errors import Fault

NO_NAMES: Mapping[str, str] = MappingProxyType({})


class SchemaForm(forms.Form):
    """A form made from a JSON Schema, with one person's input and its faults."""

    default_renderer = TemplatesSetting
    fields: dict[str, SchemaField]  # type: ignore[assignment]

    def __init__(  # noqa: PLR0913 (the parts of a form, by name)
        self,
        fields: Mapping[str, SchemaField],
        typed: QueryDict | None = None,
        *,
        prefix: str | None = None,
        card: object = "",
        has_focus: bool = False,
        entries: Sequence[Entry] = (),
        names: Mapping[str, str] = NO_NAMES,
    ) -> None:
        """Create the form; `card` keeps its HTML ids apart from those of the page's other forms.

        `entries` are the parts of the form, if it has more than fields. `names` are the names of
        its parts by their names in faults, if these differ.
        """
        super().__init__(typed, prefix=prefix)
        self.fields = dict(fields)
        self.card, self.has_focus = card, has_focus
        self.entries = list(entries) or [Entry(name) for name in fields]
        self.names = names
        self.added = ""
        """The name of the list to which a row was just added, which gets the focus."""

    def id_of(self, name: str) -> str:
        return f"{self.card}-{list(self.fields).index(name)}" if self.card else name

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Show the engine's faults beside their fields, and all others above the form."""
        known = set(self.errors)
        for fault in faults:
            name = self._name_of(fault.field)
            if name not in self.fields:
                self.add_error(None, f"{fault.field} {fault.message}".strip())
            elif name not in known:
                self.add_error(name, fault.message[:1].upper() + fault.message[1:])

    def _name_of(self, place: str) -> str:
        """Return the name of the field that a fault is about, or of the nearest one around it."""
        while place:
            if (name := self.names.get(place, place)) in self.fields:
                return name
            place = place.rpartition(".")[0]
        return ""

    @property
    def takes_files(self) -> bool:
        return any(one.kind in {"file", "files"} for one in self.fields.values())

    @property
    def has_rows(self) -> bool:
        """True if a list is in it, whose buttons stand before the button that sends the form."""
        return any(isinstance(one, Rows) for one in self._all(self.entries))

    def _all(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        for one in entries:
            yield one
            if isinstance(one, Group):
                yield from self._all(one.entries)
