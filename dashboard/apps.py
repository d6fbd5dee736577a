from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class DashboardConfig(AppConfig):
    name = "dashboard"
    label = "countersign_dashboard"
    verbose_name = "Dashboard"

    def ready(self) -> None:
        from chat.channels import register_channel
        from dashboard.accounts import receivers
        from dashboard.accounts.second_factor import is_on
        from dashboard.channels.mail import Mail
        from dashboard.channels.page import Page
        from dashboard.channels.push import Push
        from dashboard.channels.push.checks import check_push
        from dashboard.channels.webhook import Webhook
        from dashboard.company.checks import check_company, refuse_missing_factors
        from dashboard.environment.checks import check_texts
        from dashboard.environment.site_secrets import find_site_secrets
        from dashboard.mcp.checks import check_mcp
        from procedures.engine.values.secrecy import note_site_secrets
        from procedures.site_checks import register_of_settings

        refuse_missing_factors()
        receivers.connect()
        post_migrate.connect(fill_groups, sender=self)
        for check in (check_texts, check_push, check_mcp, check_company):
            register_of_settings(check)
        if is_on():
            from dashboard.company.receivers import connect

            connect()
        for channel in (Page, Mail, Push, Webhook):
            register_channel(channel)
        note_site_secrets(find_site_secrets())


def fill_groups(**_: Any) -> None:
    """Create and fill the groups that every site has; called after migrations."""
    from django.contrib.auth.management import create_permissions
    from django.db import connection

    from dashboard.accounts.standard_groups import fill_standard_groups
    from dashboard.models import StandardGroup

    if StandardGroup._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001
        return  # a migration back has removed the tables
    # Django creates the permissions of each app after its signal, and other apps may come later.
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    fill_standard_groups()
