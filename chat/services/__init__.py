"""Operations on sessions and requests, each in one transaction."""

from chat.services.answerers import Reach, reach_of, requests_without_answerers
from chat.services.losses import Losses, LostName, Watch, losses_of
from chat.services.mails import find_mails, send_mail
from chat.services.messages import Echo, MessageError, Reply, echo_of, post_message, reply
from chat.services.operations import (
    OPERATE_REQUEST,
    NobodyToAnswerError,
    ReassigningDeniedError,
    reassign_request,
    withdraw_request,
)
from chat.services.presence import note_presence
from chat.services.replies import read_reply
from chat.services.responses import (
    AlreadyAnsweredError,
    Answer,
    NotAskedError,
    NotConfirmedError,
    respond,
)
from chat.services.strays import ask_others

__all__ = [
    "OPERATE_REQUEST",
    "AlreadyAnsweredError",
    "Answer",
    "Echo",
    "Losses",
    "LostName",
    "MessageError",
    "NobodyToAnswerError",
    "NotAskedError",
    "NotConfirmedError",
    "Reach",
    "ReassigningDeniedError",
    "Reply",
    "Watch",
    "ask_others",
    "echo_of",
    "find_mails",
    "losses_of",
    "note_presence",
    "post_message",
    "reach_of",
    "read_reply",
    "reassign_request",
    "reply",
    "requests_without_answerers",
    "respond",
    "send_mail",
    "withdraw_request",
]
