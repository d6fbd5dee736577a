"""Access rules: groups hold roles per procedure, and superusers hold every role."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull
from django.http import HttpRequest

from procedures.addresses import read_address
from procedures.engine.declaration.roles import Role
from procedures.holdings import holds
from procedures.library import JOBS
from procedures.models import Grant, Procedure, Run, Tombstone
from procedures.models.run_queries import RunQuerySet
from procedures.store.keyed import RunsByKey, RunsByState, Source, SqlPart, chosen
from procedures.store.merging import HANDFUL
from procedures.store.rows import adapted
from procedures.users import User, members_path, users


class SignedIn(HttpRequest):
    """A web request by a signed-in person, the type that every route receives."""

    user: User
    program: str
    """The name of the API token if a program sent the request; not set if a person did."""


def program_of(request: HttpRequest) -> str:
    """Return the name of the API token if a program sent the request; "" if a person did."""
    return str(getattr(request, "program", ""))


def address_of(request: HttpRequest) -> str | None:
    """Return the IP address of the client, or None if the server doesn't know it.

    The server doesn't know it for connections over a Unix socket; some servers name the socket
    instead, and some add a port or an interface.
    """
    found = read_address(str(request.META.get("REMOTE_ADDR", "")))
    return None if found is None else str(found)


OPERATE = "countersign_procedures.operate_run"
"""The permission to operate every run, including runs of procedures without any grant."""
SEEING: tuple[Role, ...] = ("see", "operate", "cancel")
"""The roles whose holders see every run of a procedure."""


@dataclass(frozen=True)
class Provider:
    """A rule of a higher layer that lets users see more runs, such as those of a chat session."""

    condition: Callable[[User], Q]
    """A function that returns a `Q` for the runs that the rule lets a user see.

    The `Q` is used in queries that are narrowed to a few runs. Therefore it should test one run at
    a low cost: with `has_row` and `OuterRef("pk")`, not with the set of all runs that the user
    sees.
    """
    sources: Callable[[User], Iterable[RunsByKey]]
    """A function that returns index lookups for the same runs; lists of runs use them instead of
    the `Q`."""


providers: list[Provider] = []


def sees_all(user: User) -> bool:
    """Return True if the user sees every run, as superusers and holders of `OPERATE` do."""
    return holds(user, OPERATE)


def visible_runs(user: User | AnonymousUser) -> RunQuerySet:
    """Return the runs that a user may see: their own, and those that grants or providers show.

    A user who may operate every run sees every run. The query tests each run separately, so narrow
    it to a few keys. To list or count all visible runs, use `run_lists`.
    """
    if not isinstance(user, User) or not user.is_active:
        return Run.objects.none()
    return Run.objects.all() if sees_all(user) else Run.objects.filter(is_seen_by(user))


def seen_tombstones(user: User | AnonymousUser) -> QuerySet[Tombstone]:
    """Return the tombstones of removed runs that a user could see by a role or as their starter.

    Anything else that made a run visible, such as a request, was removed with the run.
    """
    rows = Tombstone.objects.order_by("-pk")
    if not isinstance(user, User) or not user.is_active:
        return rows.none()
    if sees_all(user):
        return rows
    by_role = Q(procedure__in=procedures_for(user, *SEEING))
    return rows.filter(by_role | Q(started_by=str(user.pk)))


def is_seen_by(user: User) -> Q:
    """Return a `Q` for the runs that an active user may see, by the rule of `visible_runs`."""
    if sees_all(user):
        return Q(pk__isnull=False)
    seen = Q(started_by=user) | Q(procedure__in=procedures_for(user, *SEEING))
    for provider in providers:
        seen |= provider.condition(user)
    return seen


def has_row(rows: QuerySet[Any], *, column: str = "pk") -> Q:
    """Return a `Q` that matches a row if the query `rows` finds anything for it.

    `rows` refers to the row with `OuterRef`. `column` is a column of `rows` that is never null.

    Unlike an `Exists`, this form makes PostgreSQL execute `rows` only for the rows that it needs.
    It might execute an `Exists` once for all rows of the table.
    """
    return Q(IsNull(Subquery(rows.order_by().values(column)[:1]), rhs=False))


def seen_among(user: User | AnonymousUser, runs: Iterable[UUID]) -> set[UUID]:
    """Return the ids of the given runs that a user may see.

    Each query tests a few runs.
    """
    wanted, seen = sorted(set(runs)), set[UUID]()
    if wanted and isinstance(user, User) and user.is_active and sees_all(user):
        return set(wanted)
    for at in range(0, len(wanted), HANDFUL):
        visible = visible_runs(user).filter(pk__in=wanted[at : at + HANDFUL])
        seen.update(visible.order_by().values_list("pk", flat=True))
    return seen


def is_visible(user: User | AnonymousUser, path: str) -> Q:
    """Return a `Q` for rows of another table whose run the user may see.

    `path` is the lookup from such a row to its run, such as "wait__run". As with `visible_runs`,
    narrow the query to a few keys.
    """
    if isinstance(user, User) and user.is_active and sees_all(user):
        return Q(**{f"{path}__isnull": False})
    return Q(Exists(visible_runs(user).filter(pk=OuterRef(path)).order_by()))


def runs_by_grant(procedures: QuerySet[Procedure]) -> RunsByState:
    """Return the index lookup that finds all runs of procedures on which a user has a role."""
    return RunsByState(chosen(procedures.values("pk")))


def runs_without_grant(user: User, procedures: QuerySet[Procedure]) -> list[Source]:
    """Return index lookups for runs that a user sees for other reasons than a role.

    They find the runs of `procedures` that the user has started, and the runs of providers, which
    may be of any procedure.
    """
    is_own = SqlPart("found.started_by_id = %s", (adapted(user.pk),))
    started = RunsByState(chosen(procedures.values("pk")), is_own)
    return [started, *chain.from_iterable(one.sources(user) for one in providers)]


class HeldRoles:
    """The roles that a user has on some procedures, read with one query for all of them."""

    def __init__(self, user: User, procedures: Iterable[int]) -> None:
        self._user, self._procedures = user, set(procedures)

    def has(self, role: Role, procedure: int) -> bool:
        return _has_everywhere(self._user, [role]) or (procedure, role, True) in self._granted

    def may_operate(self, run: Run) -> bool:
        return self.has("operate", run.procedure_id)

    def may_cancel(self, run: Run) -> bool:
        """Return True if the user may cancel the run: operators and holders of "cancel" may.

        If no group holds "cancel" on the procedure, the starter of the run may, too.
        """
        if self.may_operate(run) or self.has("cancel", run.procedure_id):
            return True
        return run.started_by_id == self._user.pk and run.procedure_id not in self._restricted

    @cached_property
    def _restricted(self) -> set[int]:
        """The procedures on which some group holds "cancel": there, starters can't cancel runs."""
        return {procedure for procedure, role, _ in self._granted if role == "cancel"}

    @cached_property
    def _granted(self) -> set[tuple[int, str, bool]]:
        """Triples: a procedure, a role of a group on it, and True if the user is in that group."""
        is_theirs = Exists(users().filter(pk=self._user.pk, groups=OuterRef("group")).order_by())
        granted = Grant.objects.filter(procedure__in=self._procedures).order_by()
        return set(granted.values_list("procedure", "role", is_theirs))


