"""The fields of a form that people fill in, and the answer they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from dashboard.forms.fields import Field, field_of, kind_of, read, texts_of
from procedures.engine.errors import Fault
from procedures.engine.values.answers import takes_nothing

OF_FORM = "field-"
"""The prefix of the fields' own names, because a card has other fields too."""


@dataclass(frozen=True)
class AskedFields:
    """A form's schema, with what one person has typed so far and its faults."""

    schema: Mapping[str, Any]
    typed: QueryDict
    faults: Sequence[Fault] = ()

    def drawn(self, card: object) -> list[Field]:
        """Return the fields for the card with that id; the first faulty one gets the focus."""
        found = [self._drawn(name, one) for name, one in self.schema["properties"].items()]
        first = next((place for place, one in enumerate(found) if one.faults), None)
        return [
            replace(one, id=f"{card}-{place}", has_focus=place == first)
            for place, one in enumerate(found)
        ]

    def answer(self) -> dict[str, Any]:
        """Return the answer.

        A required field left empty is left out, so that it counts as missing.
        """
        found = {}
        for name, schema in self.schema["properties"].items():
            texts = self._texts(name)
            if any(text.strip() for text in texts) or kind_of(schema) in {"list", "choices"}:
                found[name] = read(schema, texts)
            elif takes_nothing(schema):
                found[name] = None
            elif "default" in schema:
                found[name] = ""  # never the default behind the back of who has emptied the field
        return found

    def _drawn(self, name: str, schema: Mapping[str, Any]) -> Field:
        shown = self._texts(name) if self.typed else texts_of(schema.get("default"), schema)
        faults = [fault.message for fault in self.faults if fault.field == name]
        is_required = not self._may_be_empty(name, schema)
        drawn = field_of(name, schema, shown, is_required=is_required, faults=faults)
        return replace(drawn, name=OF_FORM + name)

    def _texts(self, name: str) -> list[str]:
        return [str(text) for text in self.typed.getlist(OF_FORM + name)]

    def _may_be_empty(self, name: str, schema: Mapping[str, Any]) -> bool:
        kind = kind_of(schema)
        if takes_nothing(schema) or kind in {"list", "choices"}:
            return True
        is_emptied = kind in {"text", "prose"} or "default" not in schema
        return is_emptied and name not in self.schema["required"]
