from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    label = "countersign_dashboard"
    verbose_name = "Dashboard"

    def ready(self) -> None:
        from chat.channels import MAIL, channels
        from dashboard.accounts import receivers
        from dashboard.channels import mail
        from dashboard.environment.site_secrets import find_site_secrets
        from procedures.engine.values.secrecy import note_site_secrets

        receivers.connect()
        channels[MAIL] = mail.deliver
        note_site_secrets(find_site_secrets())
