"""Answers to several requests at once: one page lists the requests, another reports the results."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from chat import services
from chat.access import visible_requests
from chat.models import HumanRequest
from chat.services import Answer, BulkItem
from dashboard.forms.answer import AnswerForm
from dashboard.forms.snoozing import OFFERED, snooze_time
from dashboard.pages.chosen import chosen_from, draw
from dashboard.pages.marks import with_marks
from dashboard.pages.requests import answerable
from dashboard.pages.visit import Visit
from dashboard.templatetags.requests import is_bypassed_by
from procedures.access import address_of
from procedures.engine.errors import AnswerError, InputError
from procedures.engine.values.schemas import text_of
from procedures.models.clock import clock
from procedures.users import User

DECISIONS: dict[str, Callable[[int], str]] = {
    "usual": lambda n: ngettext("Approve {n} request", "Approve {n} requests", n),
    "other": lambda n: ngettext("Reject {n} request", "Reject {n} requests", n),
    "snooze": lambda n: ngettext("Snooze {n} request", "Snooze {n} requests", n),
}
"""The title of each decision, by the number of requests."""
RESULTS = (
    services.BulkResult.NEEDS_ATTENTION,
    services.BulkResult.ALREADY_DECIDED,
    services.BulkResult.APPLIED,
)
"""The order of the results in the report."""
PLACES = {"usual": 0, "other": 1}
"""The position of the button that is pressed for each decision; "usual" presses the first one."""
POINTS = (".", ",")
CURRENCIES = re.compile("€|EUR|USD|GBP|CHF")
AMOUNT = re.compile(
    r"(?<![\w.,'\u2019+*/\xd7\u2212\u2013-])(?<![x*\xd7] )(?!(?<=[0-9] )[0-9]{3}(?![0-9]))"
    r"([1-9][0-9]{0,2}([.,'\u2019\xa0\u2009\u202f])[0-9]{3}(?:\2[0-9]{3})*|[0-9]+)"
    r"([.,][0-9]{2})?\s?(€|EUR|USD|GBP|CHF)(?!\w)"
)
"""An amount whose value is certain: in "order 7 100 €", the 7 may belong to it or not."""


@dataclass(frozen=True)
class RequestLine:
    """A request in the list of requests to be answered at once."""

    request: HumanRequest
    version: int
    label: str = ""
    """The label of the button that would be pressed; "" if no button can be."""
    value: Any = None
    why_not: str = ""
    """The reason why the request can't be answered together with the others, or ""."""

    @property
    def needs_comment(self) -> bool:
        question = self.request.asked
        return bool(self.label) and question.decision_of(self.value) in question.comment_required_on

    @property
    def sent(self) -> str:
        return f"{self.request.pk}:{self.version}"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def inbox_bulk(request: Visit) -> HttpResponse:
    """List the chosen requests, and the answer that each would get.

    A POST answers the requests and shows a report.
    """
    sent = request.POST if request.method == "POST" else request.GET
    decision = sent.get("decision", "")
    if decision not in DECISIONS:
        decision = "usual"
    chosen = chosen_from(sent.getlist("request"), int)
    lines = list(_lines(request, chosen.shown, decision))
    if request.method == "POST":
        report = _snooze if decision == "snooze" else _answer
        reports = sorted(report(request, lines), key=lambda one: RESULTS.index(one[1]))
        counts = Counter(result for _line, result, _words in reports)
        page_context = {"reports": reports, "counts": counts.items(), **chosen.context}
        return draw(request, "inbox", "report", page_context)
    sendable = [one for one in lines if not one.why_not]
    context = {
        **chosen.context,
        "lines": sendable,
        "left_out": [one for one in lines if one.why_not],
        "lost": len(chosen.shown) - len(lines),
        "decision": decision,
        "title": DECISIONS[decision](len(sendable)).format(n=f"{len(sendable):,}"),
        "sums": sum_amounts([one.request.prompt for one in sendable]),
        "comments": sum(one.needs_comment for one in sendable),
        "consequences": consequences(sendable, decision),
        "times": OFFERED.items(),
    }
    return draw(request, "inbox", "bulk", context)


def consequences(lines: Sequence[RequestLine], decision: str) -> list[str]:
    """Return sentences about the consequences of answering or snoozing these requests."""
    if not lines:
        return []
    if decision == "snooze":
        return [
            _(
                "The requests reappear in your lists at that time. Others can answer them"
                " in the meantime."
            )
        ]
    votes = sum(one.request.quorum > 1 for one in lines)
    undoable = sum(bool(one.request.asked.undo) for one in lines)
    comments = sum(one.needs_comment for one in lines)
    final = sum(one.request.quorum <= 1 and not one.request.asked.undo for one in lines)
    counted = [
        (
            votes,
            ngettext(
                "{count} of the answers is only a vote: others must agree, too.",
                "{count} of the answers are only votes: others must agree, too.",
                votes,
            ),
        ),
        (
            undoable,
            ngettext(
                "{count} answer can be undone for a short time.",
                "{count} answers can be undone for a short time.",
                undoable,
            ),
        ),
        (
            final,
            ngettext(
                "{count} answer counts at once and can't be taken back.",
                "{count} answers count at once and can't be taken back.",
                final,
            ),
        ),
        (
            comments,
            ngettext(
                "{count} of the answers needs a comment that says why.",
                "{count} of the answers need a comment that says why.",
                comments,
            ),
        ),
    ]
    return [words.format(count=count) for count, words in counted if count > 0]


