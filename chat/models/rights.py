"""The right by which somebody may answer a request, looked up each time they answer."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Q

from chat.models.delegation import Delegation
from chat.store import sql
from procedures.conf import conf
from procedures.engine.journal.events import EventKind
from procedures.models import Run
from procedures.users import json_key

if TYPE_CHECKING:
    from chat.models.request import HumanRequest
    from procedures.users import User

BYPASS = "bypass: superuser"
ADMINISTRATOR = "administrator"
"""The right of a superuser to answer a request that asks nobody."""
CAUSES = ("fork", "restart", "override")
"""The operations whose operator counts as having caused what the run asks afterwards."""
MOST_ORIGINS = 50
"""The maximum number of runs to look at: a run, the runs above it, and the origins of forks."""


class Right(NamedTuple):
    """The right by which somebody answers a request."""

    words: str
    """The right in words, such as "member of finance" or "bypass: superuser"."""
    group: int | None = None
    """The group's id, if the right comes from membership."""
    of: Any = None
    """The key of the user for whom a deputy answers, or None."""

    @property
    def is_bypass(self) -> bool:
        return self.words == BYPASS


def right_of(
    request: "HumanRequest", user: "User", *, now: datetime, is_in_browser: bool = True
) -> Right | None:
    """Return the most direct right by which a user may answer the request, or None.

    An assignment by name comes first, then one to a group, then one to a permission, then the right
    of a deputy, then that of a superuser. A superuser's answer is a bypass, unless the request asks
    nobody at all.

    With `four_eyes`, whoever caused the request has no right to answer it. Their deputies have
    none, either. The same is true of a user with whose token a program asked; `ASKERS_MAY_ANSWER`
    allows them to answer in a browser.
    """
    askers = set() if is_in_browser and conf.ASKERS_MAY_ANSWER else askers_by_token(request)
    if user.pk in askers:
        return None
    if request.four_eyes and _is_excluded(request, user, now):
        return None
    if right := _own_right(request, user):
        return right
    given = Delegation.objects.active(now).filter(to=user)
    for delegation in given.select_related("user").order_by("pk"):
        if delegation.user_id not in askers and _own_right(request, delegation.user):
            return Right(f"deputy of {delegation.user.get_username()}", of=delegation.user_id)
    if not user.is_superuser:
        return None
    return Right(ADMINISTRATOR if request.is_unasked else BYPASS)


def _own_right(request: "HumanRequest", user: "User") -> Right | None:
    rights: list[Right] = []
    for named, group, name, permission in sql.ways_to_answer.fetch(request.pk, user.pk, user.pk):
        if named is not None:
            return Right("named")
        if group:
            rights.insert(0, Right(f"member of {name}", group))
        elif permission and not user.is_superuser and user.has_perm(permission):
            rights.append(Right(f"holder of {permission}"))
    return rights[0] if rights else None


def _is_excluded(request: "HumanRequest", user: "User", now: datetime) -> bool:
    caused = causers(request.wait.run)
    principals = Delegation.objects.active(now).filter(to=user).values_list("user", flat=True)
    return not caused.isdisjoint(map(json_key, [user.pk, *principals]))


def askers_by_token(request: "HumanRequest") -> set[Any]:
    """Return the keys of the users with whose tokens the request was opened.

    A child run counts as started by its parent's program. A fork, and each child of it, also counts
    as started by the program of the fork's origin.
    """
    return token_owners(request.wait.run)


def token_owners(run: Run) -> set[Any]:
    """Return the keys of the users whose tokens started this run or a related run.

    Related runs are the runs above it, and the origins of forks among them.
    """
    return {one.started_by_id for one in _family(run) if one.program} - {None}


def causers(run: Run) -> set[Any]:
    """Return the keys of the users who caused a run's questions, in JSON form.

    These users started the run, a run above it, or the origin of a fork among these runs; or they
    forked, restarted or overrode one of them.
    """
    found: set[Any] = set()
    for one in _family(run):
        found |= {json_key(one.started_by_id)} | _operators(one)
    return found - {None}


def _family(run: Run) -> Iterator[Run]:
    """Yield a run, the runs above it, and the origins of those that are forks, each only once."""
    left, seen = [run], set[Any]()
    while left and len(seen) < MOST_ORIGINS:
        one = left.pop()
        if one.pk in seen:
            continue
        seen.add(one.pk)
        yield one
        left += [above for above in (_parent(one), one.origin) if above is not None]


def _parent(run: Run) -> Run | None:
    return run.parent_wait.run if run.parent_wait else None


def _operators(run: Run) -> set[Any]:
    of_these = Q(name__in=CAUSES, kind=EventKind.OPERATOR)
    told = [*run.events.filter(of_these), *run.run_inputs.filter(of_these, taken_at=None)]
    return {one.content.get("by_id") for one in told}
