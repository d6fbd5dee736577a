"""Lists of the requests of visible runs, newest first."""

from functools import partial
from uuid import UUID

from chat.access import visible_requests
from chat.models.request_queries import HumanRequestQuerySet
from procedures import access
from procedures.among import is_among
from procedures.run_lists import UNENDED, RunList, few_runs, procedures_of_runs
from procedures.store.merging import GLANCE, HANDFUL, first_seen
from procedures.users import User

MANY = 1000
"""The limit for looking up open requests by the keys of their unended runs.

If a user sees this many unended runs or more, all open requests are checked one by one instead.
"""
TESTED = 2 * HANDFUL
"""The maximum number of requests that are checked one by one for whether the user may see them."""


def newest_requests(
    requests: HumanRequestQuerySet,
    user: User,
    most: int,
    *,
    are_open: bool,
    after: UUID | None = None,
) -> list[UUID]:
    """Return the ids of the newest of `requests` whose runs the user may see, at most `most`.

    With `after`, only requests older than the request `after` are returned. Pass `are_open=True` if
    all of `requests` are open: the function is then faster.
    """
    if after:
        requests = requests.filter(pk__lt=after)
    if access.sees_all(user):
        return _first(requests, most)
    few = few_runs(user)
    if few is not None:
        return _first(requests.filter(wait__run__in=few), most)
    test = partial(
        first_seen,
        lambda last, count: _first(requests.filter(pk__lt=last) if last else requests, count),
        lambda ids: _first(visible_requests(user).filter(pk__in=ids), len(ids)),
        most,
    )
    unended = RunList(user, state=UNENDED)
    found, is_all = test(within=GLANCE)
    # For a user who sees few of the first requests, it is faster to read the requests of their own
    # runs.
    is_rare = len(found) * TESTED < most * GLANCE
    if not is_all and not (are_open and is_rare and unended.is_read_at_once):
        found, is_all = test(within=TESTED)
    if is_all:
        return found
    if are_open:
        return _among_unended_runs(requests, unended, most)
    procedures = list(procedures_of_runs(user).values_list("pk", flat=True))
    requests = requests.filter(wait__run__procedure__in=procedures)
    return _first(requests.filter(access.is_visible(user, "wait__run")), most)


def _among_unended_runs(requests: HumanRequestQuerySet, unended: RunList, most: int) -> list[UUID]:
    """Return the newest of `requests`, all of which are open, for a user who sees many runs.

    Only unended runs have open requests, and usually few runs are unended.
    """
    runs = unended.newest(MANY)
    if len(runs) == MANY:
        return _first(requests.filter(access.is_visible(unended.user, "wait__run")), most)
    return _first(requests.filter(is_among("wait__run", runs)), most)


def _first(requests: HumanRequestQuerySet, most: int) -> list[UUID]:
    return list(requests.order_by("-pk").values_list("pk", flat=True)[:most])
