"""The form of a request: its controls, what a person has entered, and the resulting answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import HumanRequest
from chat.services import Also, Echo, receive_file, uploaded, with_uploads
from dashboard.forms.fields import Kept, SchemaField
from dashboard.forms.layout import Builder, RowChange, change_rows, prefill_row
from dashboard.forms.schema import SchemaForm
from procedures.engine.errors import AnswerError, Fault
from procedures.engine.kinds.controls import (
    OF_FIELD,
    Buttons,
    Changes,
    Control,
    Editor,
    Fields,
    Options,
    Uploads,
)
from procedures.engine.kinds.drafts import FILE
from procedures.engine.kinds.questions import Question
from procedures.engine.values.attachments import takes_files
from procedures.engine.values.schemas import text_of
from procedures.engine.values.typed import LONG_TEXT, kind_of, with_line_feeds
from procedures.models.clock import clock
from procedures.users import User

DAYS = ("1", "3", "7")
"""The numbers of days that people can choose for an answer that counts for later requests."""
UNKEPT = {"csrfmiddlewaretoken", "confirms", "disarm", "unsent", "draft_version"}
"""Fields of the form that aren't part of a draft."""
LONGEST_IN_CARDS, LONGEST_ON_PAGES = 10_000, 250_000
"""The maximum lengths of a draft that can be edited: in a card, and on its own page."""


@dataclass(frozen=True)
class AnswerForm:
    """The form for one request, with what one person has entered so far."""

    request: HumanRequest
    typed: QueryDict = field(default_factory=QueryDict)
    fault: str = ""
    faults: Sequence[Fault] = ()
    """The faults of single fields."""
    by: User | None = None
    """The person who sent the form; None for a new form."""
    change: RowChange | None = None
    """The row that was just added or dropped, if any."""
    draft_version: int = 0
    """The version of the draft that filled in the form; 0 if none did."""
    lost: str = ""
    """The digest of a file that is no longer stored, so the form doesn't offer it again."""
    armed: Echo | None = None
    """An irreversible answer that was sent once, and becomes final when it is sent again."""

    @cached_property
    def asked(self) -> Question:
        return self.request.offered

    @cached_property
    def controls(self) -> list[Control]:
        return self.asked.controls

    @property
    def shown(self) -> list["ShownControl"]:
        """The controls above the comment, in order."""
        return [show_control(one, self) for one in self.controls if not isinstance(one, Buttons)]

    @property
    def buttons(self) -> Buttons:
        """The buttons below the comment; a single submit button if the kind of request has none."""
        return next((one for one in self.controls if isinstance(one, Buttons)), Buttons())

    @property
    def armed_text(self) -> str:
        """The value of the button that confirms the chosen answer."""
        assert self.armed
        value = self.armed.value
        return text_of(value[self.buttons.at] if self.buttons.at else value)

    @property
    def has_fields(self) -> bool:
        """True if the form has several fields; each of them then shows its own fault."""
        return any(isinstance(one, Fields) and one.is_several for one in self.controls)

    @property
    def comment(self) -> str:
        return with_line_feeds(str(self.typed.get("comment", ""))).strip()

    @property
    def seen(self) -> str | None:
        """The mark of the values that the person saw; None if the form shows none to change."""
        shown = next((one for one in self.controls if isinstance(one, Changes)), None)
        sent = self.texts(shown.sent_as) if shown else []
        return sent[-1] if sent else None

    def without_values(self) -> "AnswerForm":
        """Return the form without the values that were sent for its fields."""
        shown = {one.sent_as for one in self.controls if isinstance(one, Changes)}
        typed = self.typed.copy()
        for name in [one for one in typed if one in shown or one.startswith(OF_FIELD)]:
            del typed[name]
        return replace(self, typed=typed)

    @property
    def asks_back(self) -> bool:
        """True if the person asks a question back instead of answering."""
        return "ask_back" in self.typed

    @property
    def ask_back_text(self) -> str:
        return with_line_feeds(str(self.typed.get("ask_back_text", ""))).strip()

    def also(self) -> Also | None:
        """Return how many later requests the answer counts for, and until when, or None.

        Raises `AnswerError` if the number or the days can't be chosen.
        """
        uses = str(self.typed.get("also_uses", "")).strip()
        if not uses or not self.asked.repeatable:
            return None
        days = str(self.typed.get("also_days", "1"))
        if not re.fullmatch("[0-9]{1,3}", uses) or days not in DAYS:
            raise AnswerError(_("Enter the number of later requests, from 1 to 50."))
        return Also(int(uses), clock.now() + timedelta(days=int(days)))

    @property
    def reason(self) -> str:
        """The reason that an administrator gives for answering without being asked."""
        return with_line_feeds(str(self.typed.get("reason", ""))).strip()

    def texts(self, name: str) -> list[str]:
        """Return the texts that were sent for the control with this name."""
        return [str(text) for text in self.typed.getlist(name)]

    def answer(self) -> Any:
        """Return the value that was sent; raises `AnswerError` if it isn't a valid answer."""
        value = self.asked.read_controls(self.texts)
        return with_uploads(self.request, self.asked, value, by=self.by) if self.by else value

    def sent_files(self, name: str) -> list[Kept]:
        """Return the files that the person has uploaded for the control with this name."""
        if self.by is None:
            return []
        found = [(one, uploaded(self.request, one, by=self.by)) for one in self.texts(name)]
        return [
            Kept(token, file.name) for token, file in found if file and file.digest != self.lost
        ]

    @property
    def takes_files(self) -> bool:
        return takes_files(self.asked.schema)

    @property
    def is_no_answer(self) -> bool:
        """True if the person pressed a button that only changes the form.

        Such a button takes back a choice that isn't confirmed yet, or adds or drops a row. In a
        form with rows, Enter presses a button that does nothing.
        """
        is_row_changed = self.change is not None
        return is_row_changed or not {"disarm", "unsent"}.isdisjoint(self.typed)

    def confirms(self, value: Any) -> bool:
        """Return True if the person pressed the button that confirms exactly this answer."""
        if not self.asked.irreversible or "confirms" not in self.typed:
            return False
        echo = Echo(self.request, self.asked.check(value))
        return bool(self.typed["confirms"] == echo.token)

    def kept_values(self) -> dict[str, list[str]]:
        """Return the texts that were sent, keyed by the fields' names, to store them as a draft."""
        return {name: self.texts(name) for name in self.typed if name not in UNKEPT}

    def own_words(self) -> str:
        """Return the person's own text, to be shown again if the answer comes too late."""
        own = [words for one in self.controls for words in one.own_words(self.texts)]
        own += [self.comment, self.ask_back_text, self.reason]
        return "\n\n".join(words for words in own if words)


