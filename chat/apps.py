from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    label = "countersign_chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chat import access, receivers
        from procedures.access import providers

        providers.extend([access.runs_in_sessions_of, access.runs_that_ask])
        receivers.connect()
