"""The admin pages of decisions: a table for auditors, and the certificate of each answer."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.models import Decision, HumanRequest, HumanResponse, RequestEvent
from dashboard.accounts.keyed import row_with_key
from dashboard.admin.exporting import ExportedAdmin
from dashboard.admin.filters import Between, ByProcedure, NamedValues, RelatedRows
from dashboard.admin.proven import MOST_EVENTS
from dashboard.admin.values import link
from dashboard.admin.viewer import rendered, viewing
from procedures.engine.journal.seals import PROOF, differing
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.engine.values.sizes import cut
from procedures.models import Run
from procedures.models.clock import clock
from procedures.models.proofs import ledger_keys
from procedures.models.run_queries import values_of
from procedures.services.ledger import examine
from procedures.users import name_field

Kind = RequestEvent.Kind
ANSWERS = (Kind.ANSWERED, Kind.VOTED, Kind.ASKED_BACK, Kind.BYPASSED)
"""The kinds of entries in a request's history that record an answer."""
LONGEST_PROMPT, LONGEST_VALUE = 160, 80
RESPONSE = "countersign_chat.view_humanresponse"


class OfProcedure(ByProcedure):
    path = "request__wait__run__procedure"


class ByRight(admin.SimpleListFilter):
    """A filter by the right to answer.

    It offers answers by administrators who weren't asked, answers by deputies, and standing
    decisions.
    """

    title = lazy("right")
    parameter_name = "bypass"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("yes", _("Bypass")),
            ("deputy", _("As a deputy")),
            ("standing", _("Standing decision")),
        ]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return rows.exclude(reason="")
        if self.value() == "deputy":
            return rows.exclude(for_user=None)
        return rows.exclude(standing=None) if self.value() == "standing" else rows


def describe_answer(response: HumanResponse) -> str:
    """Return the answer in words: the label of the pressed button, or the beginning of the text."""
    if response.asks_back:
        return _("Sent back")
    asked = response.request.asked
    return cut(asked.rules.meaning_of(asked, response.plain_value), LONGEST_VALUE)


def content_of(response: Any) -> dict[str, Any]:
    """Return the content of the entry in the request's history that records this answer.

    If there is no such entry, {} is returned.
    """
    for event in response.request.answer_events:
        if (event.at, event.user_id) == (response.at, response.user_id):
            return dict(event.content)
    return {}


def right_of(response: Any) -> str:
    return str(content_of(response).get("right", ""))


def is_sealed(response: Any) -> bool:
    """Return True if the values of the row are the ones that the history of its request has sealed.

    Fields that a list doesn't load, such as the question that was shown, aren't compared.
    """
    proof = content_of(response).get(PROOF)
    if not isinstance(proof, dict):
        return False
    names = {name: response._meta.get_field(name).attname for name in response.SEALED}  # noqa: SLF001 (Django documents it)
    absent = response.get_deferred_fields()
    facts = {
        name: getattr(response, attname) for name, attname in names.items() if attname not in absent
    }
    return not differing(facts, proof, owner=str(response.request_id), keys=ledger_keys())


