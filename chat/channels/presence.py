"""The people who are looking at the product right now."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import QuerySet

from chat.models import Presence
from procedures.models.clock import clock
from procedures.users import User

logger = logging.getLogger(__name__)
LOOKING = timedelta(minutes=1)
"""The time for which a person counts as looking at the product after each sign of activity."""


def note_presence(user: User) -> None:
    """Record that a user is active; ignore database errors, because presence is only a hint."""
    try:
        Presence.objects.update_or_create(user=user, defaults={"seen_at": clock.now()})
    except DatabaseError as error:
        logger.debug("The presence of %s couldn't be recorded: %s", user, error)


def note_presences(keys: Iterable[Any]) -> None:
    """Record that the users with these keys are active, with one database query."""
    now = clock.now()
    rows = [Presence(user_id=key, seen_at=now) for key in keys]
    try:
        Presence.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["user"], update_fields=["seen_at"]
        )
    except DatabaseError as error:
        logger.debug("The presence of people (%d) couldn't be recorded: %s", len(rows), error)


def not_looking(users: Iterable[User], now: datetime) -> list[User]:
    looking = set(looking_since(now - LOOKING).values_list("user", flat=True))
    return [user for user in users if user.pk not in looking]


def looking_since(earliest: datetime) -> QuerySet[Presence]:
    return Presence.objects.filter(seen_at__gt=earliest)
