"""The first page of the admin: problems to solve, the site's state, and the newest log entries."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import HumanRequest, Notification
from chat.services.answerers import requests_without_answerers
from dashboard.admin.addresses import list_address
from dashboard.admin.viewer import may_look_at, viewing
from dashboard.overview.health import Figures, read_figures
from procedures import access
from procedures.conf import conf
from procedures.engine.journal.events import RunStatus
from procedures.models import Act, Grant, Run
from procedures.models.clock import clock
from procedures.services import complaints, slots, verification
from procedures.users import User, active_users, has_user_field, users

MOST_COUNTED = 1_000
MOST_ACTS, MOST_SLOTS = 12, 12
RECENT = timedelta(days=7)
LITTLE_SPACE = 0.05
"""The page warns if less than this fraction of a disk is free."""


class Need(NamedTuple):
    """A problem that somebody should solve: a sentence, and the address of a page about it."""

    words: str
    url: str


class Figure(NamedTuple):
    """The state of a part of the site, such as the clock, and a remedy if the part is late."""

    name: str
    value: str
    is_late: bool = False
    remedy: str = ""


def front_page(request: HttpRequest) -> dict[str, Any]:
    """Return the template context of the first page, with only what its viewer may see."""
    user: Any = request.user
    with viewing(user):
        may_read, is_operator = may_look_at(Act), access.is_operator(user)
        acts = list(Act.objects.all()[:MOST_ACTS]) if may_read else []
        return {
            "needs": list(_needs()),
            "may_read_log": may_read,
            "acts": acts,
            "shows_addresses": False,
            "is_operator": is_operator,
            **(_health() if is_operator else {}),
        }


def _health() -> dict[str, Any]:
    now = clock.now()
    working = slots(now)
    return {
        "health": list(_figures(read_figures(now))),
        "complaints": complaints(now=now, working=working),
        "slots": working[:MOST_SLOTS] if may_look_at(Run) else [],
    }


def _needs() -> Iterator[Need]:
    """Yield the problems that somebody should solve.

    Those about rows that the viewer may not see are left out.
    """
    for model, find in NEEDS:
        if may_look_at(model):
            found = find()
            if found is not None:
                yield found


def _counted(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: MOST_COUNTED + 1].count()


def _quarantined() -> Need | None:
    count = _counted(Run.objects.filter(status=RunStatus.QUARANTINED))
    words = ngettext(
        "{count} run is quarantined: it can't continue until somebody helps. Its page says why.",
        "{count} runs are quarantined: they can't continue until somebody helps. Their pages say "
        "why.",
        count,
    )
    url = list_address(Run, "status__exact=quarantined")
    return Need(words.format(count=count), url) if count else None


def _failed() -> Need | None:
    since = clock.moment() - RECENT
    count = _counted(Run.objects.filter(status=RunStatus.FAILED, ended_at__gte=since))
    words = ngettext(
        "{count} run failed in the last seven days.",
        "{count} runs failed in the last seven days.",
        count,
    )
    url = list_address(Run, "status__exact=failed")
    return Need(words.format(count=count), url) if count else None


def _unanswerable() -> Need | None:
    count = _counted(requests_without_answerers())
    words = ngettext(
        "Nobody can answer {count} open request. Reassign it.",
        "Nobody can answer {count} open requests. Reassign them.",
        count,
    )
    url = list_address(HumanRequest, "status__exact=open")
    return Need(words.format(count=count), url) if count else None


def _unsent() -> Need | None:
    since = clock.moment() - RECENT
    failed = Notification.objects.filter(status=Notification.Status.FAILED, planned_at__gte=since)
    count = _counted(failed)
    words = ngettext(
        "{count} notification of the last seven days couldn't be sent.",
        "{count} notifications of the last seven days couldn't be sent.",
        count,
    )
    url = list_address(Notification, "status__exact=failed")
    return Need(words.format(count=count), url) if count else None


def _empty_groups() -> Need | None:
    if not has_user_field("groups"):
        return None
    granted = Exists(Grant.objects.filter(group=OuterRef("pk")).order_by())
    present = Exists(active_users().filter(groups=OuterRef("pk")).order_by())
    count = _counted(Group.objects.filter(granted).exclude(present))
    words = ngettext(
        "{count} group has roles and no active member.",
        "{count} groups have roles and no active members.",
        count,
    )
    return Need(words.format(count=count), reverse("admin:groups")) if count else None


def _alone() -> Need | None:
    """Return the first step on a new site, which has only one active user: to invite people."""
    if active_users().order_by()[:2].count() > 1:
        return None
    return Need(_("Nobody else has an account yet. Invite people."), reverse("admin:invite"))


def _without_address() -> Need | None:
    field = str(users().model.get_email_field_name())
    if not has_user_field(field):
        return None
    count = _counted(active_users().filter(**{field: ""}))
    words = ngettext(
        "{count} active person has no e-mail address, so they can't be notified by mail.",
        "{count} active people have no e-mail address, so they can't be notified by mail.",
        count,
    )
    return Need(words.format(count=count), reverse("admin:people")) if count else None


def _unsound() -> Need | None:
    found = verification.last_result()
    count = found[1]["count"] if found else 0
    words = ngettext(
        "The last verification found {count} fault in what the site has recorded.",
        "The last verification found {count} faults in what the site has recorded.",
        count,
    )
    url = reverse("admin:verification")
    return Need(words.format(count=f"{count:,}"), url) if count else None


NEEDS: list[tuple[Any, Callable[[], Need | None]]] = [
    (Act, _unsound),
    (Run, _quarantined),
    (Run, _failed),
    (HumanRequest, _unanswerable),
    (Notification, _unsent),
    (Group, _empty_groups),
    (User, _without_address),
    (User, _alone),
]


def _figures(now: Figures) -> Iterator[Figure]:
    """Yield the state of each part of the site, each with its remedy."""
    unknown = _("unknown: Redis doesn't answer")
    yield Figure(
        _("Workers"),
        unknown if now.workers is None else str(now.workers),
        not now.workers,
        _("Start one: {command}").format(command="celery -A dashboard worker -Q runs"),
    )
    yield Figure(
        _("Oldest queued run"),
        now.queue_age,
        now.is_queue_late,
        _("All workers are busy. Start more of them, or end runs whose code hangs."),
    )
    yield Figure(
        _("Clock"),
        _("{age} ago").format(age=now.clock_age) if now.clock_age else _("never"),
        now.is_clock_late,
        _("Start it: {command}").format(command="celery -A dashboard worker -Q clock --pool=solo"),
    )
    yield Figure(
        _("Open sockets"),
        unknown if now.sockets is None else str(now.sockets),
        now.sockets is None,
        _("Make sure that Redis runs, and that REDIS_URL names it."),
    )
    yield Figure(_("Database"), _database())
    yield _disk()


def _database() -> str:
    version = connection.get_database_version()
    return f"{connection.display_name} {'.'.join(map(str, version))}"


def _disk() -> Figure:
    """Return the free space of the disk with the site's files, or that it is unknown."""
    place = next((one for one in (conf.LOCAL_DIR, conf.BASE_DIR) if one.is_dir()), None)
    if place is None:
        return Figure(_("Free disk space"), _("unknown"))
    free = shutil.disk_usage(place)
    return Figure(
        _("Free disk space"),
        _("{free} GB of {total} GB").format(
            free=f"{free.free / 1e9:,.1f}", total=f"{free.total / 1e9:,.1f}"
        ),
        free.free < free.total * LITTLE_SPACE,
        _(
            "Make room on the disk, but don't delete the site's own files: the database and runs "
            "can't store anything on a full disk."
        ),
    )


def _extend(site: admin.AdminSite) -> None:
    """Add this content to the first page of an admin site, whatever class the site has."""
    djangos_index = site.index

    def index(request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        return djangos_index(request, {**front_page(request), **(extra_context or {})})

    site.index = index  # type: ignore[method-assign]
    site.index_template = site.index_template or "dashboard/admin/index.html"


_extend(admin.site)
