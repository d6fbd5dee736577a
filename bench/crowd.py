"""The people, groups, procedures and entries of the log of a large site, added to a filled one.

`bench.fill` makes the runs of a few procedures for 500 people. This adds what the admin's pages
about people and access list: people in groups, some of whom are away or have left, their sign-ins,
groups with roles on hundreds of procedures that `bench.many` defines, versions, runs of each
procedure, holds, tombstones, announcements and thousands of entries of the log. All of it is
inserted by bulk, so the log's entries prove nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import models, transaction

from bench.crowd_size import MANAGER, Crowd
from bench.feed import analyze, rebuild_feed
from bench.many import GROUPS, PREFIX, group_name
from chat.models import Delegation, Presence
from dashboard.models import Announcement, RetiredGroup, SignIn
from procedures import registry
from procedures.models import Act, Grant, LegalHold, Procedure, ProcedureVersion, Run, Tombstone
from procedures.models.act import LogHead
from procedures.models.clock import clock

ACTS_EACH = 5
"""The entries of the log for each person."""
RUNS_EACH = 40
"""The runs of each further procedure."""
VERSIONS = 3
"""The versions of each further procedure."""
BATCH = 5_000
LEFT, AWAY, NEVER_SEEN = 20, 50, 10
"""One person of so many has left, is away, or was never seen."""
RETIRED = 50
"""One group of so many is retired."""
HOLDS, GRAVES, ANNOUNCEMENTS = 100, 2_000, 20
OF_MANAGER = ("managers", "auditors", "operators")


@transaction.atomic
def add_crowd(crowd: Crowd) -> dict[str, int]:
    """Add people, groups and procedures up to these numbers; return how many rows there are.

    A site that has its manager is full already.
    """
    if not User.objects.filter(username=MANAGER).exists():
        now = clock.now()
        registry.register_all()
        groups = _add_groups(crowd.groups, now)
        people = _add_people(crowd.people, groups, now)
        _add_procedures(groups, now)
        _add_acts(people, now)
        _add_rest(people, now)
        manager = User.objects.create(username=MANAGER, is_staff=True, last_login=now)
        manager.groups.set(Group.objects.filter(standard__kind__in=OF_MANAGER))
        User.objects.create(username="root", is_staff=True, is_superuser=True, last_login=now)
        analyze()
    models_shown = (User, Group, Procedure, Grant, Act)
    return {one.__name__.lower(): one._base_manager.count() for one in models_shown}  # noqa: SLF001


def _add_groups(count: int, now: datetime) -> Sequence[Group]:
    names = [group_name(number) for number in range(min(count, GROUPS))]
    Group.objects.bulk_create([Group(name=name) for name in names], ignore_conflicts=True)
    groups = list(Group.objects.filter(name__in=names).order_by("name"))
    retired = groups[::RETIRED]
    Grant.objects.filter(group__in=retired).delete()
    RetiredGroup.objects.bulk_create(RetiredGroup(group=one, retired_at=now) for one in retired)
    return groups


def _add_people(count: int, groups: Sequence[Group], now: datetime) -> Sequence[User]:
    """Add people, each in three groups, with a presence and a sign-in."""
    missing = max(0, count - User.objects.count())
    people = User.objects.bulk_create(
        (
            User(
                username=f"member-{number:05}",
                first_name=f"First {number % 97}",
                last_name=f"Last {number}",
                email=f"member-{number:05}@example.org" if number % 9 else "",
                is_active=number % LEFT != 0,
                last_login=None if number % NEVER_SEEN == 0 else now - timedelta(hours=number),
            )
            for number in range(missing)
        ),
        BATCH,
    )
    joined = {
        (user.pk, groups[(number * step) % len(groups)].pk)
        for number, user in enumerate(people)
        for step in (1, 13, 29)
    }
    through = User.groups.through
    insert(through, (through(user_id=user, group_id=group) for user, group in sorted(joined)))
    seen = [one for one in people if one.last_login]
    insert(Presence, (Presence(user=one, seen_at=one.last_login or now) for one in seen))
    keys = [f"bench{one.pk:027}" for one in seen]
    later = now + timedelta(days=14)
    insert(Session, (Session(session_key=key, session_data="", expire_date=later) for key in keys))
    insert(
        SignIn,
        (
            SignIn(user=one, session_id=key, address="192.0.2.7", agent="A browser")
            for one, key in zip(seen, keys, strict=True)
        ),
    )
    insert(
        Delegation,
        (
            Delegation(user=one, to=people[number * AWAY - 1], from_at=now, until=later)
            for number, one in enumerate(people[::AWAY])
        ),
    )
    return people


def _add_procedures(groups: Sequence[Group], now: datetime) -> None:
    """Give each procedure versions and runs, and let every group start the first procedure."""
    procedures = list(Procedure.objects.filter(name__startswith=PREFIX).order_by("name"))
    insert(
        ProcedureVersion,
        (
            ProcedureVersion(
                procedure=one,
                version=f"{number:012x}",
                source="def ask(ctx): ...\n" * 20,
                registered_at=now - timedelta(days=number),
            )
            for one in procedures
            for number in range(1, VERSIONS)
        ),
    )
    roles = ("see", "start", "answer")
    everybody = ((one, group, role) for one in procedures[:1] for group in groups for role in roles)
    insert(
        Grant,
        (Grant(procedure=one, group=group, role=role) for one, group, role in everybody),
        ignore_conflicts=True,
    )
    versions = dict(ProcedureVersion.objects.order_by("pk").values_list("procedure", "pk"))
    ended = Run.objects.filter(procedure__name="pay_invoice").exclude(ended_at=None)
    most = Run.objects.count() // 4
    keys = iter(list(ended.order_by("pk").values_list("pk", flat=True)[:most]))
    for one in procedures:
        some = list(islice(keys, RUNS_EACH))
        Run.objects.filter(pk__in=some).update(procedure=one, version=versions[one.pk])
    if procedures:
        rebuild_feed()


def _add_acts(people: Sequence[User], now: datetime) -> None:
    """Add sign-ins, changes and failures to the log, numbered as if they were chained."""
    kinds, count = list(Act.Kind), len(people) * ACTS_EACH
    first = LogHead.current().seq + 1

    def acts() -> Iterator[Act]:
        for number in range(count):
            user, about = people[number % len(people)], people[number * 7 % len(people)]
            yield Act(
                seq=first + number,
                kind=Act.Kind.SIGN_IN if number % 2 else kinds[number // 2 % len(kinds)],
                at=now - timedelta(minutes=5 * (count - number)),
                by_id=str(user.pk),
                name=user.username,
                address=f"192.0.2.{number % 250}",
                about_type="auth.user",
                about_id=str(about.pk),
                about=about.username,
                words=f"Changed the account for the ticket {number}: e-mail address.",
                reason="Asked for by mail." if number % 3 else "",
                changes='{"email":["old@example.org","new@example.org"]}',
                hash=f"{number:064x}",
            )

    insert(Act, acts())
    LogHead.objects.update_or_create(pk=1, defaults={"seq": first + count - 1})


def _add_rest(people: Sequence[User], now: datetime) -> None:
    held = Run.objects.exclude(ended_at=None).order_by("-pk")[:HOLDS]
    insert(
        LegalHold, (LegalHold(run=one, reason="A lawsuit", placed_by="x", at=now) for one in held)
    )
    procedures = list(Procedure.objects.order_by("pk"))
    insert(
        Tombstone,
        (
            Tombstone(
                id=(key := UUID(int=number + 1)),
                top=key,
                procedure=procedures[number % len(procedures)],
                version="0" * 12,
                started_by=people[number % len(people)].username,
                status="succeeded",
                created_at=now - timedelta(days=900),
                ended_at=now - timedelta(days=899),
                head_seq=9,
                head_hash="0" * 64,
                removed_at=now - timedelta(hours=number),
                days=365,
            )
            for number in range(GRAVES)
        ),
    )
    insert(
        Announcement,
        (
            Announcement(
                text=f"Maintenance {number}", starts_at=at, ends_at=at + timedelta(hours=1)
            )
            for number in range(ANNOUNCEMENTS)
            for at in [now - timedelta(days=number + 1)]
        ),
    )


def insert(model: type[models.Model], rows: Any, *, ignore_conflicts: bool = False) -> None:
    manager = model._base_manager  # noqa: SLF001 (documented)
    while some := list(islice(rows, BATCH)):
        manager.bulk_create(some, ignore_conflicts=ignore_conflicts)
