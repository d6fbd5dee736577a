"""The person a command of `manage.py` is about."""

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import DatabaseError


def find_person(name: str) -> User:
    try:
        user = User.objects.filter(username=name, is_active=True).first()
    except DatabaseError as error:
        first = "make run" if settings.IS_EMBEDDED else "manage.py migrate"
        said = " ".join(str(error).split())
        raise CommandError(f"The database cannot be used ({said}). Run `{first}` first.") from None
    if user is None:
        raise CommandError(f"Nobody active is called {name}.")
    return user
