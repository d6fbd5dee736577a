"""The form of a signal: fields that are made from the type for which a run waits, or JSON."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from dashboard.forms.layout import Builder, change_rows, prefill_row
from dashboard.forms.schema import SchemaForm
from procedures.engine.errors import AnswerError, Fault
from procedures.engine.values.shapes import check_shape
from procedures.engine.values.typed import read_fields

VALUE = "value"
"""The name of the one entry of the form."""
ANYTHING: Mapping[str, Any] = {}
"""The shape of a signal if no wait of the run declares its type: any JSON value."""


class SignalForm:
    """The form for the value of a signal, with what one person has entered."""

    def __init__(self, shape: Mapping[str, Any], typed: QueryDict | None = None) -> None:
        sent = typed.copy() if typed is not None else None
        self._schema = {
            "type": "object",
            "title": VALUE,
            "properties": {VALUE: {**shape, "title": _("Value")}},
            "required": [VALUE],
        }
        self._texts = sent.getlist if sent is not None else None
        self._is_any = not shape
        self.change = change_rows(sent, "") if sent is not None else None
        builder = Builder(self._texts)
        layout = builder.layout(self._schema, self.change)
        if sent is not None:
            prefill_row(sent, "", builder)
        for one in builder.fields.values():
            one.send_zone()
        self.fields = SchemaForm(builder.fields, sent, layout=layout)

    @property
    def is_row_changed(self) -> bool:
        """True if the person pressed a button that adds a row to a list or drops a row."""
        return self.change is not None

    def value(self) -> Any:
        """Return the value that was entered.

        Raises `AnswerError` if the value doesn't fit; the form then shows the faults.
        """
        assert self._texts, "Nothing was sent."
        try:
            found = read_fields(self._schema, self._texts)
            if self._is_any:
                found.setdefault(VALUE, None)
            check_shape(found, self._schema)
        except AnswerError as error:
            path, _colon, words = str(error).partition(": ")
            self.fields.add_faults(error.faults or [Fault(path, words)])
            raise
        return found[VALUE]
