"""Invitations: new accounts for people by their mail addresses, each with a link to sign in."""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import getaddresses
from io import StringIO
from typing import Any, NamedTuple

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from dashboard.accounts.authority import fault_of_code_name, permission_to
from dashboard.accounts.groups import groups_in_use, lock_access
from dashboard.accounts.names import Kind, check_name
from dashboard.models.trail import note
from procedures.among import is_among
from procedures.transactions import service_atomic
from procedures.users import User, email_of, has_user_field, members_path, name_field, users

MOST = 100
"""The maximum number of people who are invited together."""
LONGEST_TEXT = 100_000
"""The maximum number of characters of a list of addresses."""
COLUMNS = {
    "email": "address",
    "e-mail": "address",
    "address": "address",
    "name": "name",
    "user name": "name",
    "username": "name",
    "first name": "first_name",
    "first_name": "first_name",
    "last name": "last_name",
    "last_name": "last_name",
    "groups": "groups",
}
"""The field of `InvitationLine` for each heading of a CSV file, in lower case."""
BETWEEN_GROUPS = re.compile("[|;]")
DIVIDERS = ",;\t"
"""The characters that may separate the columns of a table; pasted cells are separated by tabs."""


@dataclass(frozen=True)
class InvitationLine:
    """A person in a list of people to invite: a mail address, and the other columns of the list."""

    address: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guest:
    """A person whom an invitation would add, with the user name and groups of the new account.

    `fault` is the reason why the person can't be invited, or "" if the person can be.
    """

    line: InvitationLine
    name: str
    groups: tuple[Group, ...] = ()
    fault: str = ""
    is_known: bool = False
    """True if an account with this address exists already; an invitation doesn't change it."""

    @property
    def is_new(self) -> bool:
        return not self.fault and not self.is_known


@dataclass
class _Others:
    """The existing accounts, and the groups that may be chosen, with which a list is compared."""

    by_address: dict[str, str]
    names: set[str]
    groups: dict[str, Group]
    seen: set[str] = field(default_factory=set)


class InvitedMeanwhileError(Exception):
    """Somebody else has created an account that an invitation was to create."""


class Invited(NamedTuple):
    """A new account, with the groups to which the person was added."""

    user: User
    groups: tuple[Group, ...]


def offered_groups(by: User) -> "QuerySet[Group]":
    """Return the groups to which `by` may add people.

    These are all groups in use for a superuser, and otherwise the groups that `by` is in.
    """
    found = groups_in_use() if by.is_superuser else groups_in_use().filter(**{members_path(): by})
    return found.order_by("name")


def read_lines(text: str) -> list[InvitationLine]:
    """Return the people in a text.

    The text is a CSV table with headings, or has one or several mail addresses on each line.
    """
    rows = text[:LONGEST_TEXT].replace("\0", "").strip().splitlines()
    if not rows:
        return []
    divider = max(DIVIDERS, key=rows[0].count)
    headings = [one.strip().casefold() for one in next(csv.reader(rows[:1], delimiter=divider))]
    if not {COLUMNS.get(one) for one in headings} & {"address"}:
        return [line for row in rows for line in _addresses(row)]
    table = csv.DictReader(StringIO("\n".join(rows)), fieldnames=headings, delimiter=divider)
    next(table)
    return [_line(row) for row in table]


def plan(lines: Sequence[InvitationLine], groups: Collection[Group], *, by: User) -> list[Guest]:
    """Return what an invitation of these people would do; everybody would join the `groups`."""
    others = _others(lines, by)
    return [_guest(line, groups, others, by) for line in lines[:MOST]]


@service_atomic
def invite(guests: Sequence[Guest], *, by: User) -> list[Invited]:
    """Create an account for each guest who has none, and return the new accounts.

    Raises `PermissionDenied` if `by` may not create accounts, and `InvitedMeanwhileError` if
    somebody else has created one of them since the guests were planned; then nobody is invited.
    """
    if not by.has_perm(permission_to("add")):
        raise PermissionDenied
    lock_access()
    others = _others([guest.line for guest in guests], by)
    new = [guest for guest in guests if guest.is_new]
    if any(
        guest.line.address.lower() in others.by_address or guest.name.lower() in others.names
        for guest in new
    ):
        raise InvitedMeanwhileError
    return [_invite(guest, by) for guest in new]


def _addresses(row: str) -> Iterator[InvitationLine]:
    for written, address in getaddresses([row.replace(";", ",")]):
        first, _space, last = written.strip().partition(" ")
        if address:
            yield InvitationLine(address.strip(), first_name=first, last_name=last)


