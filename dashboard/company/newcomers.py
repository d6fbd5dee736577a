"""Accounts for people with a company account who weren't invited."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from dashboard.accounts.invitations import InvitationLine, create_account, names_for
from dashboard.accounts.names import Kind, check_name
from dashboard.models import RetiredGroup
from procedures.conf import conf
from procedures.models.act import Act, log_act
from procedures.services import names_in_code
from procedures.users import User, name_field, users

AUTHOR = "company sign-in"


def group_of_newcomers() -> Group | None:
    """Return the group of new people, or None if only invited people may sign in."""
    return Group.objects.filter(name=conf.NEW_PEOPLE_GROUP).first()


@transaction.atomic
def admit(line: InvitationLine, group: Group, *, company: str) -> User | None:
    """Create an account at somebody's first company sign-in; return None if no name is left.

    The account never gets a user name that a procedure's code names as an assignee: its owner would
    get requests meant for somebody else. Nobody is added to a retired group.
    """
    name = next((one for one in names_for(line) if _is_free(one)), None)
    if name is None or RetiredGroup.objects.filter(group=group).exists():
        return None
    user = create_account(name, line, [group])
    words = f"Created the account at the first sign-in with {company}. Groups: {group.name}."
    log_act(Act.Kind.PERSON, words, by=AUTHOR, about=user)
    return user


def _is_free(name: str) -> bool:
    taken = users().filter(**{f"{name_field()}__iexact": name})
    if taken.exists() or f"@{name}" in names_in_code():
        return False
    field: Any = users().model._meta.get_field(name_field())  # noqa: SLF001 (Django documents it)
    try:
        field.clean(name, None)
        check_name(Kind.USER, name, None)
    except ValidationError:
        return False
    return True
