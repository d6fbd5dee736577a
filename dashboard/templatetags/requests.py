"""Filters and tags for the templates of requests."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _

from chat.channels.registry import channels
from chat.models import Assignment, HumanRequest, HumanResponse, Message, StandingDecision
from chat.services import UnconfirmedAnswer
from chat.services.changed_values import changed_values, outdated_by
from chat.services.silence import early_withdrawal
from chat.urgency import assignee_names_of
from dashboard.forms.answer import AnswerForm
from dashboard.overview import Node, cell, draw
from dashboard.overview.drawing import StoredFile, changed_lines
from dashboard.overview.drawing import label_of as label_of_name
from dashboard.overview.names import outcome_name, withdrawal_name
from dashboard.overview.words import listed, name_of
from procedures.conf import conf
from procedures.engine.kinds.controls import Buttons
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.standing import alike_words, is_offered
from procedures.engine.values.attachments import files_in, takes_files, with_files
from procedures.engine.values.files import File
from procedures.library import OUTSIDE
from procedures.models import Run, Wait
from procedures.users import User

register = template.Library()
Line = tuple[str, str]
PAIR = ["a", "r"]
"""The shortcuts of two buttons, such as "Approve" and "Reject"."""
REJECTING = {"false", "reject", "rejected"}
NUMBER_KEYS = range(1, 10)


@register.simple_tag(takes_context=True)
def answer_form(context: dict[str, Any], request: HumanRequest) -> AnswerForm:
    """Return a request's form, with what the viewer has entered if the context has that."""
    form = context.get("typed_form")
    if isinstance(form, AnswerForm) and form.request.pk == request.pk:
        return form
    return AnswerForm(request)


@register.filter
def with_keys(buttons: Buttons) -> list[tuple[str, str, str]]:
    """Return the value, the label and the keyboard shortcut of each button of a form.

    If one button is the main one, its shortcut is "a". That of a button that rejects is "r". Each
    other button has its position as a shortcut; from the tenth on, it has none.
    """
    is_pair = buttons.has_main and len(buttons.values) == len(PAIR)
    texts = [text for text, _ in buttons.texts]
    keys = PAIR if is_pair else [_key_of(place, text) for place, text in enumerate(texts, 1)]
    if buttons.has_main and keys:
        keys = ["a", *keys[1:]]
    return [(text, words, key) for (text, words), key in zip(buttons.texts, keys, strict=True)]


def _key_of(place: int, text: str) -> str:
    if text in REJECTING:
        return "r"
    return str(place) if place in NUMBER_KEYS else ""


@register.simple_tag(takes_context=True)
def why_not_asked(context: dict[str, Any], request: HumanRequest) -> str:
    """Return why the viewer can't answer a request although it seems to ask the viewer.

    The result is "voted" if the viewer has voted, "claimed" if somebody else has claimed the
    request, or else "".
    """
    user = context.get("user")
    if not user:
        return ""
    if request.may_take_votes and any(
        vote.user_id == user.pk for vote in request.counted_responses
    ):
        return "voted"
    is_taken = request.claimed_by_id not in {None, user.pk}
    return "claimed" if is_taken and _seems_to_ask(request, user) else ""


def _seems_to_ask(request: HumanRequest, user: User) -> bool:
    """Return True if the data that the page has already read suggests that a request asks the user.

    The result decides only what a page shows; a POST checks the user's right.
    """
    if user.is_superuser:
        return True
    if request.four_eyes and request.wait.run.started_by_id == user.pk:
        return False
    asked = {assignment.whom for assignment in request.assignments.all()}
    return not asked.isdisjoint(assignee_names_of(user))


@register.filter
def why_withdrawn(request: HumanRequest) -> str:
    """Return why the system withdrew the request; "" if a person withdrew it."""
    return withdrawal_name(request.closed_by)


@register.filter
def reason_of_withdrawal(request: HumanRequest) -> str:
    """Return the reason that a person gave for withdrawing the request; "" if there is none."""
    before, by, reason = request.closed_why.partition(f"{request.closed_by}: ")
    return reason if by and not before else ""


