"""Everybody at every door of the site: who gets in, and that nobody gains a right by any act.

The actors and the targets are the same seven: a stranger who isn't signed in, a plain person,
helpdesk, an operator, an auditor, a site manager and somebody without a sign-in yet. Beside them
there is a superuser, whom all of them try to become. A few of them try what changes most rights; a
soak tries everything with everybody.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from html import unescape
from typing import Any, NamedTuple

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.test import Client
from django.urls import resolve

from dashboard.models import ApiToken, SignIn
from procedures.models import Act, Grant
from tests.role_site import (
    AUDITOR,
    HELPDESK,
    MANAGER,
    OPERATOR,
    STAFF,
    TARGETS,
    Site,
    build_site,
)

pytestmark = pytest.mark.django_db
ACTORS = ("stranger", "plain", *STAFF)
FEW = ("plain", MANAGER, "newcomer", "boss")
"""Targets of which each other one is like one of these: staff are alike, for whoever isn't they."""
OF_RIGHTS = re.compile(r"/admin/(auth/user/\d|auth/group/\d|auth/user/add|person|groups|invite)\b")
"""The addresses of the admin whose forms change most rights."""


def soaked(roles: tuple[str, ...], *, but: set[str]) -> list[Any]:
    """Return the roles for a test; those that aren't in `but` are only for a soak."""
    return [one if one in but else pytest.param(one, marks=pytest.mark.soak) for one in roles]


PARTS = {
    # everybody's own
    "password_change": set(STAFF),
    "password_change_done": set(STAFF),
    "people": {HELPDESK, AUDITOR, MANAGER},
    "person": {HELPDESK, AUDITOR, MANAGER},
    "person_open": {HELPDESK, AUDITOR, MANAGER},
    "person_sign_in": {HELPDESK, AUDITOR, MANAGER},
    "person_acts": {HELPDESK, AUDITOR, MANAGER},
    "person_offboard": {HELPDESK, MANAGER},
    "invite": {MANAGER},
    "groups": {AUDITOR, MANAGER},
    "access": {OPERATOR, AUDITOR, MANAGER},
    "who_may": {AUDITOR, MANAGER},
}
"""The roles that may open the pages that aren't lists of rows; others are open to staff at most."""
NEEDED = {"changelist": ("view", "change"), "change": ("view", "change"), "add": ("add",)}
"""The permissions of which one is needed for a page about rows."""
GREED: dict[str, Any] = {
    "reason": "Because.",
    "email": "thief@elsewhere.example",
    "name": "mine",
    "rest": "@plain",
    "password1": "a thief's own secret",
    "password2": "a thief's own secret",
    "usable_password": "true",
    "until": "2099-01-01",
    "select_across": "1",
    "scopes": ["read", "operate"],
    "to": "@plain",
    "new_password1": "a thief's own secret",
    "new_password2": "a thief's own secret",
    **dict.fromkeys(("is_staff", "is_superuser", "is_active", "_save", "post"), "on"),
}
"""The fields that everybody writes into every form, beside all groups and all permissions."""
MEANT = {HELPDESK: {"link", "token"}, MANAGER: {"link", "token", "account"}}
"""The kinds of rights that a role is there to give: a walk that never sees them tries nothing."""
SIGN_IN_ACTS = (
    *("end_everything", "end_links", "end_session", "revoke_token", "mail_link", "make_link"),
    *("create_token", "remove_way"),
)
FIELD = re.compile(r"<(?:input|textarea|select)\b([^>]*)>")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class Right(NamedTuple):
    """Something that lets somebody do something, such as ("group", "ann", "finance")."""

    kind: str
    whose: Any
    what: Any = ""


@pytest.fixture(scope="module")
def site(module_rows: None) -> Site:
    return build_site()