def _line(row: dict[Any, Any]) -> InvitationLine:
    cells = {
        COLUMNS[name]: value.strip()
        for name, value in row.items()
        if name in COLUMNS and isinstance(value, str)
    }
    groups = [one.strip() for one in BETWEEN_GROUPS.split(cells.pop("groups", ""))]
    return InvitationLine(**{"address": "", **cells}, groups=tuple(filter(None, groups)))


def _others(lines: Sequence[InvitationLine], by: User) -> _Others:
    shown = lines[:MOST]
    names = {one for line in shown for one in names_for(line)}
    addresses = {line.address.lower() for line in shown}
    mail, name = users().model.get_email_field_name(), name_field()
    known = users().annotate(small_name=Lower(name))
    by_address: dict[str, str] = {}
    if has_user_field(mail):
        known = known.annotate(small_address=Lower(mail))
        found = known.filter(is_among("small_address", addresses) & ~Q(small_address=""))
        by_address = {email_of(one).lower(): one.get_username() for one in found}
    taken = known.filter(is_among("small_name", {one.lower() for one in names}))
    groups = {one.name: one for one in offered_groups(by)}
    return _Others(by_address, set(taken.values_list("small_name", flat=True)), groups)


def names_for(line: InvitationLine) -> list[str]:
    """Return user names for a new account; the first one that is free is used.

    They are the name in the list, or else two names made from the address: "ann" and
    "ann@shop.example".
    """
    if name_field() == users().model.get_email_field_name():
        return [line.address]
    if line.name:
        return [line.name]
    return [line.address.partition("@")[0].lower(), line.address.lower()]


def _guest(line: InvitationLine, groups: Collection[Group], others: _Others, by: User) -> Guest:
    key = line.address.lower()
    tried = names_for(line)
    name = next((one for one in tried if one.lower() not in others.names), tried[-1])
    if key in others.by_address:
        return Guest(line, others.by_address[key], is_known=True)
    fault = _fault(line, name, others, by)
    others.seen.add(key)
    others.names.add(name.lower())
    own = [others.groups[one] for one in line.groups if one in others.groups]
    together = sorted({*groups, *own}, key=lambda one: one.name)
    return Guest(line, name, tuple(together), fault)


def _fault(line: InvitationLine, name: str, others: _Others, by: User) -> str:
    """Return the reason why a person can't be invited, or "" if there is none."""
    if fault := address_fault(line.address):
        return fault
    if line.address.lower() in others.seen:
        return _("This address is in the list twice.")
    if name.lower() in others.names:
        return _("Another account has the name {name}.").format(name=name)
    if unknown := [one for one in line.groups if one not in others.groups]:
        return _("You can't add people to the group {group}.").format(group=unknown[0])
    try:
        field_of_names: Any = users().model._meta.get_field(name_field())  # noqa: SLF001
        field_of_names.clean(name, None)
        check_name(Kind.USER, name, None)
    except ValidationError as error:
        return " ".join(error.messages)
    return fault_of_code_name(name, by=by)


def address_fault(address: str) -> str:
    """Return why an account can't have this mail address, or "" if it can."""
    try:
        validate_email(address)
    except ValidationError:
        return _("This isn't an e-mail address.")
    most = _longest(users().model.get_email_field_name())
    if most is not None and len(address) > most:
        words = _("This e-mail address is too long. The limit is {most} characters.")
        return words.format(most=most)
    return ""


def _fitting(name: str, text: str) -> str:
    """Return as much of a text as the field of users with this name can store."""
    return text[: _longest(name)]


def _longest(name: str) -> int | None:
    """Return the maximum length of a field of users; None if there is no limit or no such field."""
    field: Any = users().model._meta.get_field(name) if has_user_field(name) else None  # noqa: SLF001
    return getattr(field, "max_length", None)


def _invite(guest: Guest, by: User) -> Invited:
    user = create_account(guest.name, guest.line, guest.groups)
    named = ", ".join(one.name for one in guest.groups) or "none"
    note(by, f"Invited {guest.line.address}. Groups: {named}.", about=user)
    return Invited(user, guest.groups)


def create_account(name: str, line: InvitationLine, groups: Collection[Group]) -> User:
    """Create an account without a password and return it.

    The caller has checked the name and the address. First and last names that are too long are cut.
    """
    model = users().model
    values = {
        name_field(): name,
        model.get_email_field_name(): line.address,
        "first_name": _fitting("first_name", line.first_name),
        "last_name": _fitting("last_name", line.last_name),
    }
    user = model(**{field: value for field, value in values.items() if has_user_field(field)})
    user.set_unusable_password()
    user.save(force_insert=True)
    user.groups.add(*groups)
    return user
