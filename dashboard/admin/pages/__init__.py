"""Pages of the admin about people and access, in addition to Django's lists of rows."""

from dashboard.admin.pages import (
    away,
    front,
    groups,
    invite,
    matrix,
    offboard,
    people,
    person,
    settings,
    starts,
    who_may,
)

__all__ = [
    "away",
    "front",
    "groups",
    "invite",
    "matrix",
    "offboard",
    "people",
    "person",
    "settings",
    "starts",
    "who_may",
]
