"""Lists and counts of the runs that somebody may see, by keys instead of by one large condition.

`access.visible_runs` decides about runs that are named already, by `.filter(pk=…)` and the like. To
find the newest of all visible runs, or to count them, use this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.models import Procedure, Run
from procedures.models.run_queries import RunQuerySet
from procedures.store import keyed
from procedures.store.keyed import KeyedRuns, RunState, Span
from procedures.users import User

MOST_COUNTED = 99
"""The largest number that is counted; beyond it, lists show "99+"."""
PEOPLE, TIME = "people", "time"
"""The two states of waiting runs in lists: waiting for people, and for anything else."""
STATES: Mapping[str, RunState] = {
    **{status.value: RunState(status) for status in RunStatus},
    PEOPLE: RunState(RunStatus.WAITING, (True,)),
    TIME: RunState(RunStatus.WAITING, (False,)),
}


@dataclass(frozen=True)
class RunList:
    """The runs that a user may see, newest first, possibly only some of them."""

    user: User | AnonymousUser
    state: str = ""
    """A name in `STATES`; "" for all."""
    procedure: str = ""
    """The name of a procedure; "" for all."""
    parent: UUID | None = None
    """The run whose children to list; nothing is listed if the user may not see it."""

    def newest(
        self, limit: int, *, after: UUID | None = None, since: UUID | None = None
    ) -> list[UUID]:
        """Return the ids of at most `limit` runs: those older than `after`, newer than `since`."""
        if self.parent:
            return self._children_of(self.parent, limit, after=after, since=since)
        sources, span = self._found(Span(limit, after, since))
        state = STATES[self.state] if self.state else None
        return keyed.newest_runs(sources, span, state)

    def load(self, runs: list[UUID]) -> RunQuerySet:
        """Return a query of these runs, newest first, without any that the user may not see."""
        return access.visible_runs(self.user).filter(pk__in=runs).order_by("-pk")

    def count(self, *states: str) -> dict[str, int]:
        """Return the number of runs in each of the states, at most `MOST_COUNTED` + 1."""
        sources, span = self._found(Span(MOST_COUNTED + 1))
        found = keyed.count_runs(sources, span, {state: STATES[state] for state in states})
        return {state: found.get(state, 0) for state in states}

    def _found(self, span: Span) -> tuple[list[KeyedRuns], Span]:
        """Return where to look for the runs, and the span within the chosen procedure."""
        user = self.user
        if not isinstance(user, User) or not user.is_active:
            return [], span
        if not self.procedure:
            others = [] if access.sees_all(user) else access.other_runs(user)
            return [access.granted_runs(user), *others], span
        chosen = Procedure.objects.filter(name=self.procedure).first()
        if chosen is None:
            return [], span
        if access.procedures_for(user, *access.SEEING).filter(pk=chosen.pk).exists():
            return [KeyedRuns.of_one(Run, "procedure_id", chosen.pk)], span
        return access.other_runs(user), replace(span, procedure=chosen.pk)

    def _children_of(
        self, parent: UUID, limit: int, *, after: UUID | None, since: UUID | None
    ) -> list[UUID]:
        visible = access.visible_runs(self.user)
        if not visible.filter(pk=parent).exists():
            return []
        children = visible.filter(parent_wait__run=parent)
        if self.state:
            stand = STATES[self.state]
            children = children.filter(status=stand.status, is_asking__in=stand.is_asking)
        if self.procedure:
            children = children.filter(procedure__name=self.procedure)
        if after:
            children = children.filter(pk__lt=after)
        if since:
            children = children.filter(pk__gt=since)
        return list(children.order_by("-pk").values_list("pk", flat=True)[:limit])
