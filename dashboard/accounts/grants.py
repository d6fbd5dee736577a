"""Changes of the roles that groups have on procedures: several changes at once, with a reason."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, cast

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied

from chat.doorbell import RIGHTS, ring_after_commit
from dashboard.accounts.groups import groups_in_use, lock_access
from dashboard.accounts.keyed import number_in
from dashboard.models.trail import note
from procedures.access import HeldRoles
from procedures.engine.declaration.roles import ROLES, Role
from procedures.models import Grant, Procedure
from procedures.transactions import service_atomic
from procedures.users import User

ADD, DELETE = "countersign_procedures.add_grant", "countersign_procedures.delete_grant"


class Cell(NamedTuple):
    """A role of a group on a procedure, written "PROCEDURE:GROUP:ROLE", such as "4:2:answer"."""

    procedure: int
    group: int
    role: Role

    def __str__(self) -> str:
        return f"{self.procedure}:{self.group}:{self.role}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the cell for a text such as "4:2:answer", or None if the text isn't a cell."""
        procedure, _, rest = text.partition(":")
        group, _, role = rest.partition(":")
        ids = number_in(procedure), number_in(group)
        if ids[0] is None or ids[1] is None or role not in ROLES:
            return None
        return cls(ids[0], ids[1], cast("Role", role))


@dataclass(frozen=True)
class Difference:
    """A change of roles: an added cell gives a role to a group, a removed one takes it away."""

    added: frozenset[Cell]
    removed: frozenset[Cell]

    @classmethod
    def between(cls, before: Iterable[str], after: Iterable[str]) -> Self:
        """Return the difference between the cells that a page showed and the cells that it sent."""
        held, wanted = _cells(before), _cells(after)
        return cls(wanted - held, held - wanted)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    @property
    def cells(self) -> frozenset[Cell]:
        return self.added | self.removed


class Changer:
    """A person who changes the roles of groups.

    On a procedure, a person can give and take away only the roles that the person has there.
    """

    def __init__(self, user: User, procedures: Collection[int]) -> None:
        self._held = HeldRoles(user, procedures)
        self.may_add, self.may_remove = user.has_perm(ADD), user.has_perm(DELETE)

    def may(self, cell: Cell, *, is_held: bool) -> bool:
        """Return True if the person may change the cell.

        If `is_held`, the group has the role, and the change takes the role away. Otherwise, the
        change gives the role to the group.
        """
        is_permitted = self.may_remove if is_held else self.may_add
        return is_permitted and self._held.has(cell.role, cell.procedure)


def check_change(difference: Difference, *, by: User) -> None:
    """Raise `PermissionDenied` unless the person may make all of these changes."""
    changer = Changer(by, {cell.procedure for cell in difference.cells})
    may_add = all(changer.may(cell, is_held=False) for cell in difference.added)
    if not may_add or not all(changer.may(cell, is_held=True) for cell in difference.removed):
        raise PermissionDenied


@service_atomic
def change_grants(difference: Difference, *, by: User, reason: str) -> None:
    """Give roles to groups and take roles away, and log these changes with the reason.

    If somebody else has already made one of the changes, that change is left out, also in the log.
    Raises `PermissionDenied` unless `by` may make all of these changes.
    """
    lock_access()
    check_change(difference, by=by)
    left = still_to_make(difference)
    new = [
        Grant(procedure_id=cell.procedure, group_id=cell.group, role=cell.role)
        for cell in left.added
    ]
    Grant.objects.bulk_create(new, ignore_conflicts=True)
    for (procedure, role), cells in _by_role(left.removed).items():
        gone = Grant.objects.filter(procedure=procedure, role=role)
        gone.filter(group__in=[cell.group for cell in cells]).delete()
    ring_after_commit(RIGHTS)
    _log(left, by=by, reason=reason)


def still_to_make(difference: Difference) -> Difference:
    """Return the part of a difference that still changes something.

    Left out are changes that somebody else has already made, changes of groups or procedures that
    no longer exist, and new roles for retired groups.
    """
    procedures, groups = named(difference.cells)
    grants = Grant.objects.filter(procedure__in=procedures, group__in=groups).order_by()
    rows = grants.values_list("procedure", "group", "role")
    held = {Cell(procedure, group, cast("Role", role)) for procedure, group, role in rows}
    in_use = set(groups_in_use().filter(pk__in=groups).values_list("pk", flat=True))
    added = (cell for cell in difference.added - held if cell.procedure in procedures)
    return Difference(
        frozenset(cell for cell in added if cell.group in in_use), difference.removed & held
    )


def named(cells: Iterable[Cell]) -> tuple[dict[int, Procedure], dict[int, Group]]:
    """Return the procedures and the groups of the cells, each in a dictionary by id."""
    listed = list(cells)
    procedures = Procedure.objects.in_bulk({cell.procedure for cell in listed})
    return procedures, Group.objects.in_bulk({cell.group for cell in listed})


def _cells(texts: Iterable[str]) -> frozenset[Cell]:
    return frozenset(cell for cell in map(Cell.read, texts) if cell)


def _by_role(cells: Iterable[Cell]) -> dict[tuple[int, Role], list[Cell]]:
    found: dict[tuple[int, Role], list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.procedure, cell.role].append(cell)
    return found


def _log(difference: Difference, *, by: User, reason: str) -> None:
    procedures, groups = named(difference.cells)
    for key, procedure in sorted(procedures.items()):
        message: list[Any] = []
        for verb, link, cells in (
            ("Granted", "to", difference.added),
            ("Revoked", "from", difference.removed),
        ):
            roles = sorted(
                f"{cell.role} {link} {groups[cell.group]}"
                for cell in cells
                if cell.procedure == key
            )
            message += [f"{verb} {', '.join(roles)}."] if roles else []
        note(by, " ".join(message), about=procedure, reason=reason)
