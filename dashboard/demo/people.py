"""The people of the demo: a starter, an approver, an outsider and an operator."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from dashboard.accounts.names import Kind, history_fault
from dashboard.demo.runs import create_demo_runs
from procedures.conf import conf
from procedures.databases import OURS
from procedures.users import User


class NotEmbeddedError(Exception):
    """The error for a site with a SECRET_KEY: it is deployed, and demo accounts would be unsafe."""

    def __init__(self) -> None:
        super().__init__(
            "Demo accounts can't be created: SECRET_KEY is set, so this is a deployed site."
        )


@dataclass(frozen=True)
class DemoAccount:
    """A person of the demo, who can sign in only by a link."""

    name: str
    group: str | None
    purpose: str
    is_staff: bool = False

    @property
    def email(self) -> str:
        """A mail address that belongs to nobody; the demo writes its mails to files."""
        return f"{self.name}@demo.example"


DEMO_ACCOUNTS = (
    DemoAccount("starter", "support", "in Support, starts procedures"),
    DemoAccount("approver", "finance", "in Finance, answers requests"),
    DemoAccount("outsider", None, "in no group, sees nothing"),
    DemoAccount("operator", "operators", "operates everything, in the admin", is_staff=True),
)


def create_demo() -> None:
    """Create the demo's people and runs; a second call only adds what is missing."""
    create_demo_accounts()
    create_demo_runs()


@transaction.atomic
def create_demo_accounts() -> None:
    if not conf.IS_EMBEDDED:
        raise NotEmbeddedError
    for account in filter(is_free, DEMO_ACCOUNTS):
        user, is_new = User.objects.get_or_create(
            username=account.name, defaults={"is_staff": account.is_staff, "email": account.email}
        )
        if is_new:
            user.set_unusable_password()
            user.save(update_fields=["password"])
            user.groups.set(groups_of(account))
    let_operators_view()


def is_free(account: DemoAccount) -> bool:
    """Return True if the demo may create or use the account.

    It may not if there is no such account and somebody else has acted under its name before.
    """
    known = User.objects.filter(username=account.name).exists()
    return known or not history_fault(Kind.USER, account.name, None)


def groups_of(account: DemoAccount) -> list[Group]:
    found = demo_group(account.group) if account.group else None
    return [found] if found else []


def demo_group(name: str) -> Group | None:
    """Return the group with this name, and create it if needed.

    Return None if a group with this name was renamed or removed.
    """
    found = Group.objects.filter(name=name).first()
    if found is None and not history_fault(Kind.GROUP, name, None):
        found = Group.objects.create(name=name)
    return found


def let_operators_view() -> None:
    """Let the group "operators" view every model of the product, and operate runs."""
    operators = demo_group("operators")
    if operators is None:
        return
    operators.permissions.add(
        *Permission.objects.filter(
            content_type__app_label__in=OURS, codename__regex="^(view|operate)_"
        )
    )


def demo_users() -> Iterator[tuple[DemoAccount, User]]:
    """Yield the demo accounts that exist and are active, each with its user."""
    names = [account.name for account in DEMO_ACCOUNTS]
    users = User.objects.filter(is_active=True).in_bulk(names, field_name="username")
    return ((account, users[account.name]) for account in DEMO_ACCOUNTS if account.name in users)
