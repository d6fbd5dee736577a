"""The people of the demo: a starter, an approver, an outsider and an operator."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import transaction

from dashboard.accounts.names import Kind, history_fault
from dashboard.accounts.standard_groups import permissions_for
from dashboard.demo.runs import create_demo_runs
from dashboard.models import StandardGroup
from procedures.conf import conf
from procedures.models import Grant
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
    make_operators_standard()


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
    if operators := demo_group("operators"):
        operators.permissions.add(*permissions_for(StandardGroup.Kind.OPERATORS))


def make_operators_standard() -> None:
    """Make the group "operators" the site's standard group, in place of one that isn't in use.

    The demo's procedures name "operators", so `migrate` has given the standard group another name.
    Two groups of operators would confuse people.
    """
    operators = Group.objects.filter(name="operators").first()
    standard = StandardGroup.objects.filter(kind=StandardGroup.Kind.OPERATORS).first()
    if not operators or not standard or standard.group == operators or is_used(standard.group):
        return
    unused, standard.group = standard.group, operators
    standard.save(update_fields=["group"])
    unused.delete()


def is_used(group: Group) -> bool:
    """Return True if the group has a member, or a role on a procedure."""
    members = User.objects.filter(groups=group)
    return members.exists() or Grant.objects.filter(group=group).exists()


def demo_users() -> Iterator[tuple[DemoAccount, User]]:
    """Yield the demo accounts that exist and are active, each with its user."""
    names = [account.name for account in DEMO_ACCOUNTS]
    users = User.objects.filter(is_active=True).in_bulk(names, field_name="username")
    return ((account, users[account.name]) for account in DEMO_ACCOUNTS if account.name in users)
