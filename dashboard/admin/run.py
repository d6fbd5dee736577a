"""Admin pages for runs and the rows that belong to them."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_safe

from dashboard.accounts.keyed import row_with_key
from dashboard.admin.acts import log_row
from dashboard.admin.addresses import page_address, page_name
from dashboard.admin.copies import forked, restarted, signalled
from dashboard.admin.filters import Between, ByProcedure, NamedValues, RelatedRows
from dashboard.admin.history import Related
from dashboard.admin.journal import MOST, history_of
from dashboard.admin.operations import Operation, chosen_rows, operate
from dashboard.admin.proven import ProvenAdmin, verdict_words
from dashboard.admin.search import MOST_SEARCHED
from dashboard.admin.values import link, readable
from dashboard.forms.operations import ForkForm, RestartForm, SendSignalForm
from dashboard.http.lost_files import explains_lost_files
from procedures import access
from procedures.engine.journal.large import place_of
from procedures.file_responses import file_response
from procedures.models import Act, Artifact, Event, Head, Run, RunInput, Signal, Tombstone, Wait
from procedures.services import (
    cancel_run,
    force_end_run,
    override_run,
    pause_run,
    retry_run,
    unpause_run,
)
from procedures.services.ledger import examine
from procedures.users import name_field, users

OF_RUN = "run__id__exact"
MOST_STARTERS = 10
"""The maximum number of people whose runs are searched if their names differ only in case."""


class PartOfRunAdmin(ProvenAdmin):
    """A base class for admins of rows that belong to one run."""

    list_select_related = ["run__procedure"]
    ordering = ["-pk"]

    @admin.display(description="run", ordering="run")
    def run_page(
        self, part: Artifact | Event | Head | RunInput | Signal | Wait
    ) -> SafeString | str:
        return link(part.run)


class OfProcedure(ByProcedure):
    path = "procedure"


@admin.register(Run)
class RunAdmin(ProvenAdmin):
    object_history_template = "procedures/admin_history.html"
    actions = [
        "cancel",
        "force_end",
        "pause",
        "unpause",
        "retry",
        "override",
        "restart",
        "fork",
        "signal",
        "verify",
    ]
    list_display = ["__str__", "status", "started_by", "created_at", "ended_at", "on_site"]
    deferred = ["inputs", "result", "error", "seed"]
    list_filter = [
        "status",
        OfProcedure,
        ("started_by", RelatedRows),
        ("created_at", Between),
        ("ended_at", Between),
    ]
    list_select_related = ["procedure", "started_by"]
    ends_of_ids = True
    also_found: ClassVar[list[Callable[[str], Q]]] = [lambda word: Q(inputs__icontains=word)]
    ordering = ["-id"]
    search_fields = [f"started_by__{name_field()}", "=idempotency_key"]
    search_help_text = format_lazy(
        lazy(
            "Search by the beginning of an id or by the starter's name. The newest {count} runs "
            "can also be searched by the end of an id, an idempotency key, and words in the title "
            "and in small inputs."
        ),
        count=f"{MOST_SEARCHED:,}",
    )
    fieldsets = [
        (None, {"fields": ["procedure", "version", "status", "see_also"]}),
        (
            lazy("Start and end"),
            {"fields": ["started_by", "created_at", "ended_at", "idempotency_key"]},
        ),
        (lazy("Operators"), {"fields": ["cancel_requested_at", "pause_requested_at", "paused_as"]}),
        (lazy("Values"), {"fields": ["shown_inputs", "shown_result", "shown_error"]}),
        (
            lazy("Now"),
            {"fields": ["working_on", "working_attempt", "working_since", "wake_at", "ends_at"]},
        ),
        (lazy("Journal"), {"fields": ["head_seq", "head_hash"]}),
        (lazy("Worker"), {"fields": ["epoch", "leased_until", "claims", "queued_at"]}),
    ]
    readonly_fields = ["see_also", "shown_inputs", "shown_result", "shown_error"]
    readonly_fields += ["head_seq", "head_hash", "claims"]
    related = [
        Related(lazy("Journal"), Event, OF_RUN),
        Related(lazy("Head"), Head, OF_RUN),
        Related(lazy("Waits"), Wait, OF_RUN),
        Related(lazy("Signals"), Signal, OF_RUN),
        Related(lazy("Files"), Artifact, OF_RUN),
        Related(lazy("Received signals, answers and operations"), RunInput, OF_RUN),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(access.OPERATE)

    @admin.action(description=lazy("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        return operate(self, request, rows, Operation("cancel", _("Cancel runs"), cancel_run))

    @admin.action(description=lazy("End at once"), permissions=["operate"])
    def force_end(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        title = _("End runs and their child runs at once, without undoing anything")
        return operate(self, request, rows, Operation("force_end", title, force_end_run))

    @admin.action(description=lazy("Pause"), permissions=["operate"])
    def pause(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        return operate(self, request, rows, Operation("pause", _("Pause runs"), pause_run))

    @admin.action(description=lazy("Resume"), permissions=["operate"])
    def unpause(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        title = _("Resume paused runs")
        return operate(self, request, rows, Operation("unpause", title, unpause_run))

    @admin.action(description=lazy("Retry"), permissions=["operate"])
    def retry(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        return operate(self, request, rows, Operation("retry", _("Retry runs"), retry_run))

    @admin.action(description=lazy("Continue with changed code"), permissions=["operate"])
    def override(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        title = _("Continue runs with changed code")
        return operate(self, request, rows, Operation("override", title, override_run))

    @admin.action(description=lazy("Restart"), permissions=["operate"])
    def restart(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        title = _("Start new runs from the beginning; the selected runs stay as they are")
        return operate(
            self, request, rows, Operation("restart", title, restarted, form=RestartForm)
        )

    @admin.action(description=lazy("Fork"), permissions=["operate"])
    def fork(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        title = _("Start new runs from a step of the selected runs, which stay as they are")
        return operate(self, request, rows, Operation("fork", title, forked, form=ForkForm))

    @admin.action(description=lazy("Send a signal"), permissions=["operate"])
    def signal(self, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponse:
        sending = Operation("signal", _("Send a signal to runs"), signalled, form=SendSignalForm)
        return operate(self, request, rows, sending)

    @admin.action(description=lazy("Verify the journal"), permissions=["view"])
    def verify(self, request: HttpRequest, rows: QuerySet[Run]) -> None:
        for run in chosen_rows(self, request, rows):
            verdict = examine(run)
            level = messages.ERROR if verdict.faults else messages.SUCCESS
            words = verdict_words(run, verdict)
            log_row(request, run, f"Verified the journal. {words}", kind=Act.Kind.VERIFY)
            self.message_user(request, f"{run}: {words}", level)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the site's log about the run, and the operator actions in the run's journal."""
        run = self.get_object(request, unquote(object_id))
        lines = history_of(run) if run and self.has_view_or_change_permission(request, run) else []
        context = {"journal": lines[:MOST], "is_part": len(lines) > MOST}
        return super().history_view(request, object_id, {**context, **(extra_context or {})})

    def found_by_key(self, word: str) -> Q:
        """Return a condition for runs by the beginning of their id, or by their starter."""
        named = users().filter(**{f"{name_field()}__iexact": word}).values_list("pk", flat=True)
        return super().found_by_key(word) | Q(started_by__in=list(named[:MOST_STARTERS]))

    def run_of(self, row: Run) -> Run:
        return row

    def tombstone_of(self, key: str) -> Tombstone | None:
        return row_with_key(Tombstone.objects.select_related("procedure"), key)

    def visible_on_site(self, user: Any) -> QuerySet[Run]:
        return access.visible_runs(user)

    def view_on_site(self, run: Run) -> str:
        return reverse("countersign:run_detail", args=[run.pk])

    @admin.display(description=lazy("claims in a row without progress"))
    def claims(self, run: Run) -> int:
        return run.head.claims

    @admin.display(description=lazy("inputs"))
    def shown_inputs(self, run: Run) -> SafeString | str:
        return kept_aside(run.inputs) or readable(run.inputs)

    @admin.display(description=lazy("result"))
    def shown_result(self, run: Run) -> SafeString | str:
        return kept_aside(run.result) or readable(run.result)

    @admin.display(description=lazy("error"))
    def shown_error(self, run: Run) -> SafeString | str:
        return readable(run.error)


