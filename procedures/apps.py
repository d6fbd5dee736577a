from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate


class ProceduresConfig(AppConfig):
    name = "procedures"
    label = "countersign_procedures"
    verbose_name = "Procedures"

    def ready(self) -> None:
        from procedures.conf import conf, register_at_import
        from procedures.engine.declaration.known import ProcedureLookup
        from procedures.engine.values.choices import Site

        Site.allowed = lambda setting: conf.SITE_CHOICES.get(setting, {})
        ProcedureLookup.find = find_registered
        from procedures import site_checks
        from procedures.system_checks import check_procedure_files

        for check in (check_procedure_files, site_checks.check_users, site_checks.check_databases):
            register(site_checks.after_settings(check))
        for check in (
            site_checks.check_settings,
            site_checks.check_webhooks,
            site_checks.check_listed,
        ):
            site_checks.register_of_settings(check)
        register_django_settings()
        register_at_import(register_request_kinds)
        post_migrate.connect(register_procedures, sender=self)


def find_registered(name: str) -> Any:
    """Return the site's procedure with this name, or None."""
    from procedures import registry

    return registry.find(name)


def register_django_settings() -> None:
    """Register Django's language, time zone and settings, so that warnings name their changes."""
    from django.utils import timezone, translation

    from procedures.engine.execution.process import Setting
    from procedures.engine.execution.rare import RareSetting, restore_after_turns
    from procedures.engine.execution.surroundings import ContextSetting, of_context

    kept_in = "asgiref.local"  # Django keeps both in context variables of that name
    of_context.append(ContextSetting("Django's language", translation.get_language, kept_in))
    of_context.append(
        ContextSetting("Django's time zone", timezone.get_current_timezone_name, kept_in)
    )
    restore_after_turns(
        RareSetting(_settings, Setting("Django's settings", _write_settings, _changed_settings))
    )


def _settings() -> Any:
    from django.conf import settings

    lazy: Any = settings
    return lazy._wrapped, {**vars(lazy._wrapped)}  # noqa: SLF001 (an override takes its place)


def _write_settings(before: Any) -> None:
    from django.conf import settings

    from procedures.engine.execution.rare import write_variables

    lazy: Any = settings
    lazy._wrapped, variables = before  # noqa: SLF001
    write_variables(vars(lazy._wrapped), variables)  # noqa: SLF001
    for name in variables:
        vars(lazy).pop(name, None)  # what was read from them is cached there


def _changed_settings(before: Any, now: Any) -> str:
    from procedures.engine.execution.rare import named_differences

    return named_differences(before[1], now[1])


def register_request_kinds() -> None:
    """Register the kinds in REQUEST_KINDS; raise `ImproperlyConfigured` if one can't be used."""
    from procedures.conf import register_listed
    from procedures.engine.kinds import register_kind

    register_listed("REQUEST_KINDS", register_kind)


def register_procedures(**_: Any) -> None:
    """Write the rows of the installed procedures; Django calls this after each migration."""
    from django.db import connection

    from procedures import registry
    from procedures.services import note_installation

    if "countersign_procedures_installation" not in connection.introspection.table_names():
        return  # a backward migration has removed the tables
    registry.register_all()
    note_installation()
