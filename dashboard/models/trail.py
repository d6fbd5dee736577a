"""Entries about accounts in Django's log, which auditors can read.

Each entry belongs to the account that it is about. A failed sign-in under a name without an account
is only in the server's log.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from procedures.access import address_of
from procedures.users import find_user

if TYPE_CHECKING:
    from procedures.users import User


LONGEST_NAME = 200


def note(user: "User", words: str, *, about: Any = None) -> None:
    """Log an action by this person or on their account; `about` is the row that it changed."""
    row = about or user
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:LONGEST_NAME],
        action_flag=CHANGE,
        change_message=words,
    )


def note_signed_in(request: HttpRequest | None, user: "User") -> None:
    note(user, f"Signed in{_from(request)}.")


def note_failed(request: HttpRequest | None, name: str) -> None:
    if user := find_user(name):
        note(user, f"A sign-in failed{_from(request)}.")


def _from(request: HttpRequest | None) -> str:
    address = address_of(request) if request else None
    return f" from {address}" if address else ""
