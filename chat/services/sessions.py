"""Operations on chat sessions: opening and renaming them, their members, and privacy.

Each operation writes an entry into the transcript, with its author and time, in the same
transaction. The session is locked before rights are checked, so that the author still has the right
when the entry is written.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q

from chat.doorbell import RIGHTS, SIGHT, ring_after_commit
from chat.models import Member, Message, ReadMark, Searchable, Session
from chat.models.message import MessageQuerySet
from chat.services.messages import (
    MessageKeyError,
    NotMemberError,
    checked_text,
    post_message,
)
from procedures import access
from procedures.engine.errors import EngineError, Fault, InputError
from procedures.engine.values import canonical
from procedures.engine.values.visible import visible_line
from procedures.models.clock import clock
from procedures.transactions import service_atomic
from procedures.users import User, active_users, find_active_user, find_active_users, name_field

LONGEST_TITLE = 200
LONGEST_NAME = 60
MOST_KNOWN = 100
MOST_RECENT = 30
"""The number of a user's newest sessions whose members are suggested in fields for names."""
MOST_INVITED = 50
"""The maximum number of people who can be invited when a session is opened."""
Kind = Message.Kind


class RemovalDeniedError(EngineError):
    """An attempt to remove another member without the right to do so."""

    def __init__(self) -> None:
        super().__init__(
            "You can't remove others from this session. The member who has been in it longest can, "
            "and so can members who operate one of its procedures."
        )


