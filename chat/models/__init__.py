"""Sessions, messages and requests, one noun per file."""

from chat.models.mail import Mail, Presence
from chat.models.message import Message
from chat.models.request import Assignment, HumanRequest
from chat.models.response import HumanResponse
from chat.models.session import Member, Session, SessionEvent

__all__ = [
    "Assignment",
    "HumanRequest",
    "HumanResponse",
    "Mail",
    "Member",
    "Message",
    "Presence",
    "Session",
    "SessionEvent",
]
