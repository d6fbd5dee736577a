"""Operations on sessions, requests and notifications."""

from chat.channels.answers import Answer, Inbound, StandingLimits
from chat.channels.delivery import send_notification
from chat.channels.planning import plan_notifications
from chat.channels.presence import note_presence, note_presences
from chat.services.answerers import Reach, reach_of, requests_without_answerers
from chat.services.bulk import BulkItem, BulkReport, BulkResult, answer_many
from chat.services.claims import (
    claim_request,
    note_seen,
    release_request,
)
from chat.services.delegations import delegate, delegations_of, revoke_delegation
from chat.services.heard import run_addressed, why_unheard
from chat.services.inbound import UnknownRequestError, receive, receive_file, sender_of
from chat.services.losses import AnswererSnapshot, Losses, LostName, losses_of
from chat.services.message_files import (
    MOST_FILES,
    MessageError,
    find_message_file,
    receive_message_file,
    repeated_message_files,
    sent_message_file,
    sent_message_files,
)
from chat.services.messages import (
    MessageKeyError,
    NotMemberError,
    Reply,
    UnconfirmedAnswer,
    checked_text,
    echo_of,
    post_message,
    reply,
)
from chat.services.operations import (
    NobodyToAnswerError,
    ReassigningDeniedError,
    may_reassign,
    reassign_request,
    withdraw_request,
)
from chat.services.programs import ProgramRefusedError
from chat.services.reading import (
    DraftConflictError,
    draft_of,
    drop_draft,
    keep_sent,
    save_draft,
    snooze_request,
    wake_request,
)
from chat.services.recording import AlreadyVotedError, NotConfirmedError, ValuesChangedError
from chat.services.reminders import remind_people
from chat.services.replies import NoReplyError, read_reply
from chat.services.request_lists import newest_requests
from chat.services.responses import (
    AlreadyAnsweredError,
    ClaimedError,
    NeedsReasonError,
    NotAskedError,
    NotTheirsToUndoError,
    respond,
    undo_response,
)
from chat.services.searching import FoundPage, Hit, TextFilter, search_texts
from chat.services.sessions import (
    MOST_INVITED,
    LastMemberError,
    RemovalDeniedError,
    change_session,
    find_people,
    find_person,
    invite,
    known_people,
    may_remove,
    open_session,
    remove_member,
    rename_session,
    set_private,
)
from chat.services.standing import OPERATE_REQUEST, revocable_by, revoke_standing
from chat.services.starts import place_in, start_in_session
from chat.services.strays import ask_others
from chat.services.undecided import note_stuck_votes
from chat.services.uploads import LostFileError, find_file, uploaded, with_uploads
from chat.services.waiting import (
    ActivePeople,
    people_by_name,
    people_named,
    waiting_for,
    waiting_of,
)

__all__ = [
    "MOST_FILES",
    "MOST_INVITED",
    "OPERATE_REQUEST",
    "ActivePeople",
    "AlreadyAnsweredError",
    "AlreadyVotedError",
    "Answer",
    "AnswererSnapshot",
    "BulkItem",
    "BulkReport",
    "BulkResult",
    "ClaimedError",
    "DraftConflictError",
    "FoundPage",
    "Hit",
    "Inbound",
    "LastMemberError",
    "Losses",
    "LostFileError",
    "LostName",
    "MessageError",
    "MessageKeyError",
    "NeedsReasonError",
    "NoReplyError",
    "NobodyToAnswerError",
    "NotAskedError",
    "NotConfirmedError",
    "NotMemberError",
    "NotTheirsToUndoError",
    "ProgramRefusedError",
    "Reach",
    "ReassigningDeniedError",
    "RemovalDeniedError",
    "Reply",
    "StandingLimits",
    "TextFilter",
    "UnconfirmedAnswer",
    "UnknownRequestError",
    "ValuesChangedError",
    "answer_many",
    "ask_others",
    "change_session",
    "checked_text",
    "claim_request",
    "delegate",
    "delegations_of",
    "draft_of",
    "drop_draft",
    "echo_of",
    "find_file",
    "find_message_file",
    "find_people",
    "find_person",
    "invite",
    "keep_sent",
    "known_people",
    "losses_of",
    "may_reassign",
    "may_remove",
    "newest_requests",
    "note_presence",
    "note_presences",
    "note_seen",
    "note_stuck_votes",
    "open_session",
    "people_by_name",
    "people_named",
    "place_in",
    "plan_notifications",
    "post_message",
    "reach_of",
    "read_reply",
    "reassign_request",
    "receive",
    "receive_file",
    "receive_message_file",
    "release_request",
    "remind_people",
    "remove_member",
    "rename_session",
    "repeated_message_files",
    "reply",
    "requests_without_answerers",
    "respond",
    "revocable_by",
    "revoke_delegation",
    "revoke_standing",
    "run_addressed",
    "save_draft",
    "search_texts",
    "send_notification",
    "sender_of",
    "sent_message_file",
    "sent_message_files",
    "set_private",
    "snooze_request",
    "start_in_session",
    "undo_response",
    "uploaded",
    "waiting_for",
    "waiting_of",
    "wake_request",
    "why_unheard",
    "with_uploads",
    "withdraw_request",
]
