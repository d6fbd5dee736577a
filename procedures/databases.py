"""A router for sites with several databases: the product's tables are only in `default`."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS

OURS = {"countersign_procedures", "countersign_chat", "countersign_dashboard"}
"""The labels of the product's apps, with a prefix, because a project may have an app `chat`."""


class DefaultRouter:
    """A router that keeps the product's tables in `default`.

    List it first in `DATABASE_ROUTERS`.
    """

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        return DEFAULT_DB_ALIAS if model._meta.app_label in OURS else None  # noqa: SLF001

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        return db == DEFAULT_DB_ALIAS if app_label in OURS else None
