"""The site's Django admin.

It covers the site as a whole: access follows Django's own `view_` permissions. The roles per
procedure, which govern the API and the pages, don't apply here.
"""

from dashboard.admin import (
    arrangements,
    chat,
    decisions,
    factors,
    installation,
    log,
    notifications,
    pages,
    people,
    procedure,
    retention,
    run,
    site,
)

__all__ = [
    "arrangements",
    "chat",
    "decisions",
    "factors",
    "installation",
    "log",
    "notifications",
    "pages",
    "people",
    "procedure",
    "retention",
    "run",
    "site",
]