@admin.register(Decision)
class DecisionAdmin(ExportedAdmin):
    """A table of all answers: by whom, when, with which value, by what right, and if sealed."""

    title = lazy("Decisions")
    grows = True
    deferred = ["shown", "changes", *values_of("request__wait__run")]
    list_display = [
        *("at_second", "who", "pressed", "question", "procedure", "run_page"),
        *("right", "channel", "sealed"),
    ]
    list_display_links = ["at_second"]
    list_filter = [
        *(("at", Between), OfProcedure, ("user", RelatedRows), "request__outcome", ByRight),
        ("channel", NamedValues),
    ]
    list_select_related = ["request__wait__run__procedure", "user", "for_user"]
    ordering = ["-pk"]
    search_fields = [f"=user__{name_field()}", "^request__id", "request__prompt"]
    search_help_text = lazy(
        "Search by a user's name, by words of the question, or by the beginning of a request's id."
    )
    columns = (
        ("time (UTC)", lambda one: one.at),
        ("user id", lambda one: one.user_id),
        ("user", lambda one: one.user.get_username()),
        ("for", lambda one: one.for_user.get_username() if one.for_user else ""),
        ("answer", lambda one: one.value),
        ("sent back", lambda one: "yes" if one.asks_back else ""),
        ("comment", lambda one: one.comment),
        ("outcome of the request", lambda one: one.request.outcome),
        ("question", lambda one: one.request.prompt),
        ("request", lambda one: one.request_id),
        ("procedure", lambda one: one.request.wait.run.procedure.name),
        ("run", lambda one: one.request.wait.run_id),
        ("right", right_of),
        ("bypass", lambda one: one.reason),
        ("program", lambda one: content_of(one).get("program", "")),
        ("way", lambda one: one.channel),
        ("address", lambda one: one.address),
        ("undone", lambda one: one.undone_at),
        ("SHA-256 of the evidence", lambda one: one.evidence_digest),
        ("sealed", lambda one: "yes" if is_sealed(one) else "NO"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        events = RequestEvent.objects.filter(kind__in=ANSWERS)
        entries = Prefetch("request__events", events, to_attr="answer_events")
        return super().get_queryset(request).prefetch_related(entries)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(RESPONSE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RESPONSE)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the certificate of an answer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        rows = HumanResponse.objects.select_related("user", "for_user", "standing")
        found = row_with_key(rows, unquote(object_id))
        if found is None:
            return super().change_view(request, object_id)  # which says so, on Django's first page
        with viewing(request.user):
            context = {
                **self.admin_site.each_context(request),
                "title": _("Certificate of a decision"),
                "opts": self.opts,
                **certificate_of(found),
            }
            return rendered(TemplateResponse(request, "dashboard/admin/certificate.html", context))

    @admin.display(description=lazy("who"))
    def who(self, decision: Decision) -> SafeString | str:
        name = decision.user.get_username()
        if decision.for_user is None:
            return name
        principal = decision.for_user.get_username()
        return format_html("{}<br>{}", name, _("for {name}").format(name=principal))

    @admin.display(description=lazy("answer"))
    def pressed(self, decision: Decision) -> SafeString | str:
        shown = describe_answer(decision)
        return format_html("{}<br>{}", shown, _("undone")) if decision.undone_at else shown

    @admin.display(description=lazy("question"))
    def question(self, decision: Decision) -> str:
        return cut(decision.request.prompt, LONGEST_PROMPT)

    @admin.display(description=lazy("procedure"))
    def procedure(self, decision: Decision) -> str:
        return str(decision.request.wait.run.procedure)

    @admin.display(description=lazy("run"))
    def run_page(self, decision: Decision) -> SafeString | str:
        return link(decision.request.wait.run)

    @admin.display(description=lazy("right"))
    def right(self, decision: Decision) -> SafeString | str:
        words = right_of(decision)
        return format_html("<strong>{}</strong>", words) if decision.is_bypass else words

    @admin.display(description=lazy("sealed"))
    def sealed(self, decision: Decision) -> SafeString | str:
        if is_sealed(decision):
            return format_html('<span class="sealed">✓ {}</span>', _("sealed"))
        return format_html('<strong class="unsealed">{}</strong>', _("changed"))


def certificate_of(response: HumanResponse) -> dict[str, Any]:
    """Return what the certificate of an answer shows: the question, the answer and its proof."""
    request = HumanRequest.objects.with_what_is_shown().get(pk=response.request_id)
    run = Run.objects.select_related("procedure", "version", "started_by").get(
        pk=request.wait.run_id
    )
    asked = Question.from_json(canonical.plain(response.shown))
    entries = list(request.events.order_by("seq"))
    request.answer_events = entries  # type: ignore[attr-defined]
    response.request = request
    faults, is_verified = _faults_of(run)
    return {
        "response": response,
        "request_": request,
        "run": run,
        "asked": asked,
        "label": "" if response.asks_back else asked.label_of(response.plain_value),
        "outcome": response.outcome_of(asked),
        "content": content_of(response),
        "entries": entries,
        "faults": faults,
        "is_verified": is_verified,
        "verified_at": clock.now(),
        "is_sealed": is_sealed(response),
    }


def _faults_of(run: Run) -> tuple[Sequence[str], bool]:
    """Return the faults of a run's journal and rows, and True if the run was examined.

    A run with more than `MOST_EVENTS` events isn't examined.
    """
    if run.head_seq > MOST_EVENTS:
        return [], False
    return examine(run).faults, True
