"""The API's schemas for sessions, their members and their messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from chat.models import Member, Message
from procedures.schemas import Body, ErrorOut, Word

LONGEST_KEY = 64
KEY = Field(
    default="",
    max_length=LONGEST_KEY,
    description="A key that you choose. If you send the same again with the same key, nothing new"
    " is created, and you get what the first call created.",
)


class MessageOut(Schema):
    """An entry of a session's transcript."""

    id: UUID
    seq: int = Field(description="The number of the session's change that added the entry.")
    kind: str = Field(
        description='"person" (written by `author`), "run" (the card of a run that `author` has'
        ' started), "request", "notice" (by a run), or a change of the session by `author`:'
        ' "opened", "renamed", "invited", "removed", "left", "private", "public";'
        ' or "erased": what is left of a removed run that `author` had started.'
    )
    author: str | None
    person: str | None = Field(description="The person who was invited or removed.")
    text: str = Field(
        description="What was written; for the kinds opened and renamed, the new title."
    )
    level: str = Field(description="The severity of an alert; else empty.")
    posted: dict[str, Any] = Field(
        description="What was posted besides the text. By a person: `files`, each with `name`,"
        " `digest`, `size` and `content_type`. By a run: `body` (Markdown), `data`, `files` and"
        " `cites` (steps). For a text that a step wrote, there are also `markdown`, `step`,"
        " `attempt` and `digest`. Of a removed run: the `procedure`, the `days` of its retention,"
        " and the date `removed_on`."
    )
    run_id: UUID | None
    request_id: UUID | None
    reply_to_id: UUID | None = Field(description="The entry to which this one replies.")
    delivery: str = Field(
        description='The state of a message to a run: "queued", "steering" (for the step that is'
        ' running), "read", or "unread" if the run ended without reading it; else empty.'
    )
    read_at: datetime | None = Field(description="The time at which a run read the message.")
    at: datetime

    @staticmethod
    def resolve_author(message: Message) -> str | None:
        return message.author.get_username() if message.author else None

    @staticmethod
    def resolve_person(message: Message) -> str | None:
        return message.person_name or None

    @staticmethod
    def resolve_text(message: Message) -> str:
        return "" if message.person_name else message.text

    @staticmethod
    def resolve_posted(message: Message) -> dict[str, Any]:
        if message.kind != Message.Kind.ERASED:
            return message.posted
        return {name: message.posted[name] for name in ("procedure", "days", "removed_on")}


class MessagePage(Schema):
    """A page of a transcript."""

    items: list[MessageOut]
    next: int | None = Field(
        description="To get the next page, send this number: as `after` if this request had an"
        " `after`, and as `before` otherwise. It is null on the last page."
    )


class SessionRowOut(Schema):
    """A session as a row of the list, with the newest entry that you may read."""

    id: UUID
    title: str
    is_private: bool
    newest: MessageOut


class SessionPage(Schema):
    """A page of the list of sessions."""

    items: list[SessionRowOut]
    next: UUID | None


class SessionOut(Schema):
    """A session, as far as you may see it."""

    id: UUID
    title: str = Field(
        description="The title of the session. If people have written the title and you may read"
        " only a part of the session, it is the name of the first run that you may see."
    )
    is_private: bool = Field(description="True if only members may see the session.")
    is_whole: bool = Field(
        description="True if you may read all entries; false if only those about some runs."
    )
    last_seq: int = Field(description="The number of the last change; see the live protocol.")
    created_at: datetime


class SessionIn(Body):
    """A new session without a run."""

    title: str
    members: list[str] = Field(
        default=[], description='The names of people to invite, such as "bob" or "@bob".'
    )
    text: str = Field(default="", description="The first message, if any.")
    is_private: bool = False
    client_key: Word = KEY


class SessionChangeIn(Body):
    """The fields of a session to change; fields that aren't sent stay as they are."""

    title: str | None = None
    is_private: bool | None = None


class MemberIn(Body):
    """A person to invite."""

    user: str = Field(description='The name of an active user, such as "bob" or "@bob".')


class MemberOut(Schema):
    """A membership of a session."""

    id: int
    user: str
    joined_at: datetime

    @staticmethod
    def resolve_user(member: Member) -> str:
        return member.user.get_username()


class MemberPage(Schema):
    """A page of the members of a session, in the order in which they joined."""

    items: list[MemberOut]
    next: int | None


class MessageIn(Body):
    """A message to write in a session, or an answer, in words, to a request in the session."""

    text: str = ""
    files: list[Word] = Field(
        default=[],
        description="The tokens of files that were sent before. With files, the text may be empty.",
    )
    client_key: Word = KEY
    reply_to: UUID | None = Field(
        default=None,
        description="The id of an entry to reply to, of a run to write to, or of a request that the"
        " text answers.",
    )
    steers: bool = Field(
        default=False,
        description="True to write to the running step of the run, if its procedure allows it.",
    )
    confirms: str = Field(
        default="",
        description="To confirm an answer that was read from your text, send the `confirms` of the"
        " error response. The `value` in that response then becomes your answer.",
    )


class ReplyOut(Schema):
    """The result of a message that was meant as an answer to a request."""

    request_id: UUID
    is_answer: bool
    value: Any = Field(description="The value of the answer that the text gave, or null.")
    reason: str = Field(description="A sentence about why the text isn't an answer; else empty.")


class SentOut(Schema):
    """A message that was sent, and its result if it was meant as an answer."""

    message: MessageOut
    reply: ReplyOut | None
    unheard: str = Field(
        description="A sentence about why the run doesn't read what was written to it; else empty."
    )


class UnconfirmedOut(ErrorOut):
    """The response to a text that needs a confirmation, with the answer that the text would give.

    Nothing was stored. Send `confirms` to confirm the value.
    """

    confirms: str = Field("", description="Send it with the same text to answer with `value`.")
    value: Any = None