def rights() -> set[Right]:
    """Every right that anybody has, and every key to somebody's account."""
    users = User.objects.values_list(
        "username", "is_staff", "is_superuser", "is_active", "password", "email"
    )
    held = set[Right]()
    for name, is_staff, is_superuser, is_active, password, email in users:
        flags = {"staff": is_staff, "superuser": is_superuser, "active": is_active}
        held |= {Right(flag, name) for flag, is_set in flags.items() if is_set}
        held |= {Right("account", name), Right("password", name, password)}
        held |= {Right("email", name, email)} if email else set()
    pairs = {
        "group": User.objects.filter(groups__isnull=False).values_list("username", "groups__name"),
        "permission": User.objects.filter(user_permissions__isnull=False).values_list(
            "username", "user_permissions__codename"
        ),
        "group permission": Group.objects.filter(permissions__isnull=False).values_list(
            "name", "permissions__codename"
        ),
        "token": ApiToken.objects.filter(revoked_at=None).values_list("user__username", "pk"),
        "session": SignIn.objects.values_list("user__username", "session"),
        "link": Act.objects.filter(words="A sign-in link was created.").values_list("about", "pk"),
        "role": Grant.objects.values_list("group__name", "role"),
    }
    return held | {Right(kind, *pair) for kind, found in pairs.items() for pair in found}


def may_gain(actor: User, right: Right) -> bool:
    """Return True if this is what the actor's role is for, or a change of their own account."""
    if right.whose == actor.username:
        return right.kind in {"token", "session", "password", "email", "link"}
    is_invited = right.whose not in TARGETS  # by the act that was tried
    is_unused = right.whose == "newcomer"  # who has no access and has never signed in
    if actor.username == HELPDESK:
        return right.kind in {"email", "link", "token"} and is_unused
    held = {one.rpartition(".")[2] for one in actor.get_all_permissions()}
    managers = {
        **dict.fromkeys(("account", "password", "active"), is_invited),
        **dict.fromkeys(("email", "link", "token"), is_invited or is_unused),
        "group": actor.groups.filter(name=right.what).exists(),
        "group permission": right.what in held,
        "role": True,  # on procedures: the one right that managers hand out without having it
    }
    return actor.username == MANAGER and managers.get(right.kind, False)


# Looking


@pytest.mark.parametrize("role", soaked(ACTORS, but={HELPDESK}))
def test_each_page_is_open_to_the_roles_that_it_is_for(site: Site, role: str) -> None:
    seen = set[str]()
    held = set(site.people[role].get_all_permissions()) if role in site.people else set()
    wrong = list[str]()
    for path in site.paths():
        name = str(resolve(path).url_name)
        is_in = site.page(role, path).status_code == 200
        seen |= {name} if is_in else set()
        if not is_right(role, path, name, held, is_in=is_in):
            wrong.append(f"{path}: {'in' if is_in else 'out'}")

    assert wrong == []
    assert bool(seen) == (role in STAFF)


def is_right(role: str, path: str, name: str, held: set[str], *, is_in: bool) -> bool:
    if role not in STAFF:
        return not is_in
    if name in PARTS:
        return is_in == (role in PARTS[name])
    page = name.rpartition("_")[2]
    if page not in NEEDED or path.startswith("/admin/r/"):
        return True
    _empty, _admin, app, model, *_rest = path.split("/")
    model = "humanresponse" if model == "decision" else model  # which is another view of its rows
    may = any(f"{app}.{verb}_{model}" in held for verb in NEEDED[page])
    return is_in == may if page == "changelist" else may or not is_in


# Acting


@pytest.mark.parametrize("actor", soaked(ACTORS, but={HELPDESK, MANAGER}))
def test_nobody_gains_a_right_by_a_form_of_the_admin(site: Site, actor: str) -> None:
    try_forms(site, actor, FEW, only=OF_RIGHTS)


@pytest.mark.soak
@pytest.mark.parametrize("actor", ACTORS)
def test_nobody_gains_a_right_by_any_form_of_the_admin(site: Site, actor: str) -> None:
    try_forms(site, actor, TARGETS, only=re.compile(""))


