"""Access rules: groups hold roles per procedure, and superusers hold every role."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from procedures.engine.declaration.roles import Role
from procedures.models import Grant, Procedure, Run
from procedures.models.run_queries import RunQuerySet
from procedures.users import User, members_path


class SignedIn(HttpRequest):
    """A web request by a signed-in person, the type that every route receives."""

    user: User


OPERATE = "countersign_procedures.operate_run"
"""The permission to operate every run, including runs of procedures without a grant."""
SEEING: tuple[Role, ...] = ("see", "operate", "cancel")
"""The roles whose holders see every run of a procedure."""
Provider = Callable[[User], Q]
providers: list[Provider] = []
"""Functions that return a query condition for further runs that a user may see.

The layers above add theirs when they are loaded.
"""


def visible_runs(user: User | AnonymousUser) -> RunQuerySet:
    """Return the runs a user may see: their own, those of granted procedures, and providers' runs.

    A user who may operate every run sees every run.
    """
    if not isinstance(user, User) or not user.is_active:
        return Run.objects.none()
    if user.has_perm(OPERATE):
        return Run.objects.all()
    seen = Q(started_by=user) | Q(procedure__in=procedures_for(user, *SEEING))
    for provider in providers:
        seen |= provider(user)
    return Run.objects.filter(seen)


def may_operate(user: User, run: Run) -> bool:
    return procedures_for(user, "operate").filter(pk=run.procedure_id).exists()


def may_cancel(user: User, run: Run) -> bool:
    """Return True for operators; for the starter too, unless a group holds the role "cancel"."""
    if may_operate(user, run) or procedures_for(user, "cancel").filter(pk=run.procedure_id):
        return True
    return run.started_by_id == user.pk and not run.procedure.grants.filter(role="cancel").exists()


def is_operator(user: User) -> bool:
    """Return True if the user operates any procedure."""
    return user.has_perm(OPERATE) or procedures_for(user, "operate").exists()


def procedures_for(user: User, *roles: Role) -> QuerySet[Procedure]:
    """Return the procedures on which a user has one of the roles, or any role if none is given."""
    is_everywhere = not roles or set(roles) & set(SEEING)
    if user.is_superuser or (is_everywhere and user.has_perm(OPERATE)):
        return Procedure.objects.all()
    granted = Grant.objects.filter(**{f"group__{members_path()}": user})
    if roles:
        granted = granted.filter(role__in=roles)
    return Procedure.objects.filter(pk__in=granted.values("procedure"))


def visible_procedures(user: User | AnonymousUser) -> QuerySet[Procedure]:
    """Return the procedures on which a user has any role."""
    if not isinstance(user, User) or not user.is_active:
        return Procedure.objects.none()
    return procedures_for(user)
