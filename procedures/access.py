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
