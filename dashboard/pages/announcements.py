"""The announcements of the site on every page, and their dismissal by a person."""

import re
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.http.addresses import is_here
from dashboard.models.preferences import dismiss
from dashboard.pages.visit import Visit

KEY = re.compile("[0-9a-f]{16}")


@never_cache
@require_safe
@login_required
def announcements(request: Visit) -> HttpResponse:
    """Return the announcements; open pages fetch them when they have changed."""
    return render(request, "dashboard/_announcements.html")


@require_POST
@login_required
def dismiss_announcement(request: Visit) -> HttpResponse:
    """Stop showing an announcement to this person, and return to the page that they came from."""
    key = request.POST.get("key", "")
    if KEY.fullmatch(key):
        dismiss(request.user, key)
    return HttpResponseRedirect(_page_before(request))


def _page_before(request: HttpRequest) -> str:
    before = request.headers.get("Referer", "")
    if not is_here(request, before):
        return reverse("countersign:home")
    return urlsplit(before)._replace(scheme="", netloc="", fragment="").geturl()
