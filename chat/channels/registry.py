"""The registry of channels in this process."""

from typing import TypeVar

from chat.channels.channel import Channel
from procedures.engine.kinds.questions import Question
from procedures.engine.values.definitions import checked_name, is_same_definition
from procedures.engine.values.spelling import short_repr

C = TypeVar("C", bound="type[Channel]")
LONGEST_NAME = 20
channels: dict[str, Channel] = {}
"""The registered channels, by name."""


class UnknownChannelError(LookupError):
    """A channel that isn't registered in this process."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No channel {short_repr(name)} is registered in this process. "
            "Add its class to CHANNELS."
        )


def register_channel(channel: C) -> C:
    """Register a channel class in this process, and return the class.

    Registering the same class again is harmless. A site lists its channels in CHANNELS and needn't
    call this function. Raises `ValueError` if the channel's name is invalid or belongs to another
    channel, if the class defines neither `deliver` nor `parse`, or if the class defines
    `authenticate` but not `parse`.
    """
    name = checked_name(channel, Channel, longest=LONGEST_NAME)
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
    """Return the channel with a name.

    Raises `UnknownChannelError` if no channel of this name is registered in this process.
    """
    if name not in channels:
        raise UnknownChannelError(name)
    return channels[name]


def notifying_channels() -> list[Channel]:
    """Return the channels by which this site notifies people."""
    return [one for one in channels.values() if one.delivers and not one.reports and one.is_on()]


def channels_taking(question: Question) -> list[str]:
    """Return the names of the channels by which a question can be answered."""
    return [name for name, one in channels.items() if one.takes(question)]
