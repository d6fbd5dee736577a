"""Channels, one module each: how people are notified of requests and alerts, and answer them.

Those that draw stand in `dashboard/channels`; a site's own are named in CHANNELS.
"""

from chat.channels.answers import Answer, Inbound
from chat.channels.api import Api
from chat.channels.channel import Channel, UndeliverableError, UnknownSenderError
from chat.channels.chat import Chat
from chat.channels.registry import UnknownChannelError, find_channel, register_channel

__all__ = [
    "Answer",
    "Api",
    "Channel",
    "Chat",
    "Inbound",
    "UndeliverableError",
    "UnknownChannelError",
    "UnknownSenderError",
    "find_channel",
    "register_channel",
]

for shipped in (Api, Chat):
    register_channel(shipped)
