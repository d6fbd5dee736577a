"""The pages of the admin that aren't lists of rows, and the menu that leads to pages and lists."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as lazy

from chat.models import Decision, HumanRequest, Notification
from dashboard.accounts.keyed import KeyedPage
from dashboard.admin.addresses import list_address
from dashboard.admin.viewer import rendered, viewing
from procedures.models import Act, Procedure, Run
from procedures.users import User

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class AdminPage:
    """A page of the admin: its address, its view, and a function that says who may open it."""

    route: str
    name: str
    """The name of the page's address within "admin:", such as "groups" for "admin:groups"."""
    view: View
    may: Callable[[User], bool]
    title: str | Promise = ""
    """The title of the page in the menu; "" for a page that isn't in the menu."""
    place: int = 0
    """The position of the page in the menu; the lowest number comes first."""
    below: str = ""
    """The name of the menu entry below which this page's own entry is, in a second row."""
    routes: tuple[str, ...] = ()
    """The beginnings of other addresses that belong to this entry of the menu."""
    models: tuple[type[Model], ...] = ()
    """The models whose lists and rows belong to this entry of the menu."""


parts: list[AdminPage] = []
"""All such pages. Each module adds its own pages when the module is imported."""


class ListEntry(NamedTuple):
    """An entry of the menu that leads to the list of the rows of a model."""

    title: str | Promise
    model: type[Model]
    place: int
    name: str = ""
    """The name by which pages refer to the entry; see `AdminPage.below`."""


lists = [
    ListEntry(lazy("Procedures"), Procedure, 4),
    ListEntry(lazy("Runs"), Run, 5),
    ListEntry(lazy("Requests"), HumanRequest, 6),
    ListEntry(lazy("Decisions"), Decision, 7),
    ListEntry(lazy("Mail"), Notification, 8),
    ListEntry(lazy("Log"), Act, 9, "log"),
]
"""The entries of the menu that lead to lists of rows."""


def add_part(
    route: str, name: str, may: Callable[[User], bool], title: Any = "", **more: Any
) -> Callable[[View], View]:
    """Return a decorator that adds a view to the pages of the admin.

    Only staff for whom `may` returns True can open the page. If `title` is given, the menu leads to
    the page; `more` are the fields of its `AdminPage`.
    """

    def add(view: View) -> View:
        parts.append(AdminPage(route, name, view, may, title, **more))
        return view

    return add


def draw(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """Return a page of the administration with Django's frame around it."""
    frame = admin.site.each_context(request)
    return TemplateResponse(request, template, {**frame, "title": title, **context})


def text_in(query: Mapping[str, str], name: str) -> str:
    """Return a parameter of a search, without blanks around it; "" if it is absent."""
    # PostgreSQL refuses a NUL in a query, and no row can hold one.
    return query.get(name, "").replace("\0", "").strip()


def links_of(request: HttpRequest, page: KeyedPage, **kept: str) -> dict[str, str]:
    """Return the addresses of a list's first page and next page, as `first` and `more`.

    Both are "" if there is no other page. `kept` are the other parameters of the list's address.
    """
    query = {name: value for name, value in kept.items() if value}
    return {
        "first": f"?{urlencode(query)}" if request.GET.get("after") else "",
        "more": f"?{urlencode({**query, 'after': page.after})}" if page.after else "",
    }


def may_all(*permissions: str) -> Callable[[User], bool]:
    """Return a function that returns True for a user who has all of these permissions."""
    return lambda user: user.has_perms(permissions)


def may_send(request: HttpRequest, permission: str) -> bool:
    """Return True if the viewer has the permission that the forms of a page need.

    Raises `PermissionDenied` if a viewer without this permission has sent a form.
    """
    may = request.user.has_perm(permission)
    if request.method == "POST" and not may:
        raise PermissionDenied
    return may


def _extend(site: admin.AdminSite) -> None:
    """Add the pages and the menu to an admin site, whatever class the site has."""
    djangos_urls, djangos_context = site.get_urls, site.each_context

    def get_urls() -> Any:
        return [*(_address(site, part) for part in parts), *djangos_urls()]

    def each_context(request: HttpRequest) -> dict[str, Any]:
        context, (menu, submenu) = djangos_context(request), _menus(request)
        # Beside the pages of the menu, a list of all tables would only take their room.
        has_tables = context.get("is_nav_sidebar_enabled") and not any(one.is_here for one in menu)
        shown = {"menu": menu, "submenu": submenu, "is_nav_sidebar_enabled": has_tables}
        return {**context, **shown}

    # Set on the instance: a project may use an admin site of a class of its own.
    site.get_urls = get_urls  # type: ignore[method-assign]
    site.each_context = each_context  # type: ignore[method-assign]


def _address(site: admin.AdminSite, part: AdminPage) -> URLPattern:
    def view(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        if not part.may(request.user):  # type: ignore[arg-type]
            raise PermissionDenied
        with viewing(request.user):
            return rendered(part.view(request, *args, **given))

    return path(part.route, site.admin_view(view), name=part.name)


class MenuEntry(NamedTuple):
    """An entry of the menu. `is_here` is True if the request is for a page that belongs to it."""

    place: int
    url: str
    title: str
    is_here: bool
    name: str = ""
    below: str = ""


def _menus(request: HttpRequest) -> tuple[list[MenuEntry], list[MenuEntry]]:
    """Return the menu, and the second row for the entry that the viewer is in; [] without one.

    An entry is in the first row, too, if the viewer may not see the entry that it is below.
    """
    if not admin.site.has_permission(request):
        return [], []
    found = sorted([*_pages(request), *_lists(request)])
    heads = {one.name for one in found if one.name and not one.below}
    families = {one.name: [one] for one in found if one.name in heads}
    for one in found:
        if one.below in heads:
            families[one.below].append(one)
    menu = [
        one._replace(is_here=any(each.is_here for each in families.get(one.name, [one])))
        for one in found
        if one.below not in heads
    ]
    here = [each for each in families.values() if any(one.is_here for one in each)]
    return menu, next((each for each in here if len(each) > 1), [])


def _pages(request: HttpRequest) -> Iterator[MenuEntry]:
    """Yield the entries of the pages that the viewer may see."""
    user: Any = request.user
    for one in parts:
        if one.title and one.may(user):
            url = reverse(f"admin:{one.name}")
            is_here = request.path.startswith((url, *_other_addresses(one)))
            yield MenuEntry(one.place, url, str(one.title), is_here, one.name, one.below)


def _other_addresses(part: AdminPage) -> Iterator[str]:
    """Yield the beginnings of the addresses that belong to the page's entry of the menu."""
    root = reverse("admin:index")
    yield from (f"{root}{one}" for one in part.routes)
    yield from (list_address(one) for one in part.models if one in admin.site._registry)  # noqa: SLF001


def _lists(request: HttpRequest) -> Iterator[MenuEntry]:
    """Yield the entries of the lists that the viewer may see."""
    for one in lists:
        its_admin = admin.site._registry.get(one.model)  # noqa: SLF001
        if its_admin and its_admin.has_view_permission(request):
            url = list_address(one.model)
            is_here = request.path.startswith(url)
            yield MenuEntry(one.place, url, str(one.title), is_here, one.name)


_extend(admin.site)
