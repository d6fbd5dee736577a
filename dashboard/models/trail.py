"""Entries about accounts in Django's log, where auditors can read them.

Each entry belongs to the account it is about. Failed attempts with a name that no account has are
only in the server's log.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from procedures.users import find_user

if TYPE_CHECKING:
    from procedures.users import User


LONGEST_NAME = 200


def note(user: "User", words: str, *, about: Any = None) -> None:
    """Log an action by this person or on their account; `about` is another row it concerns."""
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
    address = request.META.get("REMOTE_ADDR") if request else None
    return f" from {address}" if address else ""
