"""The page that lists the people who have a role on a procedure, with the reasons for the role."""

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.authority import permission_to
from dashboard.accounts.keyed import page_after
from dashboard.accounts.rights import TITLES, role_holders, with_reasons
from dashboard.admin.pages.parts import add_part, draw, links_of, may_all
from procedures.engine.declaration.roles import ROLES, Role
from procedures.models import Procedure
from procedures.users import name_field

MOST_PEOPLE = 50
may_look = may_all("countersign_procedures.view_grant", permission_to("view"))
QUESTIONS: dict[Role, Any] = {
    "see": lazy("Who may see runs of {title}?"),
    "start": lazy("Who may start {title}?"),
    "answer": lazy("Who may answer requests of {title}?"),
    "operate": lazy("Who may operate runs of {title}?"),
    "cancel": lazy("Who may cancel runs of {title}?"),
}
NOTES: dict[Role, Any] = {
    "see": lazy(
        "People also see the runs that they have started, that ask them, or that are in one of "
        "their chat sessions."
    ),
    "start": lazy("Programs start runs with the roles of the people whose tokens they use."),
    "answer": lazy(
        "A request that isn't assigned to anybody asks the groups with this role. A request that "
        "is assigned asks its assignees instead."
    ),
    "operate": lazy("Operators pause, retry, restart and fork runs."),
    "cancel": lazy(
        "If no group has this role, people may also cancel the runs that they have started."
    ),
}


@add_part("access/<str:procedure>/<str:role>/", "who_may", may_look)
def who_may(request: HttpRequest, procedure: str, role: str) -> HttpResponse:
    if role not in ROLES:
        raise Http404
    asked = cast("Role", role)
    of = get_object_or_404(Procedure, name=procedure)
    people = page_after(
        role_holders(of, asked), name_field(), request.GET.get("after", ""), MOST_PEOPLE
    )
    return draw(
        request,
        "dashboard/admin/who_may.html",
        str(QUESTIONS[asked]).format(title=of.title),
        above=[(reverse("admin:access"), _("Access"))],
        procedure=of,
        role=asked,
        roles=[(one, TITLES[one]) for one in ROLES],
        note=NOTES[asked],
        holders=with_reasons(of, asked, people.rows),
        **links_of(request, people),
    )
