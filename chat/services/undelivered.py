"""Complaints to operators about notifications that can't be delivered."""

from collections.abc import Iterator

from django.db.models import Count, Max, Min

from chat.models import Notification
from procedures.engine.values.formats import format_moment
from procedures.models.act import counted
from procedures.services import Complaint


def undelivered() -> Iterator[Complaint]:
    """Yield a complaint for each channel that has failed more than once to deliver a notification.

    The complaint names only the type of the last error. The error's text is shown only in the
    admin, because it may contain people's addresses, or secrets of a site's own channel.
    """
    failing = Notification.objects.failing().order_by("channel").values("channel")
    counts = {"count": Count("pk"), "since": Min("planned_at"), "newest": Max("pk")}
    channels = list(failing.annotate(**counts))
    newest = Notification.objects.filter(pk__in=[one["newest"] for one in channels])
    notes = dict(newest.order_by().values_list("pk", "note")) if channels else {}
    for one in channels:
        what, channel = counted(one["count"], "notification"), one["channel"]
        have, they = ("has", "It") if one["count"] == 1 else ("have", "They")
        since = format_moment(one["since"].replace(second=0, microsecond=0).isoformat())
        error = notes.get(one["newest"], "").partition(":")[0]
        setting = "EMAIL_URL" if channel == "mail" else f"the settings of the channel {channel}"
        words = f"{what} by {channel} {have} been waiting for delivery since {since} ({error})."
        remedy = f"{they} will be tried again. Check {setting}; the admin shows each error."
        yield Complaint("notifications", f"{words} {remedy}")
