"""What the templates of requests ask of data."""

import json
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from django import template

from chat.models import Assignment, HumanRequest, HumanResponse
from chat.services import Echo
from dashboard.answer_form import AnswerForm
from procedures.engine.questions import Question, RequestKind
from procedures.overview.words import name_of

register = template.Library()
CHANNELS = {"chat": "in the chat", "api": "through the API", "mail": "by e-mail"}
OUTCOMES = {
    "edited": "Changed and approved",
    "defaulted": "No answer in time",
    "expired": "No answer in time",
}
YES_OR_NO = "yes, no, or a message"
HINTS = {
    "choice": "an option or its number",
    "input": "your answer",
    "form": "a message: the form is above",
    "escalation": "“resolved: …”, or a message",
}
MOST_LINES = 20
Line = tuple[str, str]


@register.simple_tag(takes_context=True)
def answer_form(context: dict[str, Any], request: HumanRequest) -> AnswerForm:
    """The form with what was typed into it, where this page brings one; else an empty one."""
    form = context.get("typed_form")
    if isinstance(form, AnswerForm) and form.request.pk == request.pk:
        return form
    return AnswerForm(request)


@register.simple_tag
def response_of(request: HumanRequest) -> HumanResponse | None:
    return next(iter(request.responses.all()), None)


@register.filter
def label_of(question: Question, value: Any) -> str:
    return question.label_of(value)


@register.filter
def said(question: Question, value: Any) -> str:
    """The value of an answer in words; nothing for a review, whose text is shown in full."""
    if isinstance(value, dict):
        return ""
    if isinstance(value, list):
        return ", ".join(question.label_of(one) for one in value)
    return question.label_of(value) if question.labels else plain(value)


@register.filter
def meaning(echo: Echo) -> str:
    """What typed words would answer, as the buttons call it."""
    question, value = echo.request.asked, echo.value
    if question.kind == RequestKind.REVIEW:
        return "Approve" if value["decision"] == "approved" else "Reject"
    if question.kind == RequestKind.ESCALATION:
        return f"Resolve: {value}"
    return said(question, value).capitalize() if value in (True, False) else said(question, value)


@register.filter
def asked_name(assignment: Assignment) -> str:
    """Who is asked, as people call them: "Finance", "bob"."""
    if assignment.user:
        return assignment.user.get_username()
    if assignment.group:
        return assignment.group.name[:1].upper() + assignment.group.name[1:]
    return name_of(str(assignment))


@register.filter
def typing_hint(request: HumanRequest) -> str:
    """What one may type to answer."""
    is_yes_or_no = request.asked.schema.get("type") == "boolean"
    return YES_OR_NO if is_yes_or_no else HINTS.get(request.kind, YES_OR_NO)


@register.filter
def item(row: dict[str, Any], name: str) -> Any:
    return row.get(name)


@register.filter
def outcome_words(request: HumanRequest) -> str:
    if (request.kind, request.outcome) == ("escalation", "answered"):
        return "Resolved"
    return OUTCOMES.get(request.outcome, request.outcome.capitalize())


@register.filter
def answers(question: Question, value: Any) -> list[tuple[str, str]]:
    """A form's answer field by field; nothing for other kinds."""
    return question.answers(value) if question.kind == RequestKind.FORM else []


@register.filter
def channel(response: HumanResponse) -> str:
    return CHANNELS.get(response.channel, "")


@register.filter
def shape(data: Any) -> str:
    """How data is drawn: table, mapping, list, nothing or text."""
    if data in (None, "", [], {}):
        return "nothing"
    if isinstance(data, dict):
        return "mapping"
    if isinstance(data, list):
        return "table" if all(isinstance(row, dict) and row for row in data) else "list"
    return "text"


@register.filter
def columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


@register.filter
def cells(row: dict[str, Any], names: list[str]) -> list[Any]:
    return [row.get(name) for name in names]


@register.filter
def words(name: str) -> str:
    """A key as people write it: "order_id" is "Order id"."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


@register.filter
def is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


@register.filter
def is_long(value: Any) -> bool:
    """A text of so many lines that it scrolls in a frame of its own."""
    return isinstance(value, str) and value.count("\n") >= MOST_LINES


@register.filter
def is_number(value: Any) -> bool:
    """Numbers, and texts that hold one: money keeps its digits as a text."""
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


@register.filter
def plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


@register.filter
def folded(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def changes(old: str, new: str) -> list[Line]:
    """The lines of both texts: "kept", "gone" or "new"."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Line] = []
    for tag, *place in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        start, end, new_start, new_end = place
        if tag == "equal":
            found += [("kept", line) for line in before[start:end]]
        else:
            found += [("gone", line) for line in before[start:end]]
            found += [("new", line) for line in after[new_start:new_end]]
    return found
