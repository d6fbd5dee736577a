from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    label = "countersign_chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chat import access, receivers
        from chat.viewers import members_of_sessions, people_asked
        from procedures.access import providers
        from procedures.viewers import viewers

        providers.extend([access.runs_in_sessions_of, access.runs_that_ask])
        viewers.extend([members_of_sessions, people_asked])
        receivers.connect()
        register_channels()


def register_channels() -> None:
    """Register the channels in CHANNELS; raise `ImproperlyConfigured` if one can't be used."""
    from chat.channels import register_channel
    from procedures.conf import register_listed

    register_listed("CHANNELS", register_channel)
