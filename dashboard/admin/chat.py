"""Read-only admin pages for sessions, requests and responses."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.access import visible_requests, visible_sessions
from chat.models import (
    Assignment,
    HumanRequest,
    HumanResponse,
    Member,
    Message,
    Notification,
    RemovedRequest,
    RequestEvent,
    Session,
    SessionEvent,
)
from chat.services import OPERATE_REQUEST, Reach, reach_of, reassign_request, withdraw_request
from dashboard.accounts.keyed import row_with_key
from dashboard.admin.filters import Between, ByProcedure, NamedValues, RelatedRows, newest_values
from dashboard.admin.history import HistoryAdmin, Related
from dashboard.admin.operations import Operation, operate
from dashboard.admin.proven import ProvenAdmin
from dashboard.admin.run import RunAdmin
from dashboard.admin.search import MOST_SEARCHED, text_fits
from dashboard.admin.values import link, readable
from dashboard.forms.operations import ReasonForm
from procedures import access
from procedures.engine.values.sizes import cut
from procedures.models import Run, Tombstone
from procedures.models.run_queries import values_of
from procedures.users import name_field

MOST_REQUESTS = 4_000
"""The maximum number of newest requests that are searched for words, also in their evidence."""
SHORT, LONGEST = 100, 10_000
"""The maximum numbers of characters of a text that a list shows and that the row's page shows."""
MOST_NAMES = 200
OF_RUN = "wait__run__id__exact"
OF_SESSION = "session__id__exact"
OF_REQUEST = "request__id__exact"

RunAdmin.related += [
    Related(lazy("Requests"), HumanRequest, OF_RUN),
    Related(lazy("Messages"), Message, "run__id__exact"),
]


def session_title_contains(word: str) -> Q:
    """Return a condition for runs in sessions whose title contains this word.

    Private sessions aren't searched.
    """
    # For each scanned run by its key: a list of all cards would read the whole table.
    cards = Message.objects.cards().filter(run=OuterRef("pk"), session__is_private=False)
    return access.has_row(cards.filter(session__title__icontains=word))


RunAdmin.also_found.append(session_title_contains)


class PartOfSessionAdmin(HistoryAdmin):
    """A base class for admins of rows that belong to one session."""

    list_select_related = ["session"]
    ordering = ["-pk"]

    @admin.display(description=lazy("chat session"), ordering="session")
    def session_page(self, part: Member | Message | SessionEvent) -> SafeString | str:
        return link(part.session)


@admin.register(Session)
class SessionAdmin(HistoryAdmin):
    list_display = ["title", "created_at", "last_seq", "is_private", "on_site"]
    ordering = ["-id"]
    list_filter = [("created_at", Between)]
    search_fields = ["title"]
    ends_of_ids = True
    search_help_text = format_lazy(
        lazy(
            "Search by the beginning of an id. The newest {count} sessions can also be searched by "
            "the end of an id and by words in the title."
        ),
        count=f"{MOST_SEARCHED:,}",
    )
    fields = ["title", "created_at", "last_seq", "is_private", "see_also"]
    readonly_fields = ["see_also"]
    related = [
        Related(lazy("Members"), Member, OF_SESSION),
        Related(lazy("Messages"), Message, OF_SESSION),
        Related(lazy("Requests"), HumanRequest, OF_SESSION),
        Related(lazy("Changes"), SessionEvent, OF_SESSION),
    ]

    def visible_on_site(self, user: Any) -> QuerySet[Session]:
        return visible_sessions(user)

    def view_on_site(self, session: Session) -> str:
        return reverse("countersign:session_detail", args=[session.pk])


@admin.register(Member)
class MemberAdmin(PartOfSessionAdmin):
    grows = True
    list_display = ["user", "session_page", "joined_at"]
    list_select_related = ["session", "user"]
    search_fields = [f"user__{name_field()}"]
    fields = ["user", "session", "joined_at"]


@admin.register(Message)
class MessageAdmin(ProvenAdmin, PartOfSessionAdmin):
    grows = True
    list_display = ["at", "kind", "level", "author", "__str__", "session_page"]
    list_filter = ["kind", ("level", NamedValues), ("at", Between)]
    list_select_related = ["session", "author"]
    search_fields = ["text", f"author__{name_field()}"]
    fields = [
        "session",
        "kind",
        "level",
        "author",
        "person",
        "run",
        "request",
        "shown_text",
        "at",
    ]
    readonly_fields = ["shown_text"]

    def run_of(self, row: Message) -> Run | None:
        """Return the run of the message.

        For a message of a person, this is the run of the first card in the session.
        """
        card = Message.objects.cards().filter(session=row.session_id).order_by("seq").first()
        return row.run or (card.run if card else None)

    @admin.display(description=lazy("text"))
    def shown_text(self, message: Message) -> str:
        return cut(message.text, LONGEST)


