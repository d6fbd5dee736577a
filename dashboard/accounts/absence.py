"""Absences: somebody is away until a date, and a deputy answers meanwhile."""

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction

from chat.models import Delegation
from chat.services import delegate, revoke_delegation
from dashboard.models.trail import note
from procedures.users import User


def may_set_deputy(by: User, user: User) -> bool:
    """Return True if somebody may say who answers for a person: superusers, and people themselves.

    Other staff could choose themselves, or an account of theirs, and would answer in the place of
    people who have more access.
    """
    return user.is_active and (by.is_superuser or by.pk == user.pk)


@transaction.atomic
def set_away(user: User, *, deputy: User, until: datetime, by: User, reason: str) -> Delegation:
    """Let a deputy answer for a person from now until a date.

    Raises `PermissionDenied`, and `OperationRefusedError` if the dates or the people don't allow
    it.
    """
    if not may_set_deputy(by, user):
        raise PermissionDenied
    made = delegate(by=user, to=deputy, until=until, reason=reason)
    told = f"Away until {until:%Y-%m-%d %H:%M %Z}. {deputy.get_username()} answers meanwhile."
    note(by, told, about=user, reason=reason)
    return made


@transaction.atomic
def end_absence(user: User, *, by: User) -> None:
    """End all delegations that a person has given and that haven't ended."""
    if not may_set_deputy(by, user):
        raise PermissionDenied
    given = Delegation.objects.filter(user=user, revoked_at=None)
    for key in given.values_list("pk", flat=True):
        revoke_delegation(key, by=by)
    note(by, "Ended the absence.", about=user)
