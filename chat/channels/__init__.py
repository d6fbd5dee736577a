"""Channels that notify people of requests and alerts, and receive their answers.

Each channel has a module of its own. Channels that render pages or mails are in
`dashboard/channels`; a site names its own channels in CHANNELS.
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
