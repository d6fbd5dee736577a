from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    label = "countersign_chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chat import access, receivers
        from chat.services.undelivered import undelivered
        from chat.viewers import members_of_sessions, people_asked
        from procedures.access import Provider, providers
        from procedures.conf import register_at_import
        from procedures.services.health import sources
        from procedures.viewers import viewers

        viewers.extend([members_of_sessions, people_asked])
        providers.append(Provider(access.in_session_of, access.shared_runs))
        providers.append(Provider(access.asks, access.asking_runs))
        sources.append(undelivered)
        receivers.connect()
        register_at_import(register_channels)


def register_channels() -> None:
    """Register the channels in CHANNELS; raise `ImproperlyConfigured` if one can't be used."""
    from chat.channels import register_channel
    from procedures.conf import register_listed

    register_listed("CHANNELS", register_channel)
