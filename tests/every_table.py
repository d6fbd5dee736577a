"""A row of every table: for those who look at all of them."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import (
    Delegation,
    Draft,
    HumanRequest,
    Notification,
    Presence,
    ReadMark,
    RemovedRequest,
    Snooze,
)
from dashboard.models import (
    Announcement,
    ApiToken,
    FormerName,
    LinkCounter,
    Preferences,
    PushSubscription,
    RetiredGroup,
    SignIn,
)
from procedures.models import (
    ChosenRun,
    Installation,
    LegalHold,
    Procedure,
    RemovalRound,
    Retention,
    StaleContent,
    StoppedStarts,
    Tombstone,
)
from procedures.models.act import chain_acts
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from tests.calls import decide_ahead

DAY = timedelta(days=1)


def fill_tables(request: HumanRequest, person: User, *, deputy: User) -> None:
    """Insert a row about the person into each table that runs, answers and signals leave empty."""
    now = clock.now()
    asked: dict[str, Any] = {"request": request, "user": person}
    Notification.objects.create(channel="mail", request=request, recipient=person, planned_at=now)
    ReadMark.objects.create(session=request.session, user=person, seq=1)
    Snooze.objects.create(**asked, until=now - DAY)
    Draft.objects.create(**asked, values="{}", at=now)
    decide_ahead(request, person)
    Delegation.objects.create(user=person, to=deputy, from_at=now - 2 * DAY, until=now - DAY)
    Presence.objects.get_or_create(user=person, defaults={"seen_at": now})
    Preferences.objects.create(user=person, time_zone="Europe/Berlin")
    LinkCounter.objects.get_or_create(user=person)
    FormerName.objects.create(kind="user", name="robert", held_by=person.pk)
    ApiToken.create_for(person)
    Client().force_login(person)
    sign_in = SignIn.objects.filter(user=person).latest("pk")
    browser = PushSubscription.objects.create(sign_in=sign_in, endpoint="https://push.example/x")
    browser.note_accepted("1.2", at=now)
    # A project may still write Django's own log.
    LogEntry.objects.create(user=person, object_repr="bob", action_flag=CHANGE)
    RetiredGroup.objects.create(group=Group.objects.create(name="packers"))
    Installation.current()
    other = Procedure.objects.latest("name")
    StoppedStarts.objects.create(procedure=other, notice="Closed.", at=now)
    Announcement.objects.create(text="Closed on Friday.", starts_at=now - DAY, ends_at=now)
    ChosenRun.objects.create(job=uuid7(), run=uuid7())
    _fill_tables_of_retention(other, person, now)
    chain_acts()


def _fill_tables_of_retention(other: Procedure, person: User, now: datetime) -> None:
    Retention.objects.create(procedure=other, days=30)
    LegalHold.objects.create(procedure=other, reason="Lawsuit.", placed_by=person.username, at=now)
    RemovalRound.objects.create(began_at=now)
    StaleContent.objects.create(digest="0" * 64, at=now)
    grave = Tombstone(pk=uuid7(), top=uuid7(), procedure=other, version="1", status="failed")
    grave.created_at = grave.ended_at = grave.removed_at = now
    grave.head_seq, grave.head_hash, grave.days = 1, "0" * 64, 30
    Tombstone.insert([grave])
    RemovedRequest.objects.create(pk=uuid7(), tombstone=grave)


def hold_on(person: User) -> LegalHold:
    given = {"reason": "Lawsuit.", "placed_by": person.username, "at": clock.now()}
    return LegalHold.objects.get_or_create(user=person, defaults=given)[0]
