"""The roles of groups on procedures, as a table in which people change many roles at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import BadRequest
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.grants import (
    Cell,
    Changer,
    Difference,
    change_grants,
    check_change,
    named,
    still_to_make,
)
from dashboard.accounts.groups import active_members, groups_in_use
from dashboard.accounts.keyed import KeyedPage, page_after
from dashboard.accounts.rights import TITLES
from dashboard.admin.careful import (
    FoundConsequences,
    confirmed_first,
    consequences_of,
    sent_again,
    tried,
)
from dashboard.admin.pages.parts import add_part, draw, may_all, text_in
from dashboard.admin.pages.who_may import may_look as may_see_holders
from dashboard.forms.operations import LoggedReasonForm, ReasonForm
from procedures.engine.declaration.roles import ROLES, Role
from procedures.library import JOBS
from procedures.models import Grant, Procedure
from procedures.users import active_users

DECIDED = "is_decided"
"""The form field that the page with the difference sends, and the page with the table doesn't."""
MOST_WORDS = 8
"""The maximum number of names by which procedures or groups are chosen together."""
MOST_PROCEDURES, MOST_GROUPS = 12, 8
"""The maximum numbers of procedures and of groups on one page, so that the table stays readable."""
MOST_BOXES = MOST_PROCEDURES * MOST_GROUPS * len(ROLES)
NEEDED: tuple[Role, ...] = ("start", "answer", "operate")
"""The roles that somebody should have on each procedure, because runs need a holder of them."""
may_look = may_all("countersign_procedures.view_grant")


class Box(NamedTuple):
    """A checkbox for a group's role: whether it is ticked, and whether the viewer may change it."""

    group: Group
    cell: Cell
    is_held: bool
    may_change: bool


class MatrixRow(NamedTuple):
    """One role on one procedure, with a checkbox for each group on the page."""

    role: Role
    title: str
    boxes: list[Box]
    lacks_holder: bool
    """True if somebody should have the role, but no group with active members has it."""


@dataclass
class Matrix:
    """One page of the table: some procedures, some groups, and the roles of these groups."""

    user: Any
    query: Mapping[str, str]

    @cached_property
    def procedures(self) -> KeyedPage:
        named = Procedure.objects.filter(containing(self.query, "procedure", "title", "name"))
        found = named.exclude(name__in=JOBS)
        return page_after(found, "title", self.query.get("after", ""), MOST_PROCEDURES)

    @cached_property
    def groups(self) -> KeyedPage:
        found = groups_in_use().filter(containing(self.query, "group", "name"))
        return page_after(found, "name", self.query.get("groups_after", ""), MOST_GROUPS)

    @cached_property
    def members(self) -> dict[int, int]:
        """The number of active members of each group on the page, by the group's id."""
        return active_members([one.pk for one in self.groups.rows])

    @cached_property
    def held(self) -> set[Cell]:
        """The cells of this page in which a group has the role."""
        rows = self._grants.filter(group__in=[one.pk for one in self.groups.rows])
        cells = rows.values_list("procedure", "group", "role")
        return {Cell(procedure, group, cast("Role", role)) for procedure, group, role in cells}

    @cached_property
    def with_holders(self) -> set[tuple[int, str]]:
        """The pairs (procedure, needed role) in which a group with active members has the role."""
        present = active_users().filter(groups=OuterRef("group")).order_by()
        rows = self._grants.filter(Exists(present), role__in=NEEDED)
        return set(rows.values_list("procedure", "role").distinct())

    @cached_property
    def shown(self) -> str:
        """The cells of this page in which a group has the role, separated by blanks.

        The page sends this text back, so that only what the viewer has changed is changed.
        """
        return " ".join(
            str(box.cell)
            for _procedure, rows in self.rows
            for row in rows
            for box in row.boxes
            if box.is_held
        )

    @cached_property
    def rows(self) -> list[tuple[Procedure, list[MatrixRow]]]:
        return [(one, [self._row(one, role) for role in ROLES]) for one in self.procedures.rows]

    @cached_property
    def may_change(self) -> bool:
        return any(
            box.may_change for _procedure, rows in self.rows for row in rows for box in row.boxes
        )

    @property
    def columns(self) -> list[tuple[Group, int]]:
        return [(one, self.members.get(one.pk, 0)) for one in self.groups.rows]

    def address(self, **changes: str) -> str:
        """Return the address of this page with some parameters changed, such as `after="…"`."""
        kept = {**self.query, **changes}
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"{reverse('admin:access')}?{query}"

    @property
    def links(self) -> dict[str, str]:
        """The addresses of the first and the next page of procedures, and of groups.

        The address is "" for a page that doesn't exist.
        """
        procedures, groups = self.procedures.after, self.groups.after
        return {
            "first_procedures": self.address(after="") if self.query.get("after") else "",
            "next_procedures": self.address(after=procedures) if procedures else "",
            "first_groups": self.address(groups_after="") if self.query.get("groups_after") else "",
            "next_groups": self.address(groups_after=groups) if groups else "",
        }

    @property
    def _grants(self) -> "QuerySet[Grant]":
        shown = [one.pk for one in self.procedures.rows]
        return Grant.objects.filter(procedure__in=shown).order_by()

    @cached_property
    def _changer(self) -> Changer:
        return Changer(self.user, {one.pk for one in self.procedures.rows})

    def _row(self, procedure: Procedure, role: Role) -> MatrixRow:
        cells = [(group, Cell(procedure.pk, group.pk, role)) for group in self.groups.rows]
        lacks_holder = role in NEEDED and (procedure.pk, role) not in self.with_holders
        return MatrixRow(role, str(TITLES[role]), [self._box(*one) for one in cells], lacks_holder)

    def _box(self, group: Group, cell: Cell) -> Box:
        is_held = cell in self.held
        return Box(group, cell, is_held, self._changer.may(cell, is_held=is_held))


