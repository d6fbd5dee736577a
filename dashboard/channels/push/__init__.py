"""Notifications in browsers (Web Push): the channel, its keys, its messages and its settings."""

from dashboard.channels.push.channel import Push

__all__ = ["Push"]
