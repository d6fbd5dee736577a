"""Filters and tags for the templates of requests."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _

from chat.channels.registry import channels
from chat.models import Assignment, HumanRequest, HumanResponse, Message, StandingDecision
from chat.services import Echo
from chat.services.changed_values import changed_values, outdated_by
from chat.services.silence import fate_of
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
"""The keyboard shortcuts of a pair of buttons, the usual answer first."""
REJECTING = {"false", "reject", "rejected"}
NUMBER_KEYS = range(1, 10)


@register.simple_tag(takes_context=True)
def answer_form(context: dict[str, Any], request: HumanRequest) -> AnswerForm:
    """Return the request's form with what the viewer has entered, or an empty form."""
    form = context.get("typed_form")
    if isinstance(form, AnswerForm) and form.request.pk == request.pk:
        return form
    return AnswerForm(request)


@register.filter
def with_keys(buttons: Buttons) -> list[tuple[str, str, str]]:
    """Return the buttons of a form: the value that each sends, its label and its shortcut.

    The usual answer has "a", and the one that rejects has "r". Others have their position, up to 9.
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
    """Return why somebody who is asked can't answer: "voted" or "claimed"; "" for all others."""
    user = context.get("user")
    if not user:
        return ""
    if request.may_take_votes and any(vote.user_id == user.pk for vote in votes(request)):
        return "voted"
    is_taken = request.claimed_by_id not in {None, user.pk}
    return "claimed" if is_taken and _seems_to_ask(request, user) else ""


def _seems_to_ask(request: HumanRequest, user: User) -> bool:
    """Return True if a request seems to ask the user; pages use this, because it needs no query."""
    if user.is_superuser:
        return True
    if request.four_eyes and request.wait.run.started_by_id == user.pk:
        return False
    asked = {assignment.whom for assignment in request.assignments.all()}
    return not asked.isdisjoint(assignee_names_of(user))


@register.filter
def why_withdrawn(request: HumanRequest) -> str:
    """Return why the system has withdrawn the request; "" if a person has."""
    return withdrawal_name(request.closed_by)


@register.filter
def is_bypassed_by(request: HumanRequest, user: User) -> bool:
    """Return True if this administrator isn't asked, so that an answer would be a bypass."""
    if not user.is_superuser or request.is_unasked:
        return False
    right = request.right_of(user)
    return right is not None and right.is_bypass


@register.filter
def offers_standing(question: Question) -> bool:
    """Return True if an answer to this question can count for later requests, too."""
    return is_offered(question)


@register.filter
def alike(question: Question) -> list[Line]:
    """Return what a later request must have in common with this one: names and values."""
    return [(label_of_name(name), value) for name, value in alike_words(question)]


@register.filter
def standing_of(request: HumanRequest) -> StandingDecision | None:
    """Return the standing decision that the request's answer created, unless it was revoked."""
    given = request.standing_decisions.filter(revoked_at=None) if request.asked.repeatable else ()
    return next(iter(given), None)


@register.simple_tag
def response_of(request: HumanRequest) -> HumanResponse | None:
    """Return the answer that decided the request; None if it is open, expired or withdrawn."""
    is_answered = request.status == HumanRequest.Status.ANSWERED
    return next(iter(reversed(votes(request))), None) if is_answered else None


@register.filter
def is_from_outside(run: Run) -> bool:
    """Return True if an external program has written what the run asks."""
    return bool(run.program) and run.procedure.name in OUTSIDE


register.filter(changed_values)
register.filter(outdated_by)


@register.filter
def votes(request: HumanRequest) -> list[HumanResponse]:
    """Return the answers that weren't undone, oldest first."""
    return [one for one in request.responses.all() if one.undone_at is None]


@register.filter
def commented(question: Question) -> str:
    """Return the decisions that need a comment, such as "“Reject” or “Keep it”"."""
    labels = question.decisions
    return listed([f"“{labels[name]}”" for name in question.comment_required_on], "or")


@register.filter
def escalations(request: HumanRequest) -> list[tuple[datetime, str]]:
    """Return the times at which further people will be asked, each with their names."""
    coming = request.asked.escalate[request.escalated :]
    opened = request.opened_at
    return [
        (opened + timedelta(seconds=after), listed(list(names), "and")) for after, names in coming
    ]


@register.filter
def rival_timer(wait: Wait) -> datetime | None:
    """Return when the first timer ends that competes with this wait, or None."""
    timers = (one.due_at for one in wait.rivals() if one.kind == Wait.Kind.TIMER and one.due_at)
    return min(timers, default=None)


