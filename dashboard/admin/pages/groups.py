"""The list of groups, and the page of one group: members, roles, and code that names the group."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.accounts.groups import (
    RetiredError,
    add_members,
    create_group,
    listed_groups,
    may_add_to,
    may_be_added,
    may_create_group,
    may_remove,
    members_of,
    naming,
    remove_member,
    rename_group,
    retire_group,
    revive_group,
)
from dashboard.accounts.keyed import page_after
from dashboard.accounts.rights import TITLES
from dashboard.admin.careful import FoundConsequences, confirmed_first, consequences_of, sent_again
from dashboard.admin.pages.parts import add_part, draw, links_of, may_all, text_in
from dashboard.admin.pages.people import may_look as may_see_people
from dashboard.admin.pages.person import find_person, of_request
from dashboard.admin.typed import MOST_NAMES, names_in
from dashboard.admin.viewer import may_look_at
from dashboard.forms.operations import LoggedReasonForm
from procedures.engine.declaration.roles import ROLES
from procedures.models import Grant, Procedure
from procedures.services import CodeName
from procedures.users import User, find_user, name_field

MOST_GROUPS, MOST_MEMBERS = 50, 50
MOST_PROCEDURES = 50
"""The maximum number of procedures that a group's page lists for each reason, by their titles."""
LONGEST_NAME = 150
may_look = may_all("auth.view_group")