def containing(query: Mapping[str, str], parameter: str, *fields: str) -> Q:
    """Return a condition: one of the fields contains one of the words that commas separate."""
    words = [one.strip() for one in text_in(query, parameter).split(",")][:MOST_WORDS]
    found = Q()
    for word in filter(None, words):
        for field in fields:
            found |= Q(**{f"{field}__icontains": word})
    return found


@add_part("access/", "access", may_look, lazy("Access"), place=3, models=(Grant,))
def access(request: HttpRequest) -> HttpResponse:
    """Show the table.

    When the table is submitted, show what would change, and ask for the reason.
    """
    if request.method == "POST":
        return save(request)
    query = {name: value for name, value in request.GET.items() if isinstance(value, str)}
    matrix = Matrix(request.user, query)
    return draw(
        request,
        "dashboard/admin/access.html",
        _("Access"),
        matrix=matrix,
        query=query,
        may_see_holders=may_see_holders(matrix.user),
    )


def save(request: HttpRequest) -> HttpResponse:
    held, wanted = request.POST.get("held", ""), request.POST.getlist("grant")
    kept = request.POST.get("kept", "")  # the boxes that the viewer couldn't change
    ticked = Difference.between(held.split(), [*wanted, *kept.split()])
    if len(ticked.cells) > MOST_BOXES:
        raise BadRequest("More boxes were sent than the page has. Open the page again.")
    user: Any = request.user
    check_change(ticked, by=user)
    difference = still_to_make(ticked)
    if not difference:
        messages.info(request, _("Nothing was changed."))
        return HttpResponseRedirect(request.get_full_path())
    form = LoggedReasonForm(request.POST if DECIDED in request.POST else None)

    def act() -> HttpResponse:
        change_grants(difference, by=user, reason=form.cleaned_data["reason"])
        messages.success(request, _("The changes were saved."))
        return HttpResponseRedirect(request.get_full_path())

    def show(found: Sequence[FoundConsequences]) -> HttpResponse:
        return draw_difference(request, difference, form, found)

    if form.is_valid():
        return confirmed_first(request, act, show)
    _nothing, found = tried(
        lambda: change_grants(difference, by=user, reason=""), undo=lambda _found: True
    )
    return show(found)


class Change(NamedTuple):
    """A change of one group's access: a sentence, and the number of the group's active members."""

    words: str
    people: int
    is_gain: bool


def draw_difference(
    request: HttpRequest,
    difference: Difference,
    form: ReasonForm,
    found: Sequence[FoundConsequences],
) -> HttpResponse:
    return draw(
        request,
        "dashboard/admin/access_difference.html",
        _("Nothing has been saved yet"),
        above=[(reverse("admin:access"), _("Access"))],
        changes=changes_of(difference),
        consequences=consequences_of(found, request.user),
        form=form,
        sent=sent_again(request, found, shown=(*form.fields, DECIDED)),
    )


def changes_of(difference: Difference) -> list[Change]:
    procedures, groups = named(difference.cells)
    members = active_members(groups)
    given = _("Members of {group} get “{role}” on {title}.")
    taken = _("Members of {group} lose “{role}” on {title}.")
    return [
        Change(
            (given if is_gain else taken).format(
                group=groups[cell.group].name,
                role=TITLES[cell.role],
                title=procedures[cell.procedure].title,
            ),
            members.get(cell.group, 0),
            is_gain,
        )
        for is_gain, cells in ((True, difference.added), (False, difference.removed))
        for cell in sorted(cells)
    ]
