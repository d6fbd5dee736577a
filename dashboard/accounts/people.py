"""The function that finds the person named in a `manage.py` command."""

from django.core.management import CommandError
from django.db import DatabaseError

from procedures.conf import conf
from procedures.users import User, find_active_user


def find_person(name: str) -> User:
    try:
        user = find_active_user(name)
    except DatabaseError as error:
        first = "make run" if conf.IS_EMBEDDED else "manage.py migrate"
        reason = " ".join(str(error).split())
        raise CommandError(f"The database can't be used ({reason}). Run `{first}` first.") from None
    if user is None:
        raise CommandError(f"There is no active user with the name {name}.")
    return user
