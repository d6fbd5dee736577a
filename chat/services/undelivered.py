"""Notifications that can't be delivered, as a complaint to those who operate the site."""

from collections.abc import Iterator

from chat.models import Notification
from procedures.services import Complaint

MOST = 100
"""The most notifications that are counted."""


def undelivered() -> Iterator[Complaint]:
    """Yield a complaint for each channel that has failed more than once to deliver something."""
    failing = Notification.objects.failing().order_by("next_try_at")
    rows = list(failing.values_list("channel", "planned_at", "note")[:MOST])
    for channel in dict.fromkeys(channel for channel, *_ in rows):
        own = [(at, note) for name, at, note in rows if name == channel]
        since, note = min(own)[0], own[-1][1].rstrip(".")
        count = "1 notification" if len(own) == 1 else f"{len(own)} notifications"
        words = f"{count} by {channel} couldn't be delivered since {since:%H:%M} UTC: {note}."
        setting = "EMAIL_URL" if channel == "mail" else f"the settings of the channel {channel}"
        remedy = f"They are tried again by themselves. Check {setting}."
        yield Complaint("notifications", f"{words} {remedy}")
