"""The registry of channels in this process."""

import re
from typing import TypeVar

from chat.channels.channel import Channel
from procedures.engine.kinds.questions import Question
from procedures.engine.values.definitions import is_same_definition
from procedures.engine.values.spelling import short_repr

C = TypeVar("C", bound="type[Channel]")
NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
channels: dict[str, Channel] = {}
"""The channels by name."""


class UnknownChannelError(LookupError):
    """A channel that isn't registered in this process."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No channel {short_repr(name)} is registered in this process. "
            "Add its class to CHANNELS."
        )


def register_channel(channel: C) -> C:
    """Register a channel class in this process. Registering it again is harmless.

    Sites list their channels in CHANNELS instead. Raises `ValueError` if the name is invalid or
    another channel has it, if the class defines neither `deliver` nor `parse`, or if it defines
    `authenticate` but not `parse`.
    """
    given: object = channel
    if not (isinstance(given, type) and issubclass(given, Channel)):
        raise ValueError(f"{short_repr(channel)} isn't a subclass of chat.channels.Channel.")  # noqa: TRY004
    name = getattr(channel, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(
            f"{channel.__name__} needs a name of at most 20 lowercase letters, digits and _ that "
            f"begins with a letter, not {name!r}."
        )
    made = channel()
    if not (made.delivers or made.parses):
        raise ValueError(f"{channel.__name__} defines neither `deliver` nor `parse`.")
    if made.is_open_to_outside and not made.parses:
        raise ValueError(f"{channel.__name__} defines `authenticate` but not `parse`.")
    known = channels.get(name)
    if known and not is_same_definition(type(known), channel):
        raise ValueError(f"Two channels have the name {name!r}.")
    channels[name] = made
    return channel


def find_channel(name: str) -> Channel:
    """Return a channel by its name; raise `UnknownChannelError` if it isn't registered here."""
    if name not in channels:
        raise UnknownChannelError(name)
    return channels[name]


def notifying_channels() -> list[Channel]:
    """Return the channels by which this site notifies people."""
    return [one for one in channels.values() if one.delivers and one.is_on()]


def channels_taking(question: Question) -> list[str]:
    """Return the names of the channels by which a question can be answered."""
    return [name for name, one in channels.items() if one.takes(question)]