def try_forms(site: Site, actor: str, targets: tuple[str, ...], *, only: re.Pattern[str]) -> None:
    client = site.browser(actor)
    before, seen = rights(), set[str]()
    for target in targets:
        paths = [one for one in site.paths(target) if only.match(one)]
        about = [one for one in paths if f"/{site.people[target].pk}/" in one]
        for path in paths if target == "plain" else about:
            for form in forms_for(site, actor, path, target):
                gained = tried(client, path, form, before)
                wrong = [one for one in gained if not allowed(site, actor, one)]
                assert not wrong, (path, target, form)
                seen |= {one.kind for one in gained}
    assert seen >= MEANT.get(actor, set()), "The forms don't do what they are for."


@pytest.mark.parametrize("actor", soaked(ACTORS, but={"plain"}))
def test_nobody_gains_a_right_on_the_sites_own_pages(site: Site, actor: str) -> None:
    client = site.browser(actor)
    before = rights()
    for path in site.pages_of_people():
        gained = tried(client, path, {**GREED, "username": "boss"}, before)
        wrong = [one for one in gained if not allowed(site, actor, one)]
        assert not wrong, path


def allowed(site: Site, actor: str, right: Right) -> bool:
    return actor in site.people and may_gain(site.people[actor], right)


def tried(client: Client, path: str, form: Mapping[str, Any], before: set[Right]) -> set[Right]:
    """The rights that somebody has only after the form was sent, which is then undone.

    A page that shows consequences is confirmed as its button does.
    """
    cookies = deepcopy(client.cookies)
    with transaction.atomic(), writing() as written:
        answer = client.post(path, form)
        assert answer.status_code < 500, (path, form)
        told = fields_in(answer) if answer.status_code == 200 else {}
        if told.get("confirmed"):
            client.post(path, {**form, "confirmed": told["confirmed"]})
        gained = rights() - before if written else set[Right]()
        transaction.set_rollback(True)
    client.cookies = cookies
    return gained


@contextmanager
def writing() -> Iterator[list[str]]:
    """The statements that write; most forms are refused before the first one."""
    written = list[str]()

    def keep(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(keep):
        yield written


def forms_for(site: Site, actor: str, path: str, target: str) -> Iterator[dict[str, Any]]:
    """Yield what to send there: the page's fields and more, and each act it could stand for."""
    page = site.page(actor, path)
    own = fields_in(page) if page.status_code == 200 else {}
    every = {
        "groups": list(Group.objects.values_list("pk", flat=True)),
        **dict.fromkeys(("user_permissions", "permissions"), every_permission()),
    }
    greedy = {**own, **GREED, **every, "username": own.get("username") or "thief"}
    yield greedy
    if path.endswith("/sign-in/"):
        user = site.people[target]
        row = (user.sign_ins.first() or user.api_tokens.first() or user).pk
        yield from ({**GREED, "act": one, "row": row} for one in SIGN_IN_ACTS)
    if page.status_code == 200 and str(resolve(path).url_name).endswith("_changelist"):
        yield from actions_of(path)


def actions_of(path: str) -> Iterator[dict[str, Any]]:
    """Each action of a list, for all of its rows."""
    for model, its_admin in admin.site._registry.items():  # noqa: SLF001
        if path == f"/admin/{model._meta.app_label}/{model._meta.model_name}/":  # noqa: SLF001
            keys = list(model._default_manager.values_list("pk", flat=True))  # noqa: SLF001
            names = [getattr(one, "__name__", one) for one in its_admin.actions or ()]
            for name in (*names, "delete_selected"):
                yield {"action": name, "_selected_action": keys, **GREED}


def every_permission() -> list[int]:
    return list(Permission.objects.values_list("pk", flat=True))


def fields_in(page: Any) -> dict[str, str]:
    """The fields of a page's forms with their values, as far as a browser would send them."""
    found = {}
    for tag in FIELD.findall(page.content.decode()):
        told = {name: unescape(value) for name, value in ATTRIBUTE.findall(tag)}
        if "name" in told and told.get("type") not in {"submit", "checkbox", "radio", "file"}:
            found[told["name"]] = told.get("value", "")
    return found