def kept_aside(kept: str | None) -> str:
    """Return the size and digest of a value that is stored outside the run's row, else ""."""
    place = place_of(kept)
    if place is None:
        return ""
    return _("{count} bytes, stored outside this row: {digest}").format(
        count=f"{place.size:,}", digest=place.digest
    )


@admin.register(Head)
class HeadAdmin(PartOfRunAdmin):
    list_display = ["run_page", "seq", "epoch", "claims"]
    list_display_links = ["seq"]
    fields = ["run", "seq", "hash", "epoch", "claims"]
    readonly_fields = ["run"]


@admin.register(Event)
class EventAdmin(PartOfRunAdmin):
    list_display = ["seq", "kind", "name", "key", "at", "run_page"]
    list_filter = [("kind", NamedValues)]
    fields = ["run", "seq", "kind", "name", "key", "at", "shown_data", "hash"]
    readonly_fields = ["run", "shown_data"]

    @admin.display(description=lazy("data"))
    def shown_data(self, event: Event) -> SafeString | str:
        return readable(event.data)


@admin.register(Wait)
class WaitAdmin(PartOfRunAdmin):
    list_display = ["__str__", "run_page", "due_at", "closed_at", "outcome"]
    list_filter = ["kind", ("outcome", NamedValues), ("closed_at", admin.EmptyFieldListFilter)]
    fields = ["run", "kind", "key", "opened_seq", "due_at", "closed_at", "outcome"]


