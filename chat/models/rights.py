"""The right by which somebody may answer a request, looked up again for each answer."""

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
"""The right, in words, of a superuser to answer a request that is assigned to nobody."""
CAUSES = ("fork", "restart", "override")
"""Operations after which `four_eyes` treats the operator like the person who started the run."""
MOST_ORIGINS = 50
"""The maximum number of related runs that are looked at for one request; see `_family`."""


class Right(NamedTuple):
    """The right by which somebody answers a request."""

    words: str
    """The right in words, such as "member of finance" or "bypass: superuser"."""
    group: int | None = None
    """The id of the group, if the user has the right as a member of a group; else None."""
    of: Any = None
    """The key of the user whom the answering user represents as a deputy; None without a deputy."""

    @property
    def is_bypass(self) -> bool:
        return self.words == BYPASS


def right_of(
    request: "HumanRequest", user: "User", *, now: datetime, is_in_browser: bool = True
) -> Right | None:
    """Return the most direct right by which a user may answer the request, or None.

    The rights are, from the most direct one:

    - The request is assigned to the user by name.
    - The request is assigned to a group of the user.
    - The request is assigned to a permission of the user.
    - The user is a deputy of somebody who has one of these three rights.
    - The user is a superuser. The answer is then a bypass, unless the request is assigned to
      nobody.

    With `four_eyes`, people who caused the request have no right to answer it, nor do their
    deputies. A user has no right, either, if a program opened the request with the user's token. If
    `ASKERS_MAY_ANSWER` is on, such a user may still answer in a browser.
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
    """Return the keys of the users with whose tokens programs opened the request.

    A program has opened the request if it started the request's run, a parent of that run, or a run
    from which one of these runs was forked; see `_family`.
    """
    return token_owners(request.wait.run)


def token_owners(run: Run) -> set[Any]:
    """Return the keys of the users with whose tokens programs started this run or a related run.

    The related runs are those that `_family` yields.
    """
    return {one.started_by_id for one in _family(run) if one.program} - {None}


def causers(run: Run) -> set[Any]:
    """Return the keys, as in JSON, of the users who count as having caused a run's questions.

    They are the users who started the run or a related run that `_family` yields, and the operators
    who forked, restarted or overrode one of these runs.
    """
    found: set[Any] = set()
    for one in _family(run):
        found |= {json_key(one.started_by_id)} | _operators(one)
    return found - {None}


def _family(run: Run) -> Iterator[Run]:
    """Yield a run, its parent and its origin, the parents and origins of these runs, and so on.

    The origin of a run is the run from which it was forked or restarted. Each run is yielded once.
    """
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
    operations = [*run.events.filter(of_these), *run.run_inputs.filter(of_these, taken_at=None)]
    return {one.content.get("by_id") for one in operations}
