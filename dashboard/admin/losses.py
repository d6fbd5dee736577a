"""A warning in the admin if after a change nobody could answer some questions."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.access import visible_requests
from chat.models import Assignment, HumanRequest
from chat.services import AnswererSnapshot, Losses, LostName, Reach
from dashboard.admin.addresses import request_addresses
from dashboard.admin.careful import AffectedObject, Consequence, LossRow
from dashboard.admin.viewer import may_look_at
from dashboard.overview.words import listed, name_of
from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.engine.values.sizes import cut
from procedures.models import Procedure, Run

LONGEST_PROMPT = 160
MOST_ROWS = 20
MOST_TITLES = 6
"""The maximum number of procedures to list among those whose code uses a lost name."""
LARGEST_LOOK = 1000
"""The maximum number of requests examined. A database query takes a limited number of ids."""


def watch() -> Callable[[], "ShownLosses | None"]:
    """Record who can answer which requests now, and return a function to call after a change.

    That function returns what nobody could answer after the change, or None if nothing is lost.
    """
    before = AnswererSnapshot()

    def look() -> ShownLosses | None:
        losses = before.losses()
        return ShownLosses(losses) if losses else None

    return look


class ShownLosses:
    """The losses that a change would cause, as sentences for the warning."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses

    @property
    def key(self) -> str:
        """A text made of the affected procedures and names, and of who would be asked instead.

        The ids of the requests aren't part of the text. On a busy site, other requests are open
        every second, so each confirmation would be out of date at once, and no account could be
        deactivated.
        """
        instead = {str(pk): list(map(str, who)) for pk, who in self.losses.instead.items()}
        names = [(one.name, one.reach) for one in self.losses.names]
        has_requests = bool(self.losses.requests)
        facts = [sorted(self.losses.procedures), names, instead, has_requests]
        return json.dumps(facts, sort_keys=True)

    def consequences(self, user: Any) -> list[Consequence]:
        """Return the consequences. Objects that the user may not see are only counted."""
        found = [
            self._requests(user) if self.losses.requests else None,
            self._procedures(user) if self.losses.procedures else None,
            self._names(user) if self.losses.names else None,
        ]
        return [one for one in found if one]

    def _requests(self, user: Any) -> Consequence:
        count = len(self.losses.requests)
        lost = HumanRequest.objects.filter(pk__in=sorted(self.losses.requests)[:LARGEST_LOOK])
        on_site = visible_requests(user).values("pk")
        shown = lost if may_look_at(HumanRequest) else lost.filter(pk__in=on_site)
        first = list(shown.with_what_is_shown().by_urgency()[:MOST_ROWS])
        pages = request_addresses(first, user)
        rows = [self._request(one, pages[one.pk]) for one in first]
        heading = ngettext(
            "Nobody could answer %(count)d open request any more",
            "Nobody could answer %(count)d open requests any more",
            count,
        )
        remedy = _("To avoid this, reassign the requests first, or let somebody else answer them.")
        return Consequence(heading % {"count": count}, remedy, rows, _more(count, len(rows)))

    def _request(self, request: HumanRequest, page: str) -> LossRow:
        procedure = request.wait.run.procedure
        values = {"procedure": procedure, "asked": _asked(request.assignments.all())}
        now = _("%(procedure)s asks %(asked)s.") % values
        thing = AffectedObject(cut(request.prompt, LONGEST_PROMPT), page)
        return LossRow([thing], f"{now} {self._next(procedure.pk)}")

    def _next(self, procedure: int) -> str:
        """Return a sentence that says who would be asked for the procedure's request instead."""
        if instead := self.losses.instead.get(procedure):
            return _("%(asked)s would be asked instead.") % {"asked": capfirst(_asked(instead))}
        return _("There is nobody else to ask, so the request would wait until there is somebody.")

    def _procedures(self, user: Any) -> Consequence:
        count = len(self.losses.procedures)
        lost = Procedure.objects.filter(pk__in=self.losses.procedures)
        shown = _shown_procedures(lost, user).order_by("title", "name")
        by_fate: dict[str, list[Procedure]] = {}
        for procedure in shown:
            by_fate.setdefault(self._fate_of(procedure), []).append(procedure)
        rows = [_together(found, fate) for fate, found in by_fate.items()]
        heading = ngettext(
            "Nobody would have the role “answer” on %(count)d procedure any more",
            "Nobody would have the role “answer” on %(count)d procedures any more",
            count,
        )
        remedy = _(
            "To avoid this, grant the role to another group first, or add people to a group that"
            " has it."
        )
        left = _more(count, sum(map(len, by_fate.values())))
        return Consequence(heading % {"count": count}, remedy, rows, left)

    def _fate_of(self, procedure: Procedure) -> str:
        """Return a sentence about who would answer the procedure's questions without assignees."""
        if instead := self.losses.instead.get(procedure.pk):
            sentence = _("Questions that aren't assigned to anybody would go to %(asked)s.")
            return sentence % {"asked": _asked(instead)}
        return _(
            "Questions that aren't assigned to anybody would wait until somebody has the role."
        )

    def _names(self, user: Any) -> Consequence:
        lost = self.losses.names
        used = {name for one in lost for name in one.procedures}
        found = _shown_procedures(Procedure.objects.filter(name__in=used), user)
        titles = dict(found.values_list("name", "title"))
        rows = [_name(one, titles) for one in lost[:MOST_ROWS]]
        left = _more(len(lost), len(rows))
        heading = ngettext(
            "%(count)d name in the code would no longer match anybody",
            "%(count)d names in the code would no longer match anybody",
            len(lost),
        )
        remedy = _(
            "To avoid this, change the code first, or keep the name and make sure that it still "
            "matches somebody."
        )
        return Consequence(heading % {"count": len(lost)}, remedy, rows, left)


