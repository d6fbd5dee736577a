"""The changes that somebody may make to another person's account.

Nobody may gain access by such a change.
"""

from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext as _

from chat.models import Assignment, Delegation, Member
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import names_in_code
from procedures.users import User, active_users, users


def permission_to(action: str) -> str:
    """Return the name of a permission on the site's users, such as "auth.view_user"."""
    names = users().model._meta  # noqa: SLF001 (Django documents it)
    return f"{names.app_label}.{action}_{names.model_name}"


def may_see_people(user: User) -> bool:
    """Return True if a member of staff may see the list of people in the admin."""
    return user.has_perm(permission_to("view")) or user.has_perm(permission_to("change"))


def may_change(by: User, user: User) -> bool:
    """Return True if `by` may change an account.

    Only a superuser may change the account of another superuser or staff member.
    """
    is_above = user.is_superuser or getattr(user, "is_staff", False)
    is_above = is_above and user.pk != by.pk
    return by.has_perm(permission_to("change")) and (by.is_superuser or not is_above)


def has_more(user: User, by: User) -> bool:
    """Return True if a person possibly has access that `by` lacks."""
    if user.pk == by.pk or by.is_superuser:
        return False
    theirs, own = set(user.groups.all()), set(by.groups.all())
    is_more = bool(theirs - own) or user.is_superuser or user.user_permissions.exists()
    return is_more or _has_own_access(user)


def _has_own_access(user: User) -> bool:
    """Return True if the person has access as a person, and not as a member of a group.

    This is so for a deputy, an assignee, a member of a session, a starter of a run, and a user whom
    the code of a procedure names.
    """
    given = Delegation.objects.filter(to=user, revoked_at=None, until__gt=clock.moment())
    rows = (
        Assignment.objects.filter(user=user, is_open=True),
        given,
        Member.objects.filter(user=user),
        Run.objects.filter(started_by=user),
    )
    is_named = f"@{user.get_username()}" in names_in_code()
    return is_named or any(found.exists() for found in rows)


def may_act_as(by: User, user: User) -> bool:
    """Return True if `by` may create a link with which one signs in as that person.

    Superusers may do so for everybody, and people for themselves. Anybody else needs the permission
    to change the account, and the person must never have signed in, must have no API token, and
    must have no access that `by` lacks.
    """
    if by.is_superuser or by.pk == user.pk:
        return True
    is_new = user.last_login is None and not user.api_tokens.exists()
    return is_new and may_change(by, user) and not has_more(user, by)


def fault_of_code_name(name: str, *, by: User) -> str:
    """Return why `by` can't create an account with that name, or "" if there is no reason.

    If code assigns requests to "@ann", the account named "ann" will be asked. Whoever creates an
    account can sign in to it. So only a superuser can create an account whose name is in code.
    """
    if by.is_superuser or f"@{name}" not in names_in_code():
        return ""
    return _(
        "The code of a procedure asks “@{name}”. Ask a superuser to create this account."
    ).format(name=name)


def is_last_superuser(people: Sequence[User]) -> bool:
    """Return True if all active superusers are among these people."""
    active = active_users().filter(is_superuser=True)
    if connection.in_atomic_block:  # two superusers may demote each other at the same moment
        active = active.select_for_update()
    left, gone = set(active.values_list("pk", flat=True)), {user.pk for user in people}
    return bool(left & gone) and not left - gone