@admin.register(SessionEvent)
class SessionEventAdmin(PartOfSessionAdmin):
    grows = True
    list_display = ["seq", "kind", "object", "session_page"]
    list_filter = [("kind", NamedValues)]
    search_fields = ["=object"]
    fields = ["session", "seq", "kind", "object"]


NOBODY_THERE = lazy(
    "Nobody could answer these requests now if they asked “%(to)s”. Name somebody else, or tick "
    "the box to reassign them anyway."
)


class ReassignForm(ReasonForm):
    """A form for the new assignee and the reason for a reassignment."""

    field_order = ("to", "reason")
    to = forms.CharField(max_length=160, help_text=lazy("A group, or a user as @name."))
    allow_unanswerable = forms.BooleanField(
        required=False, label=lazy("Reassign anyway"), widget=forms.HiddenInput
    )

    def clean(self) -> dict[str, Any]:
        """Require a confirmation if nobody could answer the requests after the reassignment."""
        cleaned = super().clean() or self.cleaned_data
        to, name = cleaned.get("to", ""), "allow_unanswerable"
        if reach_of([to])[to] == Reach.NOBODY:
            self.fields[name].widget = forms.CheckboxInput()
            if not cleaned.get(name):
                self.add_error(name, NOBODY_THERE % {"to": to})
        return cleaned


class AnsweredBy(admin.SimpleListFilter):
    """A filter by who closed a request: a person, or for example "system: deadline".

    The filter offers the names that the newest requests contain.
    """

    title = lazy("who closed it")
    parameter_name = "closed_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = sorted(newest_values(HumanRequest, "closed_by") - {""})
        return [(name, name) for name in names[:MOST_NAMES]]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        name = self.value()
        return rows.filter(closed_by=name) if name else rows


class OfProcedure(ByProcedure):
    path = "wait__run__procedure"


@admin.register(HumanRequest)
class HumanRequestAdmin(ProvenAdmin):
    actions = ["withdraw", "reassign"]
    list_display = [
        *("__str__", "status", "outcome", "run_page"),
        *("opened_at", "closed_by", "on_site"),
    ]
    deferred = ["question", *values_of("wait__run")]
    title = lazy("Requests")
    list_filter = [
        *("status", ("kind", NamedValues), "outcome"),
        *(OfProcedure, AnsweredBy),
        *(("opened_at", Between), ("closed_at", Between)),
    ]
    ends_of_ids = True
    most_searched = MOST_REQUESTS
    also_found: ClassVar[list[Callable[[str], Q]]] = [
        lambda word: (
            Q(question__icontains=word)
            | text_fits(HumanRequest, "session__title", "icontains", word, is_private=False)
        )
    ]
    list_select_related = ["wait__run__procedure"]
    ordering = ["-id"]
    search_fields = ["prompt", "=closed_by"]
    search_help_text = format_lazy(
        lazy(
            "Search by the beginning of an id. The newest {count} requests can also be searched by "
            "the end of an id, who answered, and words in the prompt, the evidence and the title."
        ),
        count=f"{MOST_REQUESTS:,}",
    )
    fieldsets = [
        (None, {"fields": ["shown_prompt", "kind", "status", "run_page", "session", "see_also"]}),
        (lazy("Outcome"), {"fields": ["outcome", "closed_by", "closed_at", "effective_at"]}),
        (
            lazy("Question"),
            {"fields": ["deadline", "note", "shown_question", "opened_at", "version"]},
        ),
        (
            lazy("Conditions"),
            {"fields": ["due_at", "next_at", "claimed_by", "risk", "quorum", "four_eyes"]},
        ),
    ]
    readonly_fields = ["run_page", "see_also", "deadline", "shown_prompt", "shown_question"]
    related = [
        Related(lazy("History"), RequestEvent, OF_REQUEST),
        Related(lazy("Responses"), HumanResponse, OF_REQUEST),
        Related(lazy("Assignments"), Assignment, OF_REQUEST),
        Related(lazy("Notifications"), Notification, OF_REQUEST),
    ]

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        return lookup == OF_RUN or super().lookup_allowed(lookup, value, request)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATE_REQUEST)

    @admin.action(description=lazy("Withdraw"), permissions=["operate"])
    def withdraw(self, request: HttpRequest, rows: QuerySet[HumanRequest]) -> HttpResponse:
        withdrawal = Operation("withdraw", _("Withdraw requests"), withdraw_request)
        return operate(self, request, rows, withdrawal)

    @admin.action(description=lazy("Reassign"), permissions=["operate"])
    def reassign(self, request: HttpRequest, rows: QuerySet[HumanRequest]) -> HttpResponse:
        reassigning = Operation("reassign", _("Reassign requests"), reassign_request, ReassignForm)
        return operate(self, request, rows, reassigning)

    def run_of(self, row: HumanRequest) -> Run:
        return row.wait.run

    def tombstone_of(self, key: str) -> Tombstone | None:
        rows = RemovedRequest.objects.select_related("tombstone__procedure")
        found = row_with_key(rows, key)
        return found.tombstone if found else None

    def visible_on_site(self, user: Any) -> QuerySet[HumanRequest]:
        return visible_requests(user)

    def view_on_site(self, request: HumanRequest) -> str:
        return reverse("countersign:request_detail", args=[request.pk])

    @admin.display(description=lazy("run"), ordering="wait__run")
    def run_page(self, request: HumanRequest) -> SafeString | str:
        return link(request.wait.run)

    @admin.display(description=lazy("deadline"))
    def deadline(self, request: HumanRequest) -> str:
        return str(display_for_value(request.wait.due_at, "-"))

    @admin.display(description=lazy("prompt"))
    def shown_prompt(self, request: HumanRequest) -> str:
        return cut(request.prompt, LONGEST)

    @admin.display(description=lazy("question"))
    def shown_question(self, request: HumanRequest) -> SafeString | str:
        return readable(request.question)


