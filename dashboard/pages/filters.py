"""The filters of the inbox that a person has saved, each under a name."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_POST

from dashboard.models.preferences import (
    LONGEST_NAME,
    MOST_FILTERS,
    TooManyFiltersError,
    drop_filter,
    keep_filter,
)
from dashboard.pages.inbox_list import View
from dashboard.pages.visit import Visit

LONGEST_QUERY = 1000


class FilterForm(forms.Form):
    """A form for the name under which the current filters of the inbox are saved."""

    name = forms.CharField(
        max_length=LONGEST_NAME, error_messages={"required": lazy("Give the filter a name.")}
    )


@require_POST
@login_required
def create_filter(request: Visit) -> HttpResponse:
    """Save the current filters of the inbox under a name, and redirect to the inbox."""
    form = FilterForm(request.POST)
    query = View(request, QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])).filter_query
    if not form.is_valid():
        messages.error(request, " ".join(str(one) for one in form.errors.get("name", ())))
        return _back(query)
    try:
        keep_filter(request.user, form.cleaned_data["name"], query)
    except TooManyFiltersError:
        words = _("You have already saved {most} filters. Remove one first.")
        messages.error(request, words.format(most=MOST_FILTERS))
    return _back(query)


@require_POST
@login_required
def remove_filter(request: Visit) -> HttpResponse:
    """Remove a saved filter, and redirect to the inbox, which still shows the same requests."""
    drop_filter(request.user, request.POST.get("name", ""))
    query = View(request, QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])).filter_query
    return _back(query)


def _back(query: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('countersign:inbox')}?{query}")
