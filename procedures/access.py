"""Who may see and do what: groups are granted roles per procedure, superusers have all of them."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from procedures.engine.definition import Role
from procedures.models import Grant, Procedure, Run
from procedures.models.run import RunQuerySet


class SignedIn(HttpRequest):
    """A web request by somebody who is known: what every route gets."""

    user: User


OPERATE = "procedures.operate_run"
"""The permission to operate every run, also of procedures without a grant."""
Provider = Callable[[User], Q]
providers: list[Provider] = []
"""Each says which runs a user may see; the layers above add theirs when they are loaded."""


def visible_runs(user: User | AnonymousUser) -> RunQuerySet:
    """The runs a user may see: their own, those of granted procedures, and what providers add."""
    if not isinstance(user, User) or not user.is_active:
        return Run.objects.none()
    if user.is_superuser:
        return Run.objects.all()
    seen = Q(started_by=user) | Q(procedure__in=procedures_for(user, "see", "operate"))
    for provider in providers:
        seen |= provider(user)
    return Run.objects.filter(seen)


def runs_in_reach(user: User) -> RunQuerySet:
    """The runs on which a user may try an operator's verb; `may_operate` tells of one."""
    return Run.objects.all() if user.has_perm(OPERATE) else visible_runs(user)


def may_operate(user: User, run: Run) -> bool:
    operated = procedures_for(user, "operate").filter(pk=run.procedure_id)
    return user.has_perm(OPERATE) or operated.exists()


def is_operator(user: User) -> bool:
    """Whether somebody operates anything here."""
    return user.has_perm(OPERATE) or procedures_for(user, "operate").exists()


def procedures_for(user: User, *roles: Role) -> QuerySet[Procedure]:
    """The procedures on which a user has one of the roles; without roles, any."""
    if user.is_superuser:
        return Procedure.objects.all()
    granted = Grant.objects.filter(group__user=user)
    if roles:
        granted = granted.filter(role__in=roles)
    return Procedure.objects.filter(pk__in=granted.values("procedure"))


def visible_procedures(user: User | AnonymousUser) -> QuerySet[Procedure]:
    """The procedures on which a user has any role."""
    if not isinstance(user, User) or not user.is_active:
        return Procedure.objects.none()
    return procedures_for(user)
