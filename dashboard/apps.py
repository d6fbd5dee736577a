from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    label = "countersign_dashboard"
    verbose_name = "Dashboard"

    def ready(self) -> None:
        from chat.channels import register_channel
        from dashboard.accounts import receivers
        from dashboard.channels.mail import Mail
        from dashboard.channels.page import Page
        from dashboard.channels.webhook import Webhook
        from dashboard.environment.site_secrets import find_site_secrets
        from procedures.engine.values.secrecy import note_site_secrets

        receivers.connect()
        for channel in (Page, Mail, Webhook):
            register_channel(channel)
        note_site_secrets(find_site_secrets())
