"""The site's users: the model that AUTH_USER_MODEL names, and the queries that depend on it.

Import `User` from here. Modules with models import it under `TYPE_CHECKING` only, because the
site's own models may import them before the user model is defined.
"""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth import get_backends, get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from procedures.among import is_among

if TYPE_CHECKING:
    from django.contrib.auth.models import User as User  # noqa: PLC0414 (others import it)
else:

    def __getattr__(name: str) -> Any:
        """Return the site's user model as `User`."""
        if name == "User":
            return get_user_model()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


T = TypeVar("T")
PERMISSION_METHODS = (
    *("has_perm", "get_all_permissions", "get_user_permissions", "get_group_permissions"),
    *("_get_user_permissions", "_get_group_permissions"),
)
"""The methods of an authentication backend that decide which permissions a user has."""


def kept_on(user: "User", name: str, find: Callable[[], T]) -> T:
    """Return the result of `find`, which is called once for each user object and `name`.

    Use this only for values that lists show; query the database to decide what a user may do.
    """
    kept = user.__dict__.setdefault("_countersign_kept", {})
    if name not in kept:
        kept[name] = find()
    found: T = kept[name]
    return found


def users() -> "QuerySet[User]":
    """Return all users, even if the model's manager isn't named `objects`."""
    return get_user_model()._default_manager.all()  # noqa: SLF001 (Django documents it)


def active_users() -> "QuerySet[User]":
    return users().filter(is_active())


def is_active(path: str = "") -> Q:
    """Return a `Q` for rows whose user is active.

    `path` is the lookup from a row to its user, such as "user__"; "" for rows of users. Every user
    counts as active if the model has no field `is_active`.
    """
    has_field = has_user_field("is_active")
    return Q(**{f"{path}is_active": True} if has_field else {f"{path}pk__isnull": False})


def name_field() -> str:
    """Return the name of the field that holds a user's name, such as "username"."""
    return str(get_user_model().USERNAME_FIELD)


def with_name(name: str, *, path: str = "") -> Q:
    """Return a `Q` for rows whose user has this name; `path` is as for `is_active`."""
    return Q(**{f"{path}{name_field()}": name})


def find_user(name: str) -> "User | None":
    return users().filter(with_name(name)).first()


def find_active_user(name: str) -> "User | None":
    return active_users().filter(with_name(name)).first()


def find_active_users(names: Collection[str]) -> "dict[str, User]":
    """Return the active users with these names, keyed by name, with one query."""
    found = active_users().filter(is_among(name_field(), names)) if names else []
    return {user.get_username(): user for user in found}


def members_path() -> str:
    """Return the lookup from a group to its members, for queries of groups, such as "user"."""
    return str(_groups_field().related_query_name())


def holders_of_permission(name: str) -> "QuerySet[User]":
    """Return the active users who have a permission, themselves or through a group.

    Superusers are left out: they have every permission without a grant. So a request that is
    assigned to a permission isn't assigned to all superusers.
    """
    if name.count(".") != 1:
        return users().none()
    from django.contrib.auth.models import Permission  # noqa: PLC0415 (models import this module)

    app, code = name.split(".")
    named = Permission.objects.filter(content_type__app_label=app, codename=code)
    is_given = Q(user_permissions__in=named) | Q(groups__permissions__in=named)
    holders = users().filter(is_given, is_superuser=False)
    return active_users().filter(pk__in=holders.values("pk"))


def are_permissions_in_tables() -> bool:
    """Return True if Django's tables alone decide which permissions the users have.

    Then permissions of many people can be read with one query. It is False if the user model or an
    authentication backend overrides Django's methods.
    """
    from django.contrib.auth.backends import ModelBackend  # noqa: PLC0415 (models import this)
    from django.contrib.auth.models import PermissionsMixin  # noqa: PLC0415

    if get_user_model().has_perm is not PermissionsMixin.has_perm:
        return False
    return all(
        getattr(type(backend), name, None) is getattr(ModelBackend, name)
        for backend in get_backends()
        for name in PERMISSION_METHODS
    )


def permission_holders(names: Iterable[str], among: Collection[Any]) -> set[tuple[str, Any]]:
    """Return pairs: a permission ("app.codename"), and the key of a user in `among` who has it.

    Users have a permission themselves or through a group. Superusers are left out, as in
    `holders_of_permission`.
    """
    wanted, found = set(names), list["QuerySet[User, tuple[str, Any]]"]()
    if not wanted or not among:
        return set()
    for path in ("user_permissions", "groups__permissions"):
        full_name = Concat(f"{path}__content_type__app_label", Value("."), f"{path}__codename")
        people = users().filter(is_among("pk", among), is_superuser=False).order_by()
        held = people.annotate(permission_name=full_name)
        held = held.filter(permission_name__in=wanted)
        found.append(held.values_list("permission_name", "pk"))
    return set(found[0].union(found[1]))


def short_name(user: "User") -> str:
    """Return the name with which to greet a user; the user name if the model has no short name."""
    shorter = getattr(user, "get_short_name", user.get_username)()
    return str(shorter or user.get_username())


def email_of(user: "User") -> str:
    """Return a user's e-mail address, or "" if there is none."""
    return str(getattr(user, get_user_model().get_email_field_name(), "") or "")


def has_address() -> Q:
    """Return a `Q` that matches users who have an e-mail address."""
    field = get_user_model().get_email_field_name()
    if not has_user_field(field):
        return Q(pk__in=[])
    return ~Q(**{field: ""}) & Q(**{f"{field}__isnull": False})


def json_key(key: Any) -> Any:
    """Return a user's primary key as a JSON value: numbers and texts unchanged, others as text."""
    return key if key is None or isinstance(key, int | str) else str(key)


def has_user_field(name: str) -> bool:
    try:
        _meta().get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _groups_field() -> Any:
    return _meta().get_field("groups")


def _meta() -> Any:
    return get_user_model()._meta  # noqa: SLF001 (Django documents it)