class PartOfRequestAdmin(HistoryAdmin):
    """A base class for admins of rows that belong to one request."""

    ordering = ["-pk"]

    @admin.display(description=lazy("request"), ordering="request")
    def request_page(
        self, part: Assignment | HumanResponse | Notification | RequestEvent
    ) -> SafeString | str:
        return link(part.request)


class ProvenPartAdmin(ProvenAdmin, PartOfRequestAdmin):
    """A base class for admins of rows that belong to a request and are proven by a journal."""

    def run_of(self, row: Assignment | HumanResponse | RequestEvent) -> Run:
        return row.request.wait.run


@admin.register(RequestEvent)
class RequestEventAdmin(ProvenPartAdmin):
    grows = True
    deferred = ["request__question"]
    list_display = ["at", "kind", "name", "request_page"]
    list_filter = [("kind", NamedValues), ("at", Between)]
    list_select_related = ["request", "user"]
    search_fields = ["=name", "request__prompt"]
    fields = ["request", "seq", "kind", "name", "user", "at", "shown_data"]
    readonly_fields = ["shown_data"]

    @admin.display(description=lazy("data"))
    def shown_data(self, event: RequestEvent) -> SafeString | str:
        return readable(event.data)


@admin.register(Assignment)
class AssignmentAdmin(ProvenPartAdmin):
    grows = True
    list_display = ["__str__", "request_page"]
    list_filter = [("group", RelatedRows)]
    list_select_related = ["request", "user", "group"]
    search_fields = [f"user__{name_field()}", "=permission"]
    fields = ["request", "user", "group", "permission"]


@admin.register(HumanResponse)
class HumanResponseAdmin(ProvenPartAdmin):
    grows = True
    deferred = ["shown", "comment", "changes", "request__question"]
    list_display = ["at", "user", "short_value", "request_page", "channel"]
    list_filter = [("channel", NamedValues), ("user", RelatedRows), ("at", Between)]
    list_select_related = ["request", "user"]
    search_fields = [f"user__{name_field()}", "request__prompt"]
    fieldsets = [
        (None, {"fields": ["request", "user", "for_user", "at", "channel", "address"]}),
        (lazy("Effect"), {"fields": ["effective_at", "undone_at", "is_used"]}),
        (lazy("Answer"), {"fields": ["asks_back", "shown_value", "comment", "reason"]}),
        (lazy("What was shown"), {"fields": ["shown_question", "evidence_digest"]}),
    ]
    readonly_fields = ["shown_value", "shown_question"]

    @admin.display(description=lazy("value"))
    def short_value(self, response: HumanResponse) -> str:
        return cut(response.value, SHORT)

    @admin.display(description=lazy("value"))
    def shown_value(self, response: HumanResponse) -> SafeString | str:
        return readable(response.value)

    @admin.display(description=lazy("question"))
    def shown_question(self, response: HumanResponse) -> SafeString | str:
        return readable(response.shown)
