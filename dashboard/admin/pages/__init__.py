"""Pages of the admin about people and access, in addition to Django's lists of rows."""

from dashboard.admin.pages import (
    announcements,
    away,
    front,
    groups,
    invite,
    matrix,
    offboard,
    people,
    person,
    retention,
    settings,
    starts,
    verification,
    who_may,
)

__all__ = [
    "announcements",
    "away",
    "front",
    "groups",
    "invite",
    "matrix",
    "offboard",
    "people",
    "person",
    "retention",
    "settings",
    "starts",
    "verification",
    "who_may",
]