@register.filter
def is_bypassed_by(request: HumanRequest, user: User) -> bool:
    """Return True if an answer by this user would be a bypass.

    That is an answer by an administrator whom the request doesn't ask.
    """
    if not user.is_superuser or request.is_unasked:
        return False
    right = request.right_of(user)
    return right is not None and right.is_bypass


@register.filter
def offers_standing(question: Question) -> bool:
    """Return True if a person can let an answer to this question count for later requests, too."""
    return is_offered(question)


@register.filter
def alike(question: Question) -> list[Line]:
    """Return the names and values that a later request must share with this one.

    Only then can a standing decision on this request count for the later one.
    """
    return [(label_of_name(name), value) for name, value in alike_words(question)]


@register.filter
def standing_of(request: HumanRequest) -> StandingDecision | None:
    """Return the standing decision that the request's answer made, unless it was revoked.

    Return None if the answer made none.
    """
    given = request.standing_decisions.filter(revoked_at=None) if request.asked.repeatable else ()
    return next(iter(given), None)


@register.simple_tag
def response_of(request: HumanRequest) -> HumanResponse | None:
    """Return the answer that decided the request; None if it is open, expired or withdrawn."""
    is_answered = request.status == HumanRequest.Status.ANSWERED
    return next(iter(reversed(request.counted_responses)), None) if is_answered else None


@register.filter
def is_from_outside(run: Run) -> bool:
    """Return True if an external program has written the questions of the run."""
    return bool(run.program) and run.procedure.name in OUTSIDE


register.filter(changed_values)
register.filter(outdated_by)


@register.filter
def commented(question: Question) -> str:
    """Return the labels of the answers that need a comment, such as "“Reject” or “Keep it”"."""
    labels = question.decisions
    return listed([f"“{labels[name]}”" for name in question.comment_required_on], "or")


@register.filter
def escalations(request: HumanRequest) -> list[tuple[datetime, str]]:
    """Return the times at which further people will be asked, and for each time their names."""
    coming = request.asked.escalate[request.escalated :]
    opened = request.opened_at
    return [
        (opened + timedelta(seconds=after), listed(list(names), "and")) for after, names in coming
    ]


@register.filter
def rival_timer(wait: Wait) -> datetime | None:
    """Return the earliest end of a timer that can make this wait unneeded; None without a timer.

    Such a timer belongs to the same set of waits.
    """
    timers = (one.due_at for one in wait.rivals() if one.kind == Wait.Kind.TIMER and one.due_at)
    return min(timers, default=None)


@register.filter
def withdrawn_early(wait: Wait) -> str:
    return early_withdrawal(wait)


@register.filter
def label_of(question: Question, value: Any) -> str:
    return question.label_of(value)


@register.filter
def answer_text(question: Question, value: Any) -> str:
    """Return an answer in words.

    Return "" for an object or files, which are shown one by one. Return "" also for a button
    without a label of its own, because "Approve" beside "Approved by bob" would say nothing new.
    """
    if isinstance(value, dict) or takes_files(question.schema):
        return ""
    if isinstance(value, bool) and question.label_of(value) in usual_labels(question):
        return ""
    is_labelled = question.labels or not isinstance(value, bool)
    return question.label_of(value) if is_labelled else cell(value).text


def usual_labels(question: Question) -> Collection[str]:
    """Return the labels that buttons have if the author hasn't given them others."""
    return question.rules.default_labels.values()


@register.filter
def meaning(echo: UnconfirmedAnswer) -> str:
    """Return the answer that typed words would give, in the words of its button."""
    return meaning_of(echo.request.asked, echo.value)


def meaning_of(question: Question, value: Any) -> str:
    return question.rules.meaning_of(question, value)


@register.filter
def final_words(echo: UnconfirmedAnswer) -> str:
    """Return the words for an answer to be confirmed: the author's label, "Yes" or "No"."""
    question, value = echo.request.asked, echo.value
    if isinstance(value, bool) and not question.labels:
        return _("Yes") if value else _("No")
    return question.label_of(value)


@register.filter
def plain_decision(echo: UnconfirmedAnswer) -> str:
    """Return the decision that isn't confirmed yet, such as "approved".

    Return "" if its button has a label by the author.
    """
    question = echo.request.asked
    is_usual = question.label_of(echo.value) in usual_labels(question)
    return question.decision_of(echo.value) if is_usual else ""


