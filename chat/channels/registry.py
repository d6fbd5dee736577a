"""The channels that are known in this process."""

import re
from typing import TypeVar

from chat.channels.channel import Channel
from procedures.engine.kinds.questions import Question
from procedures.engine.values.spelling import short_repr

C = TypeVar("C", bound="type[Channel]")
NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
channels: dict[str, Channel] = {}
"""The channels by name."""


class UnknownChannelError(LookupError):
    """A channel that isn't registered in this process."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no channel {short_repr(name)} here. Name its class in CHANNELS."
        )


def register_channel(channel: C) -> C:
    """Register a channel in this process. Doing so twice is harmless.

    Sites name their channels in CHANNELS instead. Raises `ValueError` for a channel without a plain
    name, with the name of another one, or by which nothing can be sent or answered.
    """
    given: object = channel
    if not (isinstance(given, type) and issubclass(given, Channel)):
        raise ValueError(f"{short_repr(channel)} isn't a class of chat.channels.Channel.")  # noqa: TRY004
    name = getattr(channel, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(
            f"{channel.__name__} needs a name of at most 20 small letters, digits and _, "
            f"not {name!r}."
        )
    made = channel()
    if not (made.delivers or made.parses):
        raise ValueError(f"{channel.__name__} defines neither `deliver` nor `parse`.")
    if made.is_open_to_outside and not made.parses:
        raise ValueError(f"{channel.__name__} defines `authenticate` but not `parse`.")
    known = channels.get(name)
    if known and _place_of(type(known)) != _place_of(channel):
        raise ValueError(f"There are two channels with the name {name!r}.")
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


def _place_of(channel: type[Channel]) -> tuple[str, str]:
    """Return the place of a channel's definition, the same if its module is loaded again."""
    return channel.__module__, channel.__qualname__
