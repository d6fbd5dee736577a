from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ProceduresConfig(AppConfig):
    name = "procedures"

    def ready(self) -> None:
        from django.conf import settings

        from procedures.engine.choices import Site

        Site.allowed = lambda setting: settings.SITE_CHOICES.get(setting, {})
        post_migrate.connect(register_procedures, sender=self)


def register_procedures(**_: Any) -> None:
    """After a migration: the rows of the procedures this code defines."""
    from procedures import registry

    registry.register_all()
