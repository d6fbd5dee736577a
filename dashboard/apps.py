from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"

    def ready(self) -> None:
        from dashboard.accounts import receivers
        from dashboard.environment.site_secrets import find_site_secrets
        from procedures.engine.values.secrecy import note_site_secrets

        receivers.connect()
        note_site_secrets(find_site_secrets())
