"""The form of a request: its controls, what a person has entered, and the answer that results."""

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
"""The numbers of days that people can choose for an answer that also counts for later requests."""
NOT_IN_DRAFTS = {"csrfmiddlewaretoken", "confirms", "disarm", "unsent", "draft_version"}
"""The fields of the form that aren't stored in a draft of the answer."""
LONGEST_IN_CARDS, LONGEST_ON_PAGES = 10_000, 250_000
"""The maximum lengths of a text under review that people can edit, in characters.

The first value is for cards, and the second for the request's own page.
"""


@dataclass(frozen=True)
class AnswerForm:
    """The form for one request, with what one person has entered."""

    request: HumanRequest
    typed: QueryDict = field(default_factory=QueryDict)
    fault: str = ""
    faults: Sequence[Fault] = ()
    """The faults that are shown beside single fields."""
    by: User | None = None
    """The person who sent the form. None for a new form."""
    change: RowChange | None = None
    """The row that this form was sent to add or drop, if any."""
    draft_version: int = 0
    """The version of the draft whose texts fill the form; 0 if the form has no draft."""
    lost: str = ""
    """The digest of a file that isn't stored any more, so that the form no longer offers it."""
    armed: Echo | None = None
    """An irreversible answer that the person has sent once. Sending it again makes it count."""

    @cached_property
    def asked(self) -> Question:
        return self.request.offered

    @cached_property
    def controls(self) -> list[Control]:
        return self.asked.controls

    @property
    def shown(self) -> list["ShownControl"]:
        """The controls above the comment, in the order in which the page shows them."""
        return [show_control(one, self) for one in self.controls if not isinstance(one, Buttons)]

    @property
    def buttons(self) -> Buttons:
        """The buttons below the comment.

        If the kind of request names no buttons, the result is a single submit button.
        """
        return next((one for one in self.controls if isinstance(one, Buttons)), Buttons())

    @property
    def armed_text(self) -> str:
        """The value of the button with which the person confirms an irreversible answer."""
        assert self.armed
        value = self.armed.value
        return text_of(value[self.buttons.at] if self.buttons.at else value)

    @property
    def has_fields(self) -> bool:
        """True if the answer has several fields. Each of them then shows its own fault."""
        return any(isinstance(one, Fields) and one.is_several for one in self.controls)

    @property
    def comment(self) -> str:
        return with_line_feeds(str(self.typed.get("comment", ""))).strip()

    @property
    def seen(self) -> str | None:
        """The mark of the proposed values that the page showed to the person.

        None if the form shows no proposed values that people may change.
        """
        shown = next((one for one in self.controls if isinstance(one, Changes)), None)
        sent = self.texts(shown.sent_as) if shown else []
        return sent[-1] if sent else None

    def without_values(self) -> "AnswerForm":
        """Return the form without the values that were sent for the fields of the answer."""
        shown = {one.sent_as for one in self.controls if isinstance(one, Changes)}
        typed = self.typed.copy()
        for name in [one for one in typed if one in shown or one.startswith(OF_FIELD)]:
            del typed[name]
        return replace(self, typed=typed)

    @property
    def asks_back(self) -> bool:
        """True if the person sends a question back to the run instead of an answer."""
        return "ask_back" in self.typed

    @property
    def ask_back_text(self) -> str:
        return with_line_feeds(str(self.typed.get("ask_back_text", ""))).strip()

    def also(self) -> Also | None:
        """Return for how many later requests the answer counts, and until when; None if for none.

        Raises `AnswerError` if people can't choose the number of requests or of days.
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
        """The reason that an administrator gives for answering a request without being asked."""
        return with_line_feeds(str(self.typed.get("reason", ""))).strip()

    def texts(self, name: str) -> list[str]:
        """Return the texts that were sent for the control with this name."""
        return [str(text) for text in self.typed.getlist(name)]

    def answer(self) -> Any:
        """Return the answer that was sent, as JSON values.

        Raises `AnswerError` if the answer isn't valid.
        """
        value = self.asked.read_controls(self.texts)
        return with_uploads(self.request, self.asked, value, by=self.by) if self.by else value

    def sent_files(self, name: str) -> list[Kept]:
        """Return the files that the person has uploaded earlier for the control with this name."""
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
        """True if the person pressed a button that only changes the form and answers nothing.

        Such a button adds or drops a row, or takes back a choice that the person hasn't confirmed.
        In a form with rows, the Enter key presses a hidden button that changes nothing.
        """
        is_row_changed = self.change is not None
        return is_row_changed or not {"disarm", "unsent"}.isdisjoint(self.typed)

    def confirms(self, value: Any) -> bool:
        """Return True if the person pressed the button that confirms exactly the answer `value`."""
        if not self.asked.irreversible or "confirms" not in self.typed:
            return False
        echo = Echo(self.request, self.asked.check(value))
        return bool(self.typed["confirms"] == echo.token)

    def kept_values(self) -> dict[str, list[str]]:
        """Return the texts that were sent, by the names of their fields, to store as a draft."""
        return {name: self.texts(name) for name in self.typed if name not in NOT_IN_DRAFTS}

    def own_words(self) -> str:
        """Return what the person wrote, for the page to show again if the answer came too late."""
        own = [words for one in self.controls for words in one.own_words(self.texts)]
        own += [self.comment, self.ask_back_text, self.reason]
        return "\n\n".join(words for words in own if words)


@dataclass(frozen=True)
class ShownControl:
    """A control with what the person has entered, in the form that the control's template needs."""

    control: Any
    form: AnswerForm

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
        """Make a time field show its time zone, and a file field the files uploaded earlier."""
        if field.kind == "datetime-local":
            field.widget.has_zone = True
            zone = timezone.get_current_timezone_name()
            field.limits = [*field.limits, _("Time zone: {zone}.").format(zone=zone)]
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


def form_of(request: HumanRequest, sent: QueryDict, files: Any, *, by: User) -> AnswerForm:
    """Return the form that a person has sent.

    Store the files that came with the form. If the person pressed a button that adds or drops a
    row, change the rows. If the files can't be stored, raise `AnswerError`, `NotAskedError`,
    `AlreadyAnsweredError` or `TooLargeError`.
    """
    typed = sent.copy()
    for name in files:
        tokens = [receive_file(request, one, by=by) for one in files.getlist(name)]
        kept = [text for text in typed.getlist(name) if text]
        typed.setlist(name, [*kept, *tokens])
    change = change_rows(typed, OF_FIELD)
    return AnswerForm(request, typed, by=by, change=change)


def show_control(control: Control, form: AnswerForm) -> ShownControl:
    """Return a control with what was entered, for its template.

    A control of a site's own has the template data of its base class.
    """
    found = (shown for of, shown in DRAWN.items() if isinstance(control, of))
    return next(found, ShownControl)(control, form)
