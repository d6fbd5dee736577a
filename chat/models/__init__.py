"""Models of sessions, messages, notifications, requests and responses."""

from chat.models.assignment import Assignment
from chat.models.delegation import Delegation
from chat.models.feed import FeedEntry, RunAudience
from chat.models.history import RequestEvent
from chat.models.message import Message
from chat.models.notification import Notification, Presence
from chat.models.reading import Draft, ReadMark, Snooze
from chat.models.removed_request import RemovedRequest
from chat.models.request import HumanRequest
from chat.models.response import Decision, HumanResponse
from chat.models.searchable import Searchable
from chat.models.session import Member, Session, SessionEvent, SharedRun
from chat.models.standing import StandingDecision

__all__ = [
    "Assignment",
    "Decision",
    "Delegation",
    "Draft",
    "FeedEntry",
    "HumanRequest",
    "HumanResponse",
    "Member",
    "Message",
    "Notification",
    "Presence",
    "ReadMark",
    "RemovedRequest",
    "RequestEvent",
    "RunAudience",
    "Searchable",
    "Session",
    "SessionEvent",
    "SharedRun",
    "Snooze",
    "StandingDecision",
]
