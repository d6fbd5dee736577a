"""The site's administration of accounts, tokens and the log."""

from dashboard.admin import log, people, site

__all__ = ["log", "people", "site"]