@register.filter
def fate(wait: Wait) -> str:
    return fate_of(wait)


@register.filter
def label_of(question: Question, value: Any) -> str:
    return question.label_of(value)


@register.filter
def said(question: Question, value: Any) -> str:
    """Return an answer in words, or "" if it is shown elsewhere.

    An object and files are shown one by one, and "Approve" says no more than "Approved by bob".
    """
    if isinstance(value, dict) or takes_files(question.schema):
        return ""
    if isinstance(value, bool) and question.label_of(value) in usual_labels(question):
        return ""
    is_labelled = question.labels or not isinstance(value, bool)
    return question.label_of(value) if is_labelled else cell(value).text


def usual_labels(question: Question) -> Collection[str]:
    """Return the labels of buttons to which the author gave no label."""
    return question.rules.default_labels.values()


@register.filter
def meaning(echo: Echo) -> str:
    """Return what an answer that was typed as text means, in the words of the buttons."""
    return meaning_of(echo.request.asked, echo.value)


def meaning_of(question: Question, value: Any) -> str:
    return question.rules.meaning_of(question, value)


@register.filter
def final_words(echo: Echo) -> str:
    """Return the answer that is to be confirmed, with the author's label if there is one."""
    question, value = echo.request.asked, echo.value
    if isinstance(value, bool) and not question.labels:
        return _("Yes") if value else _("No")
    return question.label_of(value)


@register.filter
def plain_decision(echo: Echo) -> str:
    """Return the decision that is to be confirmed, like "approved"; "" if the author named it."""
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
    """Return all assignees, such as "Finance or bob"; "" if there are none."""
    return listed([asked_name(one) for one in request.assignments.all()], "or")


@register.filter
def typing_hint(request: HumanRequest) -> str:
    """Return a hint that says what to type to answer the request."""
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
    """Return an answer as fields and values; [] if it is a single value."""
    return question.answers(value)


@register.filter
def channel(response: HumanResponse) -> str:
    """Return a phrase for the channel of an answer, such as "in the chat"; "" for a page."""
    found = channels.get(response.channel)
    return str(found.phrase) if found else ""


@register.filter
def shows_more(question: Question) -> bool:
    """Return True if the question has more than its prompt: a body, a draft or evidence."""
    return bool(question.body or question.draft) or question.evidence is not None


@register.filter
def drawn(data: Any, volatile: Sequence[str]) -> Node:
    """Return a JSON value as a node, which templates can draw safely whatever its keys are."""
    return draw(data, volatile)


@register.filter
def drawn_cell(value: Any) -> Node:
    return cell(value)


@register.filter
def changes(old: str, new: str) -> list[Line]:
    """Return the lines of both texts, each marked as "kept", "gone" or "new"."""
    return changed_lines(old, new)


@register.filter
def sent_files(question: Question, value: Any) -> list[StoredFile]:
    """Return the files in an answer."""
    return [drawn_file(file) for file in files_in(with_files(value, question.schema))]


@register.simple_tag
def most_megabytes() -> int:
    """Return the maximum size of a file that people send, in megabytes."""
    most: int = conf.MAX_UPLOAD_MB
    return most


@register.filter
def file_link(file: StoredFile, of: Any) -> str:
    """Return the address of a file; `of` is its run, its message or the id of its request.

    Files of requests and messages are found by digest; files of runs by name, the newest of each.
    Without `of`, return "".
    """
    if isinstance(of, Message):
        return reverse("countersign:message_file", args=[of.pk, file.digest])
    if isinstance(of, Run):
        return reverse("countersign:run_file", args=[of.pk, file.name])
    return reverse("countersign:request_file", args=[of, file.digest]) if of else ""


@register.filter
def preview_link(file: StoredFile, of: Any) -> str:
    """Return the address of the preview of a request's or message's file; "" if it has none."""
    if isinstance(of, Message) and file.has_preview:
        return reverse("countersign:message_file_preview", args=[of.pk, file.digest])
    if isinstance(of, Message):
        return ""
    if not of or isinstance(of, Run) or not file.has_preview:
        return ""
    return reverse("countersign:request_file_preview", args=[of, file.digest])


@register.filter
def comparable(question: Question, value: Any) -> bool:
    """Return True if the answer replaces the file under review, and both files are texts."""
    old, sent = question.draft_file, sent_files(question, value)
    if old is None or not sent or sent[0].digest == old.digest:
        return False
    return drawn_file(old).has_preview and sent[0].has_preview


@register.filter
def drawn_file(file: File) -> StoredFile:
    """Return a stored file for its template."""
    return StoredFile(file.name, file.digest, file.size, file.content_type)
