"""Entries about accounts in the site's log.

A failed sign-in under a name that no account has isn't in this log but only in the server's log.
"""

from typing import TYPE_CHECKING, Any

from procedures.models import Act
from procedures.models.act import log_act
from procedures.users import find_user, users

if TYPE_CHECKING:
    from procedures.users import User

Kind = Act.Kind
KINDS = {"apitoken": Kind.TOKEN, "group": Kind.GROUP, "grant": Kind.GRANT, "procedure": Kind.GRANT}


def note(
    user: "User | str",
    sentence: str,
    *,
    about: Any = None,
    kind: Kind | None = None,
    reason: str = "",
) -> None:
    """Log an action of `user`: of a person, or of the part of the system with this name.

    `about` is the row that the action has changed; by default, it is the account of a person.
    """
    row: Any = about or user
    log_act(kind or kind_of(row), sentence, by=user, about=row, reason=reason)


def kind_of(row: Any) -> Kind:
    """Return the kind of log entry for a change of this row, such as a token or a group."""
    if isinstance(row, users().model):
        return Kind.PERSON
    return KINDS.get(row._meta.model_name, Kind.CHANGE)  # noqa: SLF001 (Django documents it)


def note_signed_in(user: "User") -> None:
    note(user, "Signed in.", kind=Kind.SIGN_IN)


def note_failed(name: str) -> None:
    if user := find_user(name):
        log_act(Kind.FAILURE, "A sign-in failed.", about=user)
