"""The demo's history: real runs, executed with the clock set back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.storage import default_storage

from chat.models import HumanRequest
from chat.services import Answer, respond
from dashboard.demo.repository import create_demo_repository
from dashboard.environment.variables import DEMO_REPOSITORY
from procedures import runner, services
from procedures.conf import conf
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore, path_of
from procedures.models import Run
from procedures.models.clock import clock
from procedures.users import User

logger = logging.getLogger(__name__)
SAMPLE = conf.BASE_DIR / "docs" / "orders.csv"
PAUSE = timedelta(minutes=4)
"""The time between two answers, and between the start of a run and its first answer."""
GIVEN_UP = timedelta(hours=3)
"""A time after the start of a run of `refund` at which all its questions have expired."""


@dataclass(frozen=True)
class Past:
    """A run of `refund` in the past: how long ago it started, and whether each answer approves."""

    key: str
    ago: timedelta
    answers: tuple[bool, ...] = ()
    limit: str = "100"
    is_given_up: bool = False
    """True if nobody answers the other questions, so that their deadlines pass."""
    loses_its_file: bool = False


PASTS = (
    Past("demo-nothing-to-ask", timedelta(days=3), limit="2000"),
    Past("demo-all-answered", timedelta(days=2), answers=(True, True, True, False, True)),
    Past("demo-given-up", timedelta(days=1), answers=(True, False), is_given_up=True),
    Past("demo-failed", timedelta(hours=5), loses_its_file=True),
    Past("demo-half-answered", timedelta(minutes=50), answers=(True, True)),
    Past("demo-waiting", timedelta(minutes=21)),
)


@dataclass(frozen=True)
class PastRelease:
    """One run of `release` in the past: how long ago it started, and which version was chosen."""

    key: str
    ago: timedelta
    chosen: str


RELEASES = (PastRelease("demo-notes-to-review", timedelta(minutes=12), chosen="minor"),)


def create_demo_runs() -> None:
    """Create the demo's runs, except those that exist; log errors instead of raising them."""
    people = User.objects.in_bulk(["starter", "approver"], field_name="username")
    if len(people) < 2:  # noqa: PLR2004 (somebody was removed)
        return
    starter, approver = people["starter"], people["approver"]
    try:
        for past in PASTS:
            if not was_made("refund", past.key, starter):
                live_through(past, starter=starter, approver=approver)
        for release in RELEASES:
            if not was_made("release", release.key, starter):
                live_through_release(release, starter=starter)
    except Exception as error:  # noqa: BLE001 (what the site has made of procedures and sample)
        logger.warning("Some runs of the demo couldn't be created: %s", error)


def was_made(procedure: str, key: str, starter: User) -> bool:
    """Return True if the starter has a run of this procedure with this idempotency key.

    It doesn't matter if the inputs, the code or the starter's rights have changed since then.
    """
    return Run.objects.filter(
        procedure__name=procedure, started_by=starter, idempotency_key=key
    ).exists()


def live_through(past: Past, *, starter: User, approver: User) -> None:
    with at(-past.ago):
        run = start(past, starter)
        runner.advance_run(run.pk)
    for count, is_approved in enumerate(past.answers, start=1):
        with at(PAUSE * count - past.ago):
            answer(run, approver, is_approved=is_approved)
    if past.is_given_up:
        give_up(run, since=past.ago)


def live_through_release(past: PastRelease, *, starter: User) -> None:
    """Create a run of `release`, and choose a version in it.

    Nothing is created if git is missing, or if the site has set its own repositories.
    """
    inputs, path = {"repository": "demo", "check": "tests"}, conf.LOCAL_DIR / DEMO_REPOSITORY
    repositories, checks = conf.SITE_CHOICES["REPOSITORIES"], conf.SITE_CHOICES["CHECKS"]
    if repositories.get("demo") != str(path) or "tests" not in checks:
        return
    if not create_demo_repository(path):
        return
    with at(-past.ago):
        run, _ = services.start_run("release", inputs, by=starter, idempotency_key=past.key)
        runner.advance_run(run.pk)
    with at(PAUSE - past.ago):
        request = HumanRequest.objects.open().get(wait__run=run)
        respond(request.pk, Answer(past.chosen, channel="demo"), by=starter)
        runner.advance_run(run.pk)


def start(past: Past, starter: User) -> Run:
    own_line = "\n" if past.loses_its_file else ""  # so that no other run needs this content
    with use_file_store(ContentStore()):
        orders = File.store(SAMPLE.name, SAMPLE.read_text() + own_line)
    inputs = {"orders": orders, "limit": past.limit}
    run, _ = services.start_run("refund", inputs, by=starter, idempotency_key=past.key)
    if past.loses_its_file:
        default_storage.delete(path_of(orders.digest))
    return run


def answer(run: Run, approver: User, *, is_approved: bool) -> None:
    request = HumanRequest.objects.open().filter(wait__run=run).earliest("pk")
    comment = "" if is_approved else "Not without the parcel number."
    respond(request.pk, Answer(is_approved, comment, channel="demo"), by=approver)
    runner.advance_run(run.pk)


def give_up(run: Run, *, since: timedelta) -> None:
    """Advance the run at a time when the deadlines of its open questions have passed.

    `since` is how long ago the run started.
    """
    with at(GIVEN_UP - since):
        services.sweep()
        runner.advance_run(run.pk)


@contextmanager
def at(ahead: timedelta) -> Iterator[None]:
    """Move the clock by `ahead` inside the block, into the past if `ahead` is negative."""
    clock.ahead = ahead
    try:
        yield
    finally:
        clock.ahead = timedelta(0)
