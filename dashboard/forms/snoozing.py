"""The times until which people can snooze a request, with the names that pages offer for them."""

from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy

from procedures.engine.errors import Fault, InputError

MORNING, EVENING = time(9), time(18)
MONDAY = 0
OFFERED = {
    "hour": lazy("In an hour"),
    "evening": lazy("This evening"),
    "tomorrow": lazy("Tomorrow morning"),
    "week": lazy("Next Monday"),
}


def snooze_time(name: str, now: datetime) -> datetime:
    """Return the time for a name such as "tomorrow", in the reader's time zone.

    From 18:00 on, "evening" means the next day's evening. Raises `InputError` for an unknown name.
    """
    here = timezone.localtime(now)
    days = {"evening": 0 if here.time() < EVENING else 1, "tomorrow": 1}
    days["week"] = (MONDAY - here.weekday() - 1) % 7 + 1
    if name == "hour":
        return now + timedelta(hours=1)
    if name not in days:
        raise InputError([Fault("until", "isn't one of the times that can be chosen.")])
    at = EVENING if name == "evening" else MORNING
    return timezone.make_aware(datetime.combine(here.date() + timedelta(days=days[name]), at))