def _lines(request: Visit, chosen: dict[UUID, int], decision: str) -> Iterator[RequestLine]:
    """Yield a line for each chosen request that the person may see, in the order of the choice."""
    visible = visible_requests(request.user).with_what_is_shown().filter(pk__in=chosen)
    found = {one.pk: one for one in visible}
    mine = answerable(request, list(found.values()))
    for key, version in chosen.items():
        if key in found:
            yield _line(found[key], version, decision, request, is_mine=key in mine)


def _line(
    found: HumanRequest, version: int, decision: str, request: Visit, *, is_mine: bool
) -> RequestLine:
    if not found.is_open:
        return RequestLine(found, version, why_not=_("This request has already been decided."))
    if not is_mine:
        return RequestLine(found, version, why_not=_("This request is no longer waiting for you."))
    if decision == "snooze":
        return RequestLine(found, version)
    if words := _why_apart(found, version, request.user):
        return RequestLine(found, version, why_not=words)
    return _pressed(found, version, PLACES[decision])


def _why_apart(found: HumanRequest, version: int, user: User) -> str:
    """Return why the person must answer the request on its own page; "" if that isn't necessary."""
    if is_bypassed_by(found, user):
        return _("This request isn't assigned to you, so an answer needs a reason.")
    if found.version != version:
        return _(
            "This request has changed since it was shown. Look at it, and answer it separately."
        )
    if found.asked.irreversible:
        return _("An answer to this request can't be undone, so answer it separately.")
    return ""


def _pressed(found: HumanRequest, version: int, place: int) -> RequestLine:
    """Return the line for a request whose button at the position `place` would be pressed."""
    buttons = AnswerForm(found).buttons
    if not buttons.has_main or place >= len(buttons.values):
        return RequestLine(
            found,
            version,
            why_not=_("This request needs more than this button, so answer it separately."),
        )
    value, label = buttons.values[place]
    try:
        question = found.offered
        answer = question.read_controls(
            lambda name: [text_of(value)] if name == buttons.sent_as else []
        )
        question.check(answer)
    except AnswerError:
        return RequestLine(
            found,
            version,
            why_not=_("This request needs more than this button, so answer it separately."),
        )
    return RequestLine(found, version, label, answer)


def _answer(request: Visit, lines: list[RequestLine]) -> list[tuple[RequestLine, Any, str]]:
    """Answer the requests that can be answered at once.

    Return each line with its result and a sentence about the result.
    """
    given = Answer(
        comment=request.POST.get("comment", ""), channel="page", address=address_of(request)
    )
    items = [BulkItem(one.request.pk, one.version, one.value) for one in lines if not one.why_not]
    done = services.answer_many(items, by=request.user, answer=given)
    reports = {one.request_id: one for one in done}
    for one in done:
        if one.result == services.BulkResult.APPLIED:
            services.drop_draft(one.request_id, by=request.user)
    return [
        (one, reports[one.request.pk].result, reports[one.request.pk].message)
        if one.request.pk in reports
        else (one, _result_of(one), one.why_not)
        for one in lines
    ]


def _result_of(line: RequestLine) -> str:
    is_open = line.request.is_open
    return services.BulkResult.NEEDS_ATTENTION if is_open else services.BulkResult.ALREADY_DECIDED


def _snooze(request: Visit, lines: list[RequestLine]) -> list[tuple[RequestLine, Any, str]]:
    results = []
    for one in lines:
        words = one.why_not
        if not words:
            try:
                until = snooze_time(request.POST.get("until", "tomorrow"), clock.now())
                services.snooze_request(one.request.pk, by=request.user, until=until)
            except (services.NotAskedError, services.AlreadyAnsweredError, InputError) as error:
                words = str(error)
        results.append((one, _result_of(one) if words else services.BulkResult.APPLIED, words))
    return results


def sum_amounts(prompts: Sequence[str]) -> list[tuple[Decimal, str]]:
    """Return the sum of the amounts in the prompts for each currency.

    Return [] unless each prompt contains exactly one amount, which can be read in one way only.
    """
    total: Counter[str] = Counter()
    for prompt in prompts:
        found = AMOUNT.findall(prompt)
        if len(found) != 1 or len(CURRENCIES.findall(prompt)) != 1:
            return []
        whole, separator, cents, currency = found[0]
        # A single point or comma before three digits may separate thousands or decimals.
        if not cents and separator in POINTS and whole.count(separator) == 1:
            return []
        digits = re.sub(r"\D", "", whole)
        total[currency] += Decimal(f"{digits}{cents.replace(',', '.')}")  # type: ignore[assignment]
    return [(Decimal(amount), currency) for currency, amount in sorted(total.items())]
