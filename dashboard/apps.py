from django.apps import AppConfig
from django.core.checks import register


class DashboardConfig(AppConfig):
    name = "dashboard"
    label = "countersign_dashboard"
    verbose_name = "Dashboard"

    def ready(self) -> None:
        from chat.channels import register_channel
        from dashboard.accounts import receivers
        from dashboard.channels.mail import Mail
        from dashboard.channels.page import Page
        from dashboard.channels.push import Push
        from dashboard.channels.push.checks import check_push
        from dashboard.channels.webhook import Webhook
        from dashboard.environment.site_secrets import find_site_secrets
        from dashboard.mcp.checks import check_mcp
        from procedures.engine.values.secrecy import note_site_secrets

        receivers.connect()
        register(check_push)
        register(check_mcp)
        for channel in (Page, Mail, Push, Webhook):
            register_channel(channel)
        note_site_secrets(find_site_secrets())