@admin.register(RunInput)
class RunInputAdmin(PartOfRunAdmin):
    list_display = ["__str__", "run_page", "created_at", "taken_at"]
    list_filter = [("kind", NamedValues), ("taken_at", admin.EmptyFieldListFilter)]
    fields = ["run", "kind", "name", "key", "created_at", "taken_at", "shown_data"]
    readonly_fields = ["run", "shown_data"]

    @admin.display(description=lazy("data"))
    def shown_data(self, run_input: RunInput) -> SafeString | str:
        return readable(run_input.data)


@admin.register(Signal)
class SignalAdmin(PartOfRunAdmin):
    grows = True
    list_display = ["__str__", "run_page", "sender", "at", "wait"]
    list_filter = [("wait", admin.EmptyFieldListFilter)]
    search_fields = ["name", "=signal_id"]
    fields = ["run", "name", "signal_id", "sender", "at", "wait", "shown_value"]
    readonly_fields = ["run", "shown_value"]

    @admin.display(description=lazy("value"))
    def shown_value(self, signal: Signal) -> SafeString | str:
        return readable(signal.value)


@admin.register(Artifact)
class ArtifactAdmin(PartOfRunAdmin):
    grows = True
    list_display = ["name", "run_page", "size", "content_type", "created_at", "download"]
    list_filter = [("content_type", NamedValues)]
    search_fields = ["name", "=digest"]
    fields = ["run", "name", "size", "content_type", "created_at", "digest", "download"]
    readonly_fields = ["download"]

    def get_urls(self) -> list[URLPattern]:
        name = page_name(Artifact, "download")
        view = self.admin_site.admin_view(self.download_view)
        return [path("<int:object_id>/download/", view, name=name), *super().get_urls()]

    def visible_on_site(self, user: Any) -> QuerySet[Artifact]:
        return Artifact.objects.filter(run__in=access.visible_runs(user))

    def view_on_site(self, artifact: Artifact) -> str:
        return page_address(Artifact, "download", artifact.pk)

    @admin.display(description=lazy("content"))
    def download(self, artifact: Artifact) -> SafeString | str:
        return self.link_on_site(artifact, _("Download"))

    @method_decorator((require_safe, explains_lost_files))
    def download_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Return this file's content, even if the run has a newer file with the same name."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return file_response(
            get_object_or_404(self.visible_on_site(request.user), pk=object_id).as_file()
        )
