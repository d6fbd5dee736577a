"""The controls of a request's form, each with what a person has entered in it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from dashboard.forms.fields import SchemaField
from dashboard.forms.layout import Builder, prefill_row
from dashboard.forms.schema import SchemaForm
from procedures.engine.kinds.controls import (
    OF_FIELD,
    Changes,
    Control,
    Editor,
    Fields,
    Options,
    Uploads,
)
from procedures.engine.kinds.drafts import FILE
from procedures.engine.values.typed import LONG_TEXT, kind_of

if TYPE_CHECKING:
    from dashboard.forms.answer import AnswerForm

LONGEST_IN_CARDS, LONGEST_ON_PAGES = 10_000, 250_000
"""The maximum lengths of a text under review that people can edit, in characters.

The first value is for cards, and the second for the request's own page.
"""


@dataclass(frozen=True)
class ShownControl:
    """A control with what the person has entered, in the form that the control's template needs."""

    control: Any
    form: "AnswerForm"

    @property
    def template(self) -> str:
        return f"chat/answers/{self.control.name}.html"

    @property
    def value(self) -> str:
        return str(self.control.last(self.form.texts))


class ShownFields(ShownControl):
    """The fields of an answer. A Django form draws them."""

    control: Fields

    @cached_property
    def fields(self) -> SchemaForm:
        """The Django form with the fields.

        If there are several fields, the first one with a fault gets the focus.
        """
        return self._several() if self.control.is_several else self._one()

    @property
    def is_typed(self) -> bool:
        """True if the form shows the texts that the person has sent, and not its first values."""
        return bool(self.form.typed)

    def _several(self) -> SchemaForm:
        form = self.form
        typed = form.typed if self.is_typed or form.faults else None
        builder = Builder(self._texts if typed is not None else None)
        layout = builder.layout(self.control.schema, form.change)
        prefill_row(form.typed, OF_FIELD, builder)
        for name, one in builder.fields.items():
            self._prepare(one, OF_FIELD + name)
        shown = SchemaForm(
            builder.fields,
            typed,
            prefix=OF_FIELD[:-1],
            card=form.request.pk,
            has_focus=True,
            layout=layout,
        )
        if typed is not None:
            shown.add_faults(form.faults)
        return shown

    def _texts(self, name: str) -> list[str]:
        return self.form.texts(OF_FIELD + name)

    def _prepare(self, field: SchemaField, name: str) -> None:
        """Make a time field show its time zone, and a file field the files uploaded earlier."""
        field.send_zone()
        if field.kind in {"file", "files"}:
            sent = self.form.sent_files(name)
            field.sent = sent[-1:] if field.kind == "file" else sent  # the last one replaces it

    def _one(self) -> SchemaForm:
        """Return the Django form for an answer of a single value.

        The page shows the fault of this value above the form.
        """
        control, pk = self.control, self.form.request.pk
        kind, longest = kind_of(control.schema), control.schema.get("maxLength", LONG_TEXT + 1)
        is_long = kind == "text" and longest > LONG_TEXT
        field = SchemaField(
            control.label, control.schema, initial=[""], kind="prose" if is_long else kind
        )
        field.help_text = control.hint or field.help_text
        self._prepare(field, control.sent_as)
        field.refused_by = f"fault-{pk}" if self.form.fault else ""
        return SchemaForm({control.sent_as: field}, self.form.typed or None, card=pk)


class ShownChanges(ShownFields):
    """The values of a proposed action, which people may change before they approve the action."""

    control: Changes

    @property
    def is_typed(self) -> bool:
        return self.control.sent_as in self.form.typed


class ShownOptions(ShownControl):
    """The options from which people choose their answer."""

    control: Options

    @property
    def options(self) -> list["ShownOption"]:
        chosen = self.form.texts(self.control.sent_as)
        return [
            ShownOption(value, label, self.control.describe(value), is_chosen=value in chosen)
            for value, label in self.control.labels.items()
        ]

    @property
    def own(self) -> str:
        """The answer that the person wrote instead of choosing an option; "" if there isn't one."""
        return self.control.own(self.form.texts)

    @property
    def is_own_chosen(self) -> bool:
        return bool(self.own) or "" in self.form.texts(self.control.sent_as)

    @property
    def count(self) -> int:
        return len(self.control.labels)


@dataclass(frozen=True)
class ShownOption:
    """One option with its value, its label and its description."""

    value: str
    label: str
    description: str
    is_chosen: bool


class ShownUploads(ShownFields):
    """The field with which people upload one file or several files."""

    control: Uploads  # type: ignore[assignment]

    @cached_property
    def fields(self) -> SchemaForm:
        control, form = self.control, self.form
        usual = _("Files") if control.is_many else _("File")
        field = SchemaField(
            control.label or usual, control.schema, initial=[], required=control.at != FILE
        )
        self._prepare(field, control.sent_as)
        field.refused_by = f"fault-{form.request.pk}" if form.fault else ""
        return SchemaForm({control.sent_as: field}, form.typed or None, card=form.request.pk)


class ShownEditor(ShownControl):
    """The editor for a text under review.

    If the text is longer than `LONGEST_ON_PAGES`, people can't edit it on a page.
    """

    control: Editor

    @property
    def text(self) -> str:
        return self.control.text(self.form.texts)

    @property
    def is_edited_in_cards(self) -> bool:
        """True if cards show the editor: the text is short, or somebody has edited it already."""
        is_typed = self.control.sent_as in self.form.typed
        return is_typed or len(self.control.draft) <= LONGEST_IN_CARDS

    @property
    def is_edited_on_pages(self) -> bool:
        return len(self.control.draft) <= LONGEST_ON_PAGES


DRAWN: dict[type[Control], type[ShownControl]] = {
    Changes: ShownChanges,
    Fields: ShownFields,
    Uploads: ShownUploads,
    Options: ShownOptions,
    Editor: ShownEditor,
}


def show_control(control: Control, form: "AnswerForm") -> ShownControl:
    """Return a control with what was entered, for its template.

    A control of a site's own has the template data of its base class.
    """
    found = (shown for of, shown in DRAWN.items() if isinstance(control, of))
    return next(found, ShownControl)(control, form)
