"""What somebody may change about another person's account, without gaining what they don't have."""

from django.utils.translation import gettext as _

from procedures.services import names_in_code
from procedures.users import User, users


def permission_to(action: str) -> str:
    """Return the name of a permission on the site's users, such as "auth.view_user"."""
    names = users().model._meta  # noqa: SLF001 (Django documents it)
    return f"{names.app_label}.{action}_{names.model_name}"


def may_change(by: User, user: User) -> bool:
    """Return True if somebody may change an account: only superusers change that of other staff."""
    is_above = user.is_superuser or getattr(user, "is_staff", False)
    is_above = is_above and user.pk != by.pk
    return by.has_perm(permission_to("change")) and (by.is_superuser or not is_above)


def has_more(user: User, by: User) -> bool:
    """Return True if a person may have access that the editor of the account lacks."""
    if user.pk == by.pk or by.is_superuser:
        return False
    theirs, own = set(user.groups.all()), set(by.groups.all())
    return bool(theirs - own) or user.is_superuser or user.user_permissions.exists()


def may_act_as(by: User, user: User) -> bool:
    """Return True if somebody may get a way to sign in as that person.

    Superusers may, and people for themselves. Others may only before the person has signed in for
    the first time, when the account has nothing of its own yet, and only if it has no more access.
    """
    if by.is_superuser or by.pk == user.pk:
        return True
    is_new = user.last_login is None and not user.api_tokens.exists()
    return is_new and may_change(by, user) and not has_more(user, by)


def fault_of_code_name(name: str, *, by: User) -> str:
    """Return why somebody can't create an account of that name, or "" if they can.

    Whoever creates an account can sign in to it, and would be asked what code assigns to its name.
    """
    if by.is_superuser or f"@{name}" not in names_in_code():
        return ""
    return _(
        "The code of a procedure asks “@{name}”. Ask a superuser to create this account."
    ).format(name=name)