def _together(procedures: Sequence[Procedure], fate: str) -> LossRow:
    first = procedures[:MOST_ROWS]
    things = [
        AffectedObject(one.title, reverse("countersign:procedure_detail", args=[one.name]))
        for one in first
    ]
    is_open = [status for status in RunStatus if not status.is_end]
    runs = Run.objects.filter(procedure__in=[one.pk for one in procedures], status__in=is_open)
    count = _("Runs that haven't ended: %(count)d.") % {"count": runs.count()}
    return LossRow(things, f"{fate} {count}", _and_more(len(procedures) - len(first)))


def _name(lost: LostName, titles: Mapping[str, str]) -> LossRow:
    shown = sorted(titles[name] for name in lost.procedures if name in titles)
    return LossRow([AffectedObject(lost.name)], f"{_users_of(shown)} {_fate_of(lost)}")


def _users_of(shown: Sequence[str]) -> str:
    if not shown:
        return _("A procedure that you can't see uses this name.")
    more = len(shown) - MOST_TITLES
    titles = [*shown[:MOST_TITLES], *([_and_more(more)] if more > 0 else [])]
    return _("Used by the code of %(titles)s.") % {"titles": ", ".join(titles)}


def _fate_of(lost: LostName) -> str:
    if lost.reach == Reach.NOBODY:
        return _("Nobody could answer the requests that code assigns to this name.")
    if lost.used.in_code:
        return _(
            "Requests that code assigns to this name would go to those who have the role “answer”."
        )
    return _(
        "The roles in the code would still name the group, so a new installation would create it"
        " again."
    )


def _shown_procedures(found: QuerySet[Procedure], user: Any) -> QuerySet[Procedure]:
    if may_look_at(Procedure):
        return found
    return found.filter(pk__in=access.visible_procedures(user).values("pk"))


def _asked(assignments: Iterable[Assignment]) -> str:
    return listed([name_of(str(one)) for one in assignments], "or")


def _and_more(count: int) -> str:
    return _("and %(count)d more") % {"count": count} if count > 0 else ""


def _more(count: int, shown: int) -> str:
    left = count - shown
    if left and not shown:
        return _("You don't have permission to see them.")
    if not left:
        return ""
    words = ngettext("%(count)d more isn't listed.", "%(count)d more aren't listed.", left)
    return words % {"count": left}
