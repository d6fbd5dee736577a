"""The list of people, with their groups, states, privileges and numbers of open requests."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.authority import may_see_people, permission_to
from dashboard.accounts.directory import Filters, Privilege, State, entries, people
from dashboard.accounts.keyed import page_after
from dashboard.admin.pages.parts import add_part, draw, links_of, text_in
from procedures.users import User, name_field

MOST_PEOPLE = 50
NAMES = {"words": "q", "state": "state", "privilege": "privilege", "group": "group"}
"""The parameters of the page's address, by the names of the filters that they set."""


def may_look(user: Any) -> bool:
    return may_see_people(user)


@add_part(
    "people/", "people", may_look, lazy("People"), place=1, routes=("person/",), models=(User,)
)
def people_list(request: HttpRequest) -> HttpResponse:
    by: Any = request.user
    filters = Filters(**{name: text_in(request.GET, field) for name, field in NAMES.items()})
    found = page_after(people(filters), name_field(), request.GET.get("after", ""), MOST_PEOPLE)
    kept = {NAMES[name]: value for name, value in filters._asdict().items()}
    return draw(
        request,
        "dashboard/admin/people.html",
        _("People"),
        filters=filters,
        may_invite=by.has_perm(permission_to("add")),
        states=State.choices,
        privileges=Privilege.choices,
        entries=entries(found.rows),
        **links_of(request, found, **kept),
    )
