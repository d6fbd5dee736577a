"""Form fields in which people type names, if there are too many objects for a selection field."""

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.keyed import row_with_key
from dashboard.admin.filters import is_long, is_named

if TYPE_CHECKING:
    ChoiceField = forms.ModelChoiceField[Any]
    ManyField = forms.ModelMultipleChoiceField[Any]
else:
    ChoiceField, ManyField = forms.ModelChoiceField, forms.ModelMultipleChoiceField

BETWEEN = re.compile("[,;\n]")
MOST_NAMES = 100
"""The maximum number of names that are read from one field; the others are left out."""
MOST_LISTED = 10
"""The maximum number of names that are listed if a text fits several."""


class NamesInput(forms.TextInput):
    """A text field that takes one or several values of a form."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])

    def format_value(self, value: Any) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


class TypedField(forms.Field):
    """A base class for fields that become text fields if there are many objects."""

    is_typed = False
    text_field: type[forms.TextInput] = forms.TextInput
    queryset: Any

    def type_if_long(self, help_text: Any) -> None:
        """Let people type names, if there are many objects. `help_text` describes the names."""
        if is_long(self.queryset.model):
            self.is_typed, self.help_text = True, help_text
            self.widget = self.text_field(attrs={"autocomplete": "off"})


class NamedField(TypedField, ChoiceField):
    """A field for one object: a selection field, or a text field if there are many objects."""

    def to_python(self, value: Any) -> Any:
        if not self.is_typed:
            return super().to_python(value)
        name = str(value or "").strip()
        if not name:
            return None
        by_key = row_with_key(self.queryset, name) if name.isdecimal() else None
        return by_key or _find(self.queryset, name)


class NamedManyField(TypedField, ManyField):
    """A field for several objects: checkboxes, or a text field if there are many objects."""

    text_field = NamesInput

    def clean(self, value: Any) -> Any:
        if not self.is_typed:
            return super().clean(value)
        texts = [value] if isinstance(value, str) else list(value or ())
        names = [name for text in texts for name in self._names_in(text)][:MOST_NAMES]
        keys = {_find(self.queryset, name).pk for name in names}
        return self.queryset.filter(pk__in=keys)

    def _names_in(self, text: str) -> list[str]:
        """Return the names in a text. A text that is itself a name may contain commas."""
        is_name = is_named(self.queryset.model, "exact", text)
        return [text] if self.queryset.filter(is_name).exists() else names_in(text)


def names_in(text: str) -> list[str]:
    """Return the names in a text, which commas, semicolons or ends of lines separate."""
    return [name for part in BETWEEN.split(text) if (name := part.strip())]


def _find(rows: Any, name: str) -> Any:
    """Return the object with this name; raise `ValidationError` unless there is exactly one.

    A name in code, which only one procedure has, comes before an equal title.
    """
    for lookup in ("exact", "iexact"):
        found = list(rows.filter(is_named(rows.model, lookup, name))[:MOST_LISTED])
        named = [one for one in found if one.name == name] or found
        if len(named) == 1:
            return named[0]
        if found:
            words = _("Several entries have the name “{name}”. Enter exactly one of these: {names}")
            names = ", ".join(sorted(one.name for one in found))
            raise forms.ValidationError(words.format(name=name, names=names))
    raise forms.ValidationError(_("Nothing here has the name “{name}”.").format(name=name))


NAME_OF_PROCEDURE = lazy("Its title, or its name in code.")
NAMES_OF_GROUPS = lazy("Everybody in the list joins these groups. Separate names with commas.")
