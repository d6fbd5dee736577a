"""The keys and groups of users, as SQL for the user model of the site."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, models


def groups_of_user() -> str:
    """Return a query for the ids of a user's groups.

    The parameter of the query (%s) is the primary key of the user.
    """
    groups: Any = get_user_model()._meta.get_field("groups")  # noqa: SLF001 (Django documents it)
    names = groups.m2m_reverse_name(), groups.m2m_db_table(), groups.m2m_column_name()
    group, table, user = map(connection.ops.quote_name, names)
    return f"SELECT {group} FROM {table} WHERE {user} = %s"  # noqa: S608 (names of the model's own)


def user_key() -> str:
    """Return the type of users' primary keys in the database, such as "integer" or "uuid"."""
    return _key_type(get_user_model())


def group_key() -> str:
    """Return the type of groups' primary keys in the database, such as "integer"."""
    return _key_type(Group)


def _key_type(model: type[models.Model]) -> str:
    key: Any = model._meta.pk  # noqa: SLF001 (Django documents it)
    return str(key.rel_db_type(connection))
