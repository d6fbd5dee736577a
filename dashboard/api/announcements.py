"""The route from which programs learn what the site announces."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from dashboard.models import Announcement
from dashboard.models.announcement import MOST_LISTED
from procedures.schemas import refusals

router = Router()


class AnnouncementOut(Schema):
    """An announcement: a text that every page shows from `starts_at` until `ends_at`."""

    text: str
    level: Announcement.Level
    starts_at: datetime
    ends_at: datetime


class AnnouncementList(Schema):
    """The announcements in force."""

    items: list[AnnouncementOut] = Field(description="The announcements, oldest start first.")


@router.get(
    "/announcements",
    response={200: AnnouncementList, **refusals(429)},
    summary="Announcements",
    operation_id="dashboard_api_list_announcements",
)
def list_announcements(request: HttpRequest) -> dict[str, list[Announcement]]:
    """List the announcements that are shown now, including those that you have dismissed."""
    return {"items": list(Announcement.objects.in_force()[:MOST_LISTED])}
