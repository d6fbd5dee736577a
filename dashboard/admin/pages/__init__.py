"""Pages of the administration about people and access, beside Django's lists of rows."""

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