class LastMemberError(EngineError):
    """An unconfirmed attempt of the last member to leave a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        super().__init__(
            "You are the last member of this session. If you leave, nobody can find or read what "
            "people wrote here. To leave anyway, confirm it (over the API: `confirm`)."
        )


def open_session(
    title: str,
    *,
    by: User,
    members: Sequence[str] = (),
    text: str = "",
    is_private: bool = False,
    client_key: str = "",
) -> tuple[Session, bool]:
    """Open a session without a run; return the session and True.

    `members` are the names of active users to invite, such as "bob", and `text` is a first message.
    If `by` has opened a session with the same `client_key` before, returns that session and False.
    Raises `InputError` if the title or a name can't be used, `MessageError` if the text can't be
    stored, and `MessageKeyError` if the earlier session was opened with another title or text, with
    other members, or not as a private one.
    """
    title, people = clean_title(title), find_people(members)
    others = [one for one in people if one.pk != by.pk]
    text = checked_text(text) if text else ""
    asked = _Opening(title, text, frozenset(one.pk for one in others), is_private)
    if client_key and (session := _earlier(by, client_key, asked)):
        return session, False
    try:
        with service_atomic:
            at = clock.now()
            key = _key_of(client_key)
            line = Message(kind=Kind.OPENED, author=by, text=title, at=at, client_key=key)
            line.open_session(title, is_private=is_private)
            _add_first(line.session, others, by)
            if text:
                post_message(line.session, text, by=by)
    # If the same key is sent twice at once, the database keeps the first session, and the second
    # call returns that one.
    except IntegrityError:
        if client_key and (session := _earlier(by, client_key, asked)):
            return session, False
        raise
    return line.session, True


def rename_session(session_id: UUID, title: str, *, by: User) -> Session:
    """Give the session another title. If it has this title already, nothing happens."""
    return change_session(session_id, title=title, by=by)


def set_private(session_id: UUID, *, is_private: bool, by: User) -> Session:
    """Make the session private or public.

    A private session is visible only to its members; a public one also to everybody who may see a
    run in it.
    """
    return change_session(session_id, is_private=is_private, by=by)


def change_session(
    session_id: UUID, *, title: str | None = None, is_private: bool | None = None, by: User
) -> Session:
    """Change a session's title, its privacy, or both; if either is refused, change nothing.

    A title or privacy of None stays as it is. A value that the session has already changes nothing.
    """
    title = None if title is None else clean_title(title)
    with service_atomic:
        session = _lock(session_id, by)
        # The privacy is changed first, so that nobody who loses sight of the session learns its new
        # title.
        if is_private is not None and session.is_private != is_private:
            session.set_private(is_private=is_private)
            _say(session, Kind.PRIVATE if is_private else Kind.PUBLIC, by)
            ring_after_commit(RIGHTS)
        if title is not None and session.title != title:
            session.rename(title)
            Searchable.keep_title(session)
            _say(session, Kind.RENAMED, by, text=title)
    return session


def invite(session_id: UUID, person: User, *, by: User) -> tuple[Member, bool]:
    """Make a person a member; return the membership and True.

    If the person is a member already, return the existing membership and False.
    """
    with service_atomic:
        session = _lock(session_id, by)
        members = Member.objects.filter(session=session, user=person)
        if member := members.select_related("user").first():
            return member, False
        _add(session, person, by)
        return members.select_related("user").get(), True


def remove_member(
    session_id: UUID, member_id: int, *, by: User, is_confirmed: bool = False
) -> bool:
    """End your own membership or that of somebody else; return False if it has ended already.

    Raises `RemovalDeniedError` if `by` may not remove others. Raises `LastMemberError` if `by` is
    the last member and leaves without `is_confirmed`.
    """
    with service_atomic:
        session = _lock(session_id, by)
        members = Member.objects.filter(session=session)
        member = members.filter(pk=member_id).select_related("user").first()
        if member is None:
            return False
        if member.user_id != by.pk:
            if not may_remove(session, by):
                raise RemovalDeniedError
            kind, whom = Kind.REMOVED, member.user
        else:
            is_last = not members.exclude(pk=member.pk).exists()
            if is_last and not is_confirmed:
                raise LastMemberError(session)
            kind, whom = Kind.LEFT, None
        # The membership ends before the entry is written, so that the person doesn't find the entry
        # in their list.
        member.leave()
        _say(session, kind, by, person=whom)
        ring_after_commit(RIGHTS)
        ring_after_commit(SIGHT)
    return True


def may_remove(session: Session, user: User) -> bool:
    """Return True if the user may remove other members from the session.

    The member who joined first of those who are still members may do so; usually, this is the
    person who opened the session. So may a member who may operate the procedure of a run in the
    session. A superuser who isn't a member may do so in a public session.
    """
    members = Member.objects.filter(session=session)
    if not members.filter(user=user).exists():
        return user.is_superuser and not session.is_private
    if members.order_by("joined_at", "pk").values_list("user", flat=True)[0] == user.pk:
        return True
    operated = access.procedures_for(user, "operate")
    cards = Message.objects.cards().filter(session=session)
    return (
        user.has_perm(access.OPERATE)
        or cards.filter(run__procedure__in=operated.values("pk")).order_by().exists()
    )


def find_person(name: str) -> User:
    """Return the active user with this name, such as "bob" or "@bob"; else raise `InputError`.

    The error reveals to everybody who may invite people whether a user name exists. Delegating
    requests reveals the same.
    """
    user = _find(name.strip().removeprefix("@"))
    if user is None:
        words = f"No active user is called “{_short(name)}”. Enter the exact user name."
        raise InputError([Fault("user", words)])
    return user


def known_people(user: User, most: int = MOST_KNOWN) -> list[str]:
    """Return the names of active people to suggest to a user in a field for names.

    They are the people in the user's groups and the members of the user's newest sessions. Nobody
    else is suggested, so that the field doesn't reveal all users of the site.
    """
    recent = Member.objects.filter(user=user).order_by("-session").values_list("session", flat=True)
    beside = Member.objects.filter(session__in=list(recent[:MOST_RECENT])).values("user")
    known = Q(groups__in=user.groups.all()) | Q(pk__in=beside)
    people = active_users().filter(known).exclude(pk=user.pk).order_by(name_field())
    return list(people.values_list(name_field(), flat=True).distinct()[:most])


def find_people(names: Iterable[str]) -> list[User]:
    """Return the active users with these names, each once; raise `InputError` for unknown names."""
    wanted = [name.strip().removeprefix("@") for name in names]
    wanted = list(dict.fromkeys(name for name in wanted if name))
    if len(wanted) > MOST_INVITED:
        words = f"You named {len(wanted)} people; the limit is {MOST_INVITED}. Invite some later."
        raise InputError([Fault("members", words)])
    # PostgreSQL refuses NUL even in queries.
    found = find_active_users([name for name in wanted if "\0" not in name])
    unknown = ", ".join(f"“{_short(name)}”" for name in wanted if name not in found)
    if unknown:
        words = f"No active user is called {unknown}. Enter exact user names."
        raise InputError([Fault("members", words)])
    return [found[name] for name in wanted]


def _find(name: str) -> User | None:
    return None if "\0" in name else find_active_user(name)


def clean_title(title: str) -> str:
    """Return the title as one line of visible characters.

    Raises `InputError` if the title is empty, too long, or can't be stored.
    """
    line = " ".join(title.split())
    if not line:
        raise InputError([Fault("title", "Write what the session is about.")])
    try:
        line = visible_line(canonical.legible(line))
    except ValueError:
        raise InputError(
            [Fault("title", "The title contains characters that can't be stored.")]
        ) from None
    if len(line) > LONGEST_TITLE:
        words = f"The title has {len(line)} characters; the limit is {LONGEST_TITLE}."
        raise InputError([Fault("title", words)])
    return line


def _lock(session_id: UUID, by: User) -> Session:
    """Lock and return the session; raise `NotMemberError` if the person may not change it."""
    session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
    if not Member.objects.filter(session=session, user=by).exists() and (
        session.is_private or not by.is_superuser
    ):
        raise NotMemberError("Only members of this session can do this.")
    return session


def _add_first(session: Session, people: Sequence[User], by: User) -> None:
    """Make people members of a session that is being opened, with a few queries for all people."""
    if not people:
        return
    at = clock.now()
    lines = [Message(kind=Kind.INVITED, author=by, person=one, at=at) for one in people]
    Member.join_first(session, people, at=at)
    Message.add_first(session, lines)
    # The entry about their invitation is the first one that is new to them, so the session is
    # marked as new for them.
    ReadMark.objects.bulk_create(
        ReadMark(session=session, user=line.person, seq=line.seq - 1) for line in lines
    )
    ring_after_commit(SIGHT)


def _add(session: Session, person: User, by: User) -> None:
    # The member joins before the entry is written. So the entry is the first one that is new to
    # them, and the session is marked as new for them.
    Member.join(session, person, at=clock.now())
    _say(session, Kind.INVITED, by, person=person)
    ring_after_commit(SIGHT)


def _say(
    session: Session, kind: Kind, by: User, *, text: str = "", person: User | None = None
) -> None:
    line = Message(kind=kind, author=by, person=person, text=text, at=clock.now())
    line.add_to(session.pk)


class _Opening(NamedTuple):
    """The title, text, members and privacy with which a session is opened."""

    title: str
    text: str
    members: frozenset[Any]
    """The keys of the people who are invited."""
    is_private: bool

    def repeats(self, first: "_Opening") -> bool:
        """Return True if this asks for nothing that the first opening didn't ask for.

        A repetition may leave out the text and the members.
        """
        is_same = self.title == first.title and self.text in {"", first.text}
        return (
            is_same
            and self.members in {frozenset(), first.members}
            and (first.is_private or not self.is_private)
        )


def _earlier(by: User, client_key: str, asked: _Opening) -> Session | None:
    key = _key_of(client_key)
    opened = Message.objects.filter(kind=Kind.OPENED, author=by, client_key=key)
    line = opened.select_related("session").first()
    if line is None:
        return None
    if not asked.repeats(_opening_of(line)):
        raise MessageKeyError(client_key)
    return line.session


def _opening_of(line: Message) -> _Opening:
    """Return what a session was opened with, from the entry that opened it and those after it."""
    later = Message.objects.filter(session=line.session, seq__gt=line.seq).order_by("seq")
    changes = later.filter(kind__in=(Kind.PRIVATE, Kind.PUBLIC)).values_list("kind", flat=True)
    own = later.filter(kind=Kind.PERSON, author=line.author).values_list("text", flat=True)
    first_change = changes.first()
    return _Opening(
        line.text,
        own.first() or "",
        frozenset(_invited_first(line, later)),
        first_change == Kind.PUBLIC if first_change else line.session.is_private,
    )


def _invited_first(line: Message, later: MessageQuerySet) -> Iterator[Any]:
    """Yield the keys of the people who were invited when the session was opened.

    Their entries directly follow the one that opened the session, and all have the same time.
    """
    first_at = None
    found = later.values_list("seq", "kind", "person", "at")[:MOST_INVITED]
    for place, (seq, kind, person, at) in enumerate(found, line.seq + 1):
        first_at = first_at or at
        if (seq, kind, at) != (place, Kind.INVITED, first_at):
            return
        yield person


def _key_of(client_key: str) -> str:
    """Return the `client_key` to store in the first entry of a session.

    The key is changed so that it can't equal the `client_key` of a message.
    """
    return canonical.digest(f"open {client_key}") if client_key else ""


def _short(name: str) -> str:
    """Return a name that somebody typed, shortened and made visible for use in a sentence."""
    return visible_line(canonical.legible(name))[:LONGEST_NAME]
