"""Responses for programs that watch the site: liveness, readiness, and the site's figures."""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.models import HumanRequest, Notification
from dashboard.http.bearer import token_in
from dashboard.models import ApiToken, Scope
from dashboard.overview.health import read_figures
from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import complaints

PLAIN = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
MIGRATED: set[str] = set()
"""The aliases of databases that this process has found migrated; they aren't checked again."""


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Return 200; this shows only that the process responds."""
    return HttpResponse("ok\n", content_type=PLAIN)


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Return 200 if this process can serve pages; otherwise, 503 and the reason."""
    fault = _fault()
    return HttpResponse(f"{fault or 'ready'}\n", content_type=PLAIN, status=503 if fault else 200)


def _fault() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "" if _is_migrated() else "The database isn't migrated. Run `manage.py migrate`."
    except DatabaseError:
        return "The database can't be reached."


def _is_migrated() -> bool:
    if connection.alias not in MIGRATED:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        MIGRATED.add(connection.alias)
    return True


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the figures of the site in the text format of Prometheus, to operators only.

    A program sends an operator's token that has the scope "read".
    """
    if not _may_read(request):
        words = "Send the token of an operator as `Authorization: Bearer TOKEN`.\n"
        refused = HttpResponse(words, content_type=PLAIN, status=401)
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    lines = "".join(f"{line}\n" for line in _lines())
    return HttpResponse(lines, content_type=PROMETHEUS)


def _may_read(request: HttpRequest) -> bool:
    token = token_in(request.headers.get("Authorization", ""))
    if not token:
        return request.user.is_authenticated and access.is_operator(request.user)
    found = ApiToken.find(token)
    return bool(found and Scope.READ in found.scopes and access.is_operator(found.user))


def _lines() -> Iterator[str]:
    now = clock.now()
    figures = read_figures(now)
    yield from _gauge("info", "The version of the site.", {f'version="{_version()}"': 1})
    yield from _gauge("workers", "Workers with a recent sign of life.", {"": figures.workers})
    yield from _gauge("sockets", "Open sockets of pages and programs.", {"": figures.sockets})
    queued = figures.queued.total_seconds()
    longest = "The longest time for which a queued run has been waiting for a worker."
    yield from _gauge("queue_age_seconds", longest, {"": queued})
    silence = figures.silence.total_seconds() if figures.silence is not None else None
    words = "The time since the clock process last looked for due work."
    yield from _gauge("clock_age_seconds", words, {"": silence})
    alive = [one for one in RunStatus if not one.is_end or one == RunStatus.QUARANTINED]
    rows = Run.objects.filter(status__in=alive).order_by().values_list("status")
    counts = dict.fromkeys(alive, 0) | dict(rows.annotate(count=Count("pk")))
    by_status = {f'status="{status}"': count for status, count in counts.items()}
    yield from _gauge("runs", "Runs that haven't ended, by their status.", by_status)
    open_ones = HumanRequest.objects.open().count()
    yield from _gauge("open_requests", "Requests that wait for people.", {"": open_ones})
    failing = Notification.objects.failing().count()
    yield from _gauge("failing_notifications", "Notifications that keep failing.", {"": failing})
    parts = Counter(f'part="{one.part}"' for one in complaints(now=now))
    yield from _gauge("complaints", "Parts of the site that don't work.", parts)


def _gauge(name: str, description: str, values: Mapping[str, float | None]) -> Iterator[str]:
    """Yield the lines of a metric, with one value for each set of labels.

    Values that are None are left out.
    """
    yield f"# HELP countersign_{name} {description}"
    yield f"# TYPE countersign_{name} gauge"
    for labels, value in values.items():
        if value is not None:
            yield (
                f"countersign_{name}{{{labels}}} {value}"
                if labels
                else (f"countersign_{name} {value}")
            )


def _version() -> str:
    try:
        return version("countersign")
    except PackageNotFoundError:
        return "unknown"
