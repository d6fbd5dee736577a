"""Lists of the requests of visible runs, newest first."""

from uuid import UUID

from chat.access import visible_requests
from chat.models.request import HumanRequestQuerySet
from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.run_lists import PEOPLE, RunList, few_runs, procedures_of_runs
from procedures.store.merging import merged
from procedures.users import User

GLANCE = 300
"""The newest requests about which the access rules are asked at once."""
MANY = 1000
"""The visible runs among which enough are found by looking through all requests."""
BESIDES = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING, RunStatus.PAUSED)
"""The statuses, besides waiting, in which a run may have an open request."""


def newest_requests(
    requests: HumanRequestQuerySet,
    user: User,
    most: int,
    *,
    are_open: bool,
    after: UUID | None = None,
) -> list[UUID]:
    """Return the newest of these requests whose runs a user may see, older than `after`.

    Pass `are_open=True` if all of the requests are open; they are then found faster.
    """
    if after:
        requests = requests.filter(pk__lt=after)
    if access.sees_all(user):
        return _first(requests, most)
    few = few_runs(user)
    if few is not None:
        return _first(requests.filter(wait__run__in=few), most)
    # Most who see many runs see many of the newest requests.
    newest = _first(requests, GLANCE)
    found = _first(visible_requests(user).filter(pk__in=newest), most)
    if len(found) == most or len(newest) < GLANCE:
        return found
    if are_open:
        return _among_asking_runs(requests, user, most)
    procedures = list(procedures_of_runs(user).values_list("pk", flat=True))
    requests = requests.filter(wait__run__procedure__in=procedures)
    return _first(requests.filter(access.is_visible(user, "wait__run")), most)


def _among_asking_runs(requests: HumanRequestQuerySet, user: User, most: int) -> list[UUID]:
    """Return the newest requests for a user who may see many runs, few of which have requests."""
    asking = RunList(user, state=PEOPLE).newest(MANY)
    if len(asking) == MANY:
        return _first(requests.filter(access.is_visible(user, "wait__run")), most)
    busy = requests.filter(access.is_visible(user, "wait__run"), wait__run__status__in=BESIDES)
    parts = [requests.filter(wait__run__in=asking), busy]
    ids = [part.order_by("-pk").values_list("pk")[:most] for part in parts]
    return [UUID(str(pk)) for (pk,) in merged(ids, order="1 DESC", limit=most)]


def _first(requests: HumanRequestQuerySet, most: int) -> list[UUID]:
    return list(requests.order_by("-pk").values_list("pk", flat=True)[:most])
