"""A bare Channels consumer beside the live hub: what `group_send` costs by itself.

A message sent to `/publish` goes to every socket that is open at `/bare`. No database, no sign-in,
no rendering; the layer is the one in memory, of 100 messages per socket.
"""

from typing import Any

import django
from django.conf import settings

GROUP = "all"

settings.configure(
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="bench",  # noqa: S106 (nothing is signed)
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 (needs the settings)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class Bare(AsyncWebsocketConsumer):
    """A consumer of one group."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def pass_on(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class Publish(AsyncWebsocketConsumer):
    """A consumer that sends whatever it receives to the group."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "pass_on", "text": text_data})


application = ProtocolTypeRouter(
    {
        "websocket": URLRouter(
            [path("bare", Bare.as_asgi()), path("publish", Publish.as_asgi())]  # type: ignore[arg-type, list-item]
        )
    }
)
