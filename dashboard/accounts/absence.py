"""Absences: while a person is away, a deputy answers requests in the person's place."""

from datetime import datetime

from django.core.exceptions import PermissionDenied

from chat.models import Delegation
from chat.services import delegate, revoke_delegation
from procedures.transactions import service_atomic
from procedures.users import User


def may_set_deputy(by: User, user: User) -> bool:
    """Return True if `by` may choose a deputy for a person: superusers, and the person.

    Other staff can't. They could choose themselves, or a second account of their own, as the
    deputy, and could then answer in the place of somebody who has more access.
    """
    return user.is_active and (by.is_superuser or by.pk == user.pk)


@service_atomic
def set_away(user: User, *, deputy: User, until: datetime, by: User, reason: str) -> Delegation:
    """Let a deputy answer a person's requests from now until a date.

    Raises `PermissionDenied` if `by` may not choose the deputy, and `OperationRefusedError` if the
    date isn't in the future or the deputy can't stand in for the person.
    """
    if not may_set_deputy(by, user):
        raise PermissionDenied
    return delegate(by=user, to=deputy, until=until, reason=reason, actor=by)


@service_atomic
def end_absence(user: User, *, by: User) -> None:
    """Revoke all delegations that a person has given and that haven't been revoked."""
    if not may_set_deputy(by, user):
        raise PermissionDenied
    given = Delegation.objects.filter(user=user, revoked_at=None)
    for key in given.values_list("pk", flat=True):
        revoke_delegation(key, by=by)