@register.filter
def asked_name(assignment: Assignment) -> str:
    """Return an assignee as a name for people, such as "Finance" or "bob"."""
    if assignment.user:
        return assignment.user.get_username()
    if assignment.group:
        return assignment.group.name[:1].upper() + assignment.group.name[1:]
    return name_of(str(assignment))


@register.filter
def asked_names(request: HumanRequest) -> str:
    """Return all assignees of a request, such as "Finance or bob"; "" if there are none."""
    return listed([asked_name(one) for one in request.assignments.all()], "or")


@register.filter
def typing_hint(request: HumanRequest) -> str:
    """Return a hint about what a person can type as an answer to the request."""
    question = request.asked
    if question.irreversible:
        return _("write a message; to answer, use the card")
    return question.rules.typing_hint(question)


@register.filter
def outcome_words(request: HumanRequest) -> str:
    question, response = request.asked, response_of(request)
    value = response.plain_value if response else None
    is_answer = response is None or not response.asks_back
    words = question.rules.result_words(question, request.outcome, value) if is_answer else ""
    return words or outcome_name(request.outcome)


@register.filter
def answers(question: Question, value: Any) -> list[tuple[str, str]]:
    """Return the label and the value of each field of an answer; [] if the answer has no fields."""
    return question.answers(value)


@register.filter
def channel(response: HumanResponse) -> str:
    """Return a phrase for the channel of an answer, such as "in the chat".

    Return "" if the answer was given on a page.
    """
    found = channels.get(response.channel)
    return str(found.phrase) if found else ""


@register.filter
def shows_more(question: Question) -> bool:
    """Return True if the question has more than its prompt: a body, a draft or evidence."""
    return bool(question.body or question.draft) or question.evidence is not None


@register.filter
def drawn(data: Any, volatile: Sequence[str]) -> Node:
    """Return a JSON value as a node for templates; see `overview/drawing.py`."""
    return draw(data, volatile)


@register.filter
def drawn_cell(value: Any) -> Node:
    return cell(value)


@register.filter
def changes(old: str, new: str) -> list[Line]:
    """Return the lines of both texts, each marked as "kept", "gone" (old only) or "new"."""
    return changed_lines(old, new)


@register.filter
def sent_files(question: Question, value: Any) -> list[StoredFile]:
    """Return the files in an answer."""
    return [drawn_file(file) for file in files_in(with_files(value, question.schema))]


@register.simple_tag
def most_megabytes() -> int:
    """Return the maximum size in megabytes of a file that people can send."""
    most: int = conf.MAX_UPLOAD_MB
    return most


@register.filter
def file_link(file: StoredFile, of: Any) -> str:
    """Return the address of a file; `of` is its run, its message or the id of its request.

    A file of a run is found by its name: the newest one with this name. Other files are found by
    their digests. If `of` is empty, return "".
    """
    if isinstance(of, Message):
        return reverse("countersign:message_file", args=[of.pk, file.digest])
    if isinstance(of, Run):
        return reverse("countersign:run_file", args=[of.pk, file.name])
    return reverse("countersign:request_file", args=[of, file.digest]) if of else ""


@register.filter
def preview_link(file: StoredFile, of: Any) -> str:
    """Return the address of a file's preview.

    Return "" for a file of a run, and for a file that isn't a text or table.
    """
    if isinstance(of, Message) and file.has_preview:
        return reverse("countersign:message_file_preview", args=[of.pk, file.digest])
    if isinstance(of, Message):
        return ""
    if not of or isinstance(of, Run) or not file.has_preview:
        return ""
    return reverse("countersign:request_file_preview", args=[of, file.digest])


@register.filter
def comparable(question: Question, value: Any) -> bool:
    """Return True if an answer replaces the file under review and both files are texts."""
    old, sent = question.draft_file, sent_files(question, value)
    if old is None or not sent or sent[0].digest == old.digest:
        return False
    return drawn_file(old).has_preview and sent[0].has_preview


@register.filter
def drawn_file(file: File) -> StoredFile:
    """Return a file as templates need it."""
    return StoredFile(file.name, file.digest, file.size, file.content_type)
