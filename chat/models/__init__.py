"""Models of sessions, messages, notifications, requests and responses."""

from chat.models.feed import FeedEntry, RunAudience
from chat.models.message import Message
from chat.models.notification import Notification, Presence
from chat.models.request import Assignment, HumanRequest
from chat.models.response import HumanResponse
from chat.models.session import Member, Session, SessionEvent, SharedRun

__all__ = [
    "Assignment",
    "FeedEntry",
    "HumanRequest",
    "HumanResponse",
    "Member",
    "Message",
    "Notification",
    "Presence",
    "RunAudience",
    "Session",
    "SessionEvent",
    "SharedRun",
]