@dataclass(frozen=True)
class ShownControl:
    """A control with a person's input, ready for its template."""

    control: Any
    form: AnswerForm

    @property
    def template(self) -> str:
        return f"chat/answers/{self.control.name}.html"

    @property
    def value(self) -> str:
        return str(self.control.last(self.form.texts))


class ShownFields(ShownControl):
    """The fields of an answer, drawn by a Django form of their own."""

    control: Fields

    @cached_property
    def fields(self) -> SchemaForm:
        """The form with the fields; if there are several, the first faulty one gets the focus."""
        return self._several() if self.control.is_several else self._one()

    @property
    def is_typed(self) -> bool:
        """True if the person has sent the fields, so that theirs are the values to show."""
        return bool(self.form.typed)

    def _several(self) -> SchemaForm:
        form = self.form
        typed = form.typed if self.is_typed or form.faults else None
        builder = Builder(self._texts if typed is not None else None)
        layout = builder.layout(self.control.schema, form.change)
        prefill_row(form.typed, OF_FIELD, builder, form.change, layout)
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
        """Make a time field show its time zone, and a file field its uploaded files."""
        if field.kind == "datetime-local":
            field.widget.has_zone = True
            zone = timezone.get_current_timezone_name()
            field.limits = [*field.limits, _("Time zone: {zone}.").format(zone=zone)]
        if field.kind in {"file", "files"}:
            sent = self.form.sent_files(name)
            field.sent = sent[-1:] if field.kind == "file" else sent  # the last one replaces it

    def _one(self) -> SchemaForm:
        """Return the form for a single value; its fault is shown above the form."""
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
    """The proposed values of an action, which people may change."""

    control: Changes

    @property
    def is_typed(self) -> bool:
        return self.control.sent_as in self.form.typed


class ShownOptions(ShownControl):
    """The options from which people choose an answer."""

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
        """The answer that the person wrote instead of choosing an option; "" if there is none."""
        return self.control.own(self.form.texts)

    @property
    def is_own_chosen(self) -> bool:
        return bool(self.own) or "" in self.form.texts(self.control.sent_as)

    @property
    def count(self) -> int:
        return len(self.control.labels)


@dataclass(frozen=True)
class ShownOption:
    """An option with its label and description."""

    value: str
    label: str
    description: str
    is_chosen: bool


class ShownUploads(ShownFields):
    """The field in which people upload one file or several."""

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
    """The editor for a draft, which may be too long to be edited on a page."""

    control: Editor

    @property
    def text(self) -> str:
        return self.control.text(self.form.texts)

    @property
    def is_edited_in_cards(self) -> bool:
        """True if a card shows the editor: the draft is short, or has been edited already."""
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


def form_of(request: HumanRequest, sent: QueryDict, files: Any, *, by: User) -> AnswerForm:
    """Return the form as somebody has sent it; store its files, and add or drop a row if asked.

    Raises `AnswerError`, `NotAskedError`, `AlreadyAnsweredError` or `TooLargeError` if the files
    can't be stored.
    """
    typed = sent.copy()
    for name in files:
        tokens = [receive_file(request, one, by=by) for one in files.getlist(name)]
        kept = [text for text in typed.getlist(name) if text]
        typed.setlist(name, [*kept, *tokens])
    change = change_rows(typed, OF_FIELD)
    return AnswerForm(request, typed, by=by, change=change)


def show_control(control: Control, form: AnswerForm) -> ShownControl:
    """Return a control for its template; a site's own control is drawn like its base class."""
    found = (shown for of, shown in DRAWN.items() if isinstance(control, of))
    return next(found, ShownControl)(control, form)
