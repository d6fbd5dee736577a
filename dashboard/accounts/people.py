"""The function that finds the person named in a `manage.py` command."""

from django.core.management import CommandError

from procedures.users import User, find_active_user


def find_person(name: str) -> User:
    user = find_active_user(name)
    if user is None:
        raise CommandError(f"There is no active user with the name {name}.")
    return user