class NewGroupForm(forms.Form):
    """A form for the name of a new group."""

    name = forms.CharField(
        label=lazy("Name"),
        max_length=LONGEST_NAME,
        help_text=lazy("Code and people assign requests to the group by this name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class RenameForm(LoggedReasonForm):
    """A form for the new name of a group, and for the reason of the change."""

    name = forms.CharField(label=lazy("New name"), max_length=LONGEST_NAME)
    field_order = ("name", "reason")


class RetireForm(LoggedReasonForm):
    """A form for the reason why a group is retired. Its page begins with what the group loses."""

    lead = lazy(
        "A retired group loses its members, roles and permissions, and no list offers it any more. "
        "Its name stays, so that the history can be read."
    )


@add_part("groups/", "groups", may_look, lazy("Groups"), place=2, models=(Group,))
def group_list(request: HttpRequest) -> HttpResponse:
    words = text_in(request.GET, "q")
    found = Group.objects.filter(name__icontains=words)
    groups = page_after(found, "name", request.GET.get("after", ""), MOST_GROUPS)
    return draw(
        request,
        "dashboard/admin/groups.html",
        _("Groups"),
        words=words,
        groups=listed_groups(groups.rows),
        may_create=may_create_group(of_request(request)),
        **links_of(request, groups, q=words),
    )


@add_part("groups/new/", "group_new", may_create_group)
def group_new(request: HttpRequest) -> HttpResponse:
    """Ask for the name of a new group, and create the group."""
    form = NewGroupForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = create_group(form.cleaned_data["name"], by=of_request(request))
        except ValidationError as error:
            form.add_error("name", error.messages)
        else:
            messages.success(request, _("The group was created."))
            return HttpResponseRedirect(reverse("admin:group", args=[made.pk]))
    above = [(reverse("admin:groups"), _("Groups"))]
    template = "dashboard/admin/group_new.html"
    return draw(request, template, _("New group"), above=above, form=form)


@add_part("groups/<int:key>/", "group", may_look)
def group(request: HttpRequest, key: int) -> HttpResponse:
    """Show the group, and add or remove members."""
    found = get_object_or_404(Group, pk=key)
    if request.method == "POST":
        return change_members(request, found)
    return draw_group(request, found)


def draw_group(request: HttpRequest, found: Group, **context: Any) -> HttpResponse:
    after, by = request.GET.get("after", ""), of_request(request)
    members = page_after(members_of(found), name_field(), after, MOST_MEMBERS)
    code, procedures = naming(found)
    [listed] = listed_groups([found])
    roles = roles_of(found)
    return draw(
        request,
        "dashboard/admin/group.html",
        found.name,
        above=[(reverse("admin:groups"), _("Groups"))],
        listed=listed,
        may_see_members=may_see_people(request.user),
        members=[(one, may_remove(by, one)) for one in members.rows],
        **links_of(request, members),
        may_see_roles=may_look_at(Grant),
        roles=roles[:MOST_PROCEDURES],
        has_more_roles=len(roles) > MOST_PROCEDURES,
        titles=[TITLES[role] for role in ROLES],
        **places_in_code(code, procedures),
        may_add=may_add_to(by, found),
        is_superuser=by.is_superuser,
        **context,
    )


def places_in_code(code: CodeName, procedures: "QuerySet[Procedure]") -> dict[str, Any]:
    """Return template variables: the first procedures that name a group, and the number of others.

    In `named`, each procedure is paired with True if its code names the group outside of its roles.
    """
    shown = list(procedures.order_by("title")[:MOST_PROCEDURES])
    is_part = len(shown) == MOST_PROCEDURES
    return {
        "named": [(one, one.name in code.in_code) for one in shown],
        "others": procedures.count() - len(shown) if is_part else 0,
    }


def roles_of(found: Group) -> list[tuple[str, list[tuple[Any, bool]]]]:
    """Return the titles of the procedures on which the group has a role, each with all roles.

    A role is a pair of the role's title and True if the group has the role. At most one more
    procedure is returned than the page lists.
    """
    granted = Procedure.objects.filter(grants__group=found).distinct().order_by("title", "pk")
    shown = dict(granted.values_list("pk", "title")[: MOST_PROCEDURES + 1])
    held: dict[int, set[str]] = {}
    grants = Grant.objects.filter(group=found, procedure__in=shown).order_by()
    for procedure, role in grants.values_list("procedure", "role"):
        held.setdefault(procedure, set()).add(role)
    return [
        (title, [(TITLES[role], role in held.get(key, ())) for role in ROLES])
        for key, title in shown.items()
    ]


def change_members(request: HttpRequest, found: Group) -> HttpResponse:
    by, act = of_request(request), request.POST.get("act")
    if act == "add":
        return add_named(request, found, text_in(request.POST, "user"))
    if act == "remove":
        user = find_person(request.POST.get("user", ""))
        return do_or_warn(
            request, found, lambda: remove_member(found, user, by=by), _("The person was removed.")
        )
    raise Http404


def add_named(request: HttpRequest, found: Group, text: str) -> HttpResponse:
    """Add the people whose user names are in the text; if one is unknown, add nobody and say so."""
    names = [one.removeprefix("@") for one in names_in(text)][:MOST_NAMES]
    people = {name: find_user(name) for name in names if name}
    unknown = [name for name, user in people.items() if user is None]
    if unknown or not people:
        words = _("There is no user with the name “{name}”. Nobody was added.")
        fault = words.format(name=unknown[0]) if unknown else _("Enter a user name.")
        return draw_group(request, found, fault=fault, typed=text)
    users, by = [one for one in people.values() if one], of_request(request)
    refused = [one for one in users if not may_be_added(by, one)]
    if refused and may_add_to(by, found):
        words = _("Only a superuser can add “{name}” to a group. Nobody was added.")
        fault = words.format(name=refused[0].get_username())
        return draw_group(request, found, fault=fault, typed=text)
    done = ngettext("{count} person was added.", "{count} people were added.", len(users))
    return do_or_warn(
        request,
        found,
        partial(add_members, found, users, by=by),
        done.format(count=len(users)),
    )


@add_part("groups/<int:key>/rename/", "group_rename", may_look)
def group_rename(request: HttpRequest, key: int) -> HttpResponse:
    """Show the procedures whose code names the group, and rename the group."""
    found, by = get_object_or_404(Group, pk=key), superuser(request)
    form = RenameForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        before, cleaned = found.name, form.cleaned_data
        try:
            return do_or_warn(
                request,
                found,
                lambda: rename_group(found, cleaned["name"], by=by, reason=cleaned["reason"]),
                _("The group was renamed."),
            )
        except ValidationError as error:
            found.name = before
            form.add_error("name", error.messages)
    return draw_act(
        request, found, form, _("Rename {name}").format(name=found.name), verb=_("Rename")
    )


@add_part("groups/<int:key>/retire/", "group_retire", may_look)
def group_retire(request: HttpRequest, key: int) -> HttpResponse:
    """Show what would break without the group, and retire the group, or put it back into use."""
    found, by = get_object_or_404(Group, pk=key), superuser(request)
    if request.POST.get("act") == "revive":
        return do_or_warn(
            request, found, lambda: revive_group(found, by=by), _("The group is in use again.")
        )
    [listed] = listed_groups([found])
    if listed.is_standard or listed.is_retired:
        words = _("Every site has this group, so it can't be retired. Remove its members instead.")
        messages.error(
            request, words if listed.is_standard else _("This group is retired already.")
        )
        return HttpResponseRedirect(reverse("admin:group", args=[found.pk]))
    form = RetireForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return draw_act(
            request, found, form, _("Retire {name}").format(name=found.name), verb=_("Retire")
        )
    retire = partial(retire_group, found, by=by, reason=form.cleaned_data["reason"])
    return do_or_warn(request, found, retire, _("The group was retired."))


def superuser(request: HttpRequest) -> User:
    """Return the person who sent the request. Raises `Http404` unless the person is a superuser."""
    user = of_request(request)
    if not user.is_superuser:
        raise Http404
    return user


def do_or_warn(
    request: HttpRequest, found: Group, act: Callable[[], object], feedback: str
) -> HttpResponse:
    """Call `act` and redirect to the group's page, which then shows `feedback`.

    If the change has consequences that nobody has confirmed, show them and change nothing.
    """

    def done() -> HttpResponse:
        try:
            act()
        except RetiredError:
            messages.error(
                request, _("This group is retired. Put it back into use before you change it.")
            )
        else:
            messages.success(request, feedback)
        return HttpResponseRedirect(reverse("admin:group", args=[found.pk]))

    def warn(looked: Sequence[FoundConsequences]) -> HttpResponse:
        return draw_act(request, found, None, _("Nothing has been saved yet"), looked)

    return confirmed_first(request, done, warn)


def draw_act(
    request: HttpRequest,
    found: Group,
    form: forms.Form | None,
    title: str,
    looked: Sequence[FoundConsequences] = (),
    verb: str = "",
) -> HttpResponse:
    """Return the page on which the viewer confirms a change of the group.

    The page shows the consequences of the change, the fields of the form, and a button with the
    label `verb`.
    """
    code, procedures = naming(Group.objects.get(pk=found.pk))
    return draw(
        request,
        "dashboard/admin/group_act.html",
        title,
        above=[
            (reverse("admin:groups"), _("Groups")),
            (reverse("admin:group", args=[found.pk]), found.name),
        ],
        group=found,
        form=form,
        verb=verb or _("Save"),
        **places_in_code(code, procedures),
        consequences=consequences_of(looked, request.user),
        sent=sent_again(request, looked, shown=form.fields if form else ()),
    )
