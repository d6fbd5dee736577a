"""The page about verifications of the whole site: the last result, and the current one."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.addresses import page_address
from dashboard.admin.pages.parts import add_part, draw, may_all
from procedures import access
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.values import canonical
from procedures.models import Event, Run
from procedures.services import verification

may_look = may_all("countersign_procedures.view_act", "countersign_procedures.view_run")


class ShownFault(NamedTuple):
    """A fault that a verification has found, and the address of the run's admin page, or ""."""

    words: str
    url: str


@add_part("verification/", "verification", may_look, lazy("Verification"), place=9, below="log")
def verification_page(request: HttpRequest) -> HttpResponse:
    """Show the last verification and how far the current one is; a POST starts one."""
    by: Any = request.user
    if request.method == "POST":
        _run, is_new = verification.verify_soon(by=by)
        feedback = _("Started.") if is_new else _("A verification is already in progress.")
        messages.success(request, feedback)
        return HttpResponseRedirect(reverse("admin:verification"))
    rows = verification.verifications()
    at_work, found = verification.at_work(), verification.last_result()
    return draw(
        request,
        "dashboard/admin/verification.html",
        _("Verification"),
        at_work=at_work,
        progress=_progress_of(at_work) if at_work else None,
        run_url=_seen_on_site(by, at_work),
        last=found[0] if found else None,
        result=found[1] if found else None,
        faults=list(_faults(found[1])) if found else [],
        broken_off=_failed_since(rows, found[0] if found else None),
        due=verification.due_today(),
    )


def _progress_of(run: Run) -> dict[str, Any] | None:
    """Return how many runs were verified, as `done`, and the `total`; None before the first."""
    events = Event.objects.filter(run=run, kind=EventKind.PROGRESS).order_by("-seq")
    newest = events.values_list("data", flat=True).first()
    return canonical.plain(newest) if newest else None


def _seen_on_site(by: Any, run: Run | None) -> str:
    """Return the address of the run's page on the site, or "" if the person can't see it."""
    if run is None or not access.visible_runs(by).filter(pk=run.pk).exists():
        return ""
    return reverse("countersign:run_detail", args=[run.pk])


def _faults(result: dict[str, Any]) -> Iterator[ShownFault]:
    for one in result["faults"]:
        url = page_address(Run, "change", one["run"]) if one["run"] else ""
        yield ShownFault(one["words"], url)


def _failed_since(rows: QuerySet[Run], last: Run | None) -> Run | None:
    """Return the newest verification if it stopped without a result, else None."""
    stopped = Q(status=RunStatus.QUARANTINED) | Q(ended_at__isnull=False)
    newest = rows.filter(stopped).first()
    return newest if newest and newest != last else None
