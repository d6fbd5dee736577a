"""The form of a request: its controls, what a person has entered, and the answer that results."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from chat.models import HumanRequest
from chat.services import StandingLimits, UnconfirmedAnswer, receive_file, uploaded, with_uploads
from dashboard.forms.controls import ShownControl, show_control
from dashboard.forms.fields import KeptFile
from dashboard.forms.layout import RowChange, change_rows
from procedures.engine.errors import AnswerError, Fault
from procedures.engine.kinds.controls import OF_FIELD, Buttons, Changes, Control, Fields
from procedures.engine.kinds.questions import Question
from procedures.engine.values.attachments import takes_files
from procedures.engine.values.schemas import text_of
from procedures.engine.values.typed import with_line_feeds
from procedures.models.clock import clock
from procedures.users import User

DAYS = ("1", "3", "7")
"""The numbers of days that people can choose for an answer that also counts for later requests."""
NOT_IN_DRAFTS = {"csrfmiddlewaretoken", "confirms", "disarm", "unsent", "draft_version"}
"""The fields of the form that aren't stored in a draft of the answer."""


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
    armed: UnconfirmedAnswer | None = None
    """An irreversible answer that the person has sent once. Sending it again makes it count."""

    @cached_property
    def asked(self) -> Question:
        return self.request.offered

    @cached_property
    def controls(self) -> list[Control]:
        return self.asked.controls

    @property
    def shown(self) -> list[ShownControl]:
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

    def also(self) -> StandingLimits | None:
        """Return for how many later requests the answer counts, and until when; None if for none.

        Raises `AnswerError` if people can't choose the number of requests or of days.
        """
        uses = str(self.typed.get("also_uses", "")).strip()
        if not uses or not self.asked.repeatable:
            return None
        days = str(self.typed.get("also_days", "1"))
        if not re.fullmatch("[0-9]{1,3}", uses) or days not in DAYS:
            raise AnswerError(_("Enter the number of later requests, from 1 to 50."))
        return StandingLimits(int(uses), clock.now() + timedelta(days=int(days)))

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

    def sent_files(self, name: str) -> list[KeptFile]:
        """Return the files that the person has uploaded earlier for the control with this name."""
        if self.by is None:
            return []
        found = [(one, uploaded(self.request, one, by=self.by)) for one in self.texts(name)]
        return [
            KeptFile(token, file.name) for token, file in found if file and file.digest != self.lost
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
        echo = UnconfirmedAnswer(self.request, self.asked.check(value))
        return bool(self.typed["confirms"] == echo.token)

    def kept_values(self) -> dict[str, list[str]]:
        """Return the texts that were sent, by the names of their fields, to store as a draft."""
        return {name: self.texts(name) for name in self.typed if name not in NOT_IN_DRAFTS}

    def own_words(self) -> str:
        """Return what the person wrote, for the page to show again if the answer came too late."""
        own = [words for one in self.controls for words in one.own_words(self.texts)]
        own += [self.comment, self.ask_back_text, self.reason]
        return "\n\n".join(words for words in own if words)


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
