"""The page of standing decisions: people revoke their own, and operators those of others, too."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.models import StandingDecision
from dashboard.accounts.keyed import number_in
from dashboard.pages.marks import with_marks
from dashboard.pages.visit import Visit
from procedures.models.clock import clock
from procedures.paging import PAGE


@require_safe
@login_required
@with_marks()
def standing_list(request: Visit) -> HttpResponse:
    """List the person's standing decisions, the newest first, with those that no longer apply."""
    found = services.revocable_by(request.user).order_by("-pk")
    after = number_in(request.GET.get("after", ""))
    if after is not None:
        found = found.filter(pk__lt=after)
    decisions = list(found[: PAGE + 1])
    shown, now = decisions[:PAGE], clock.now()
    context = {
        "decisions": [(one, one.is_usable(now)) for one in shown],
        "next": shown[-1].pk if len(decisions) > PAGE else None,
    }
    return render(request, "chat/standing.html", context)


@require_POST
@login_required
def revoke_standing(request: Visit, decision_id: int) -> HttpResponse:
    try:
        services.revoke_standing(decision_id, by=request.user)
    except StandingDecision.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The standing decision was revoked."))
    return redirect("countersign:standing_list")