def may_operate(user: User, run: Run) -> bool:
    return HeldRoles(user, [run.procedure_id]).may_operate(run)


def may_cancel(user: User, run: Run) -> bool:
    """Return True if the user may cancel the run, by the rule of `HeldRoles.may_cancel`."""
    return HeldRoles(user, [run.procedure_id]).may_cancel(run)


def is_operator(user: User) -> bool:
    """Return True if the user operates any procedure."""
    return holds(user, OPERATE) or procedures_for(user, "operate").exists()


def procedures_for(user: User, *roles: Role) -> QuerySet[Procedure]:
    """Return the procedures on which a user has one of the roles.

    Without `roles`, any role counts. The site's jobs are only among those whose runs a user may see
    or operate, because they are started on pages of their own.
    """
    found = Procedure.objects.all()
    if not set(roles) & set(SEEING):
        found = found.exclude(name__in=JOBS)
    if _has_everywhere(user, roles):
        return found
    granted = Grant.objects.filter(**{f"group__{members_path()}": user})
    if roles:
        granted = granted.filter(role__in=roles)
    return found.filter(pk__in=granted.values("procedure"))


def _has_everywhere(user: User, roles: Collection[Role]) -> bool:
    """Return True if a user has one of the roles on all procedures.

    Without `roles`, any role counts.
    """
    is_among_them = not roles or set(roles) & set(SEEING)
    return user.is_superuser or bool(is_among_them and holds(user, OPERATE))


def visible_procedures(user: User | AnonymousUser) -> QuerySet[Procedure]:
    """Return the procedures on which a user has any role; none for users who can't sign in."""
    if not isinstance(user, User) or not user.is_active:
        return Procedure.objects.none()
    return procedures_for(user)
