"""The list of sessions and their transcripts, compared with the rule over all rows.

The rule is written here in plain Python: whose runs somebody sees, and what is said to whom.
Random sites are made by the product's own commands.
"""

import random
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User

from chat.access import titles_for
from chat.feed import newest_messages
from chat.models import Assignment, Delegation, HumanRequest, Member, Message, Session
from chat.parts import find_part
from chat.services import (
    delegate,
    invite,
    open_session,
    post_message,
    reassign_request,
    remove_member,
    rename_session,
    revoke_delegation,
    set_private,
)
from procedures.access import OPERATE, SEEING
from procedures.models import Grant, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run
from tests.calls import grant
from tests.runs import answer

pytestmark = pytest.mark.django_db(transaction=True)
PROCEDURES = ("ask_somebody", "ask_through_children")
GROUPS = ("red", "green", "blue")
PERMISSION = "countersign_chat.operate_request"
PAGE = 3


class Rule:
    """The rows that one person may see, decided one by one."""

    def __init__(self, user: User) -> None:
        self.user = User.objects.get(pk=user.pk)
        self.groups = set(self.user.groups.values_list("pk", flat=True))
        self.joined = set(Member.objects.filter(user=user).values_list("session", flat=True))
        self.messages = list(Message.objects.select_related("reply_to", "session"))
        self.runs = {run.pk for run in Run.objects.select_related("procedure") if self.sees(run)}
        self.sessions = self.joined | {
            one.session_id for one in self.messages if one.run_id in self.runs
        }
        if self.user.is_superuser:
            self.sessions = set(Session.objects.values_list("pk", flat=True))
        private = Session.objects.filter(is_private=True)
        self.sessions -= set(private.values_list("pk", flat=True)) - self.joined

    def sees(self, run: Run) -> bool:
        if self.user.has_perm(OPERATE) or run.started_by_id == self.user.pk:
            return True
        granted = Grant.objects.filter(procedure=run.procedure, role__in=SEEING)
        if self.groups & set(granted.values_list("group", flat=True)):
            return True
        said_in = {one.session_id for one in self.messages if one.run_id == run.pk}
        asked = Assignment.objects.filter(request__wait__run=run)
        return bool(said_in & self.joined) or any(map(self.is_asked, asked))

    def is_asked(self, one: Assignment) -> bool:
        given = Delegation.objects.active(clock.now()).filter(to=self.user)
        people = [self.user, *(delegation.user for delegation in given)]
        if one.permission:
            return any(who.has_perm(one.permission) and not who.is_superuser for who in people)
        if one.user_id:
            return any(one.user_id == who.pk for who in people)
        return any(who.groups.filter(pk=one.group_id).exists() for who in people)

    def reads(self, message: Message) -> bool:
        if message.session_id not in self.sessions:
            return False
        is_whole = self.user.is_superuser or message.session_id in self.joined
        if is_whole or message.run_id in self.runs:
            return True
        reply_to = message.reply_to
        is_own = message.kind == "person" and message.author_id == self.user.pk
        is_reply = reply_to is not None and (
            reply_to.author_id == self.user.pk or reply_to.run_id in self.runs
        )
        return is_own or is_reply

    def transcript(self, session: UUID) -> list[UUID]:
        found = [one for one in self.messages if one.session_id == session and self.reads(one)]
        return [one.pk for one in sorted(found, key=lambda one: one.seq)]

    def newest(self) -> list[UUID]:
        """The last readable message of each session, latest first."""
        last = (self.transcript(session)[-1:] for session in self.sessions)
        return sorted((one for found in last for one in found), reverse=True)


class Site:
    """A site in which something happens by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 (the same site each time)
        self.people = [User.objects.create(username=f"person-{n}") for n in range(6)]
        self.root = User.objects.create(username="root", is_superuser=True)
        for name in GROUPS:
            Group.objects.get_or_create(name=name)
        starters = Group.objects.create(name="starters")
        starters.user_set.set(self.people)
        for name in PROCEDURES:
            grant(name, starters, "start")

    def somebody(self) -> User:
        return self.chance.choice(self.people)

    def someone_asked(self) -> str:
        named = [f"@{one.username}" for one in self.people]
        return self.chance.choice([*named, *GROUPS, *GROUPS, f"perm:{PERMISSION}"])

    def some_asked(self, most: int) -> list[str]:
        return [self.someone_asked() for _ in range(self.chance.randint(0, most))]

    def start(self) -> None:
        inputs = {
            "whom": self.someone_asked(),
            "children": self.some_asked(3),
            "mapped": self.some_asked(2),
        }
        start_run("ask_through_children", inputs, by=self.somebody())
        self.advance()

    def start_alone(self) -> None:
        start_run("ask_somebody", {"whom": self.someone_asked()}, by=self.somebody())
        self.advance()

    def advance(self) -> None:
        for run in Run.objects.filter(status="queued").order_by("pk"):
            advance_run(run.pk)

    def write(self) -> None:
        author = self.somebody()
        rule = Rule(author)
        if rule.sessions:
            session = self.chance.choice(sorted(rule.sessions))
            to = self.chance.choice([None, *rule.transcript(session)])
            reply_to = Message.objects.get(pk=to) if to else None
            post_message(Session.objects.get(pk=session), "Words.", by=author, reply_to=reply_to)

    def reassign(self) -> None:
        if request := self._open():
            to = self.chance.choice([f"@{self.somebody().username}", *GROUPS])
            reassign_request(
                request.pk, to=to, by=self.root, reason="By chance.", allow_unanswerable=True
            )

    def respond(self) -> None:
        if request := self._open():
            answer(request, by=self.root)
            self.advance()

    def regroup(self) -> None:
        user, group = self.somebody(), Group.objects.get(name=self.chance.choice(GROUPS))
        if not user.groups.filter(pk=group.pk).exists():
            user.groups.add(group)
        elif self.chance.random() < 0.3:
            user.groups.remove(group)

    def grant(self) -> None:
        group = Group.objects.get(name=self.chance.choice(GROUPS))
        found = Grant.objects.filter(group=group, role="see")
        if found.exists():
            found.delete()
        else:
            grant(self.chance.choice(PROCEDURES), group, "see")

    def permit(self) -> None:
        user, name = self.somebody(), self.chance.choice([PERMISSION, PERMISSION, OPERATE])
        held = Permission.objects.get(codename=name.partition(".")[2])
        if user.has_perm(name):
            user.user_permissions.remove(held)
        else:
            user.user_permissions.add(held)

    def delegate(self) -> None:
        if given := Delegation.objects.filter(revoked_at=None).first():
            revoke_delegation(given.pk, by=given.user)
        giver, deputy = self.chance.sample([*self.people, self.root], 2)
        delegate(by=giver, to=deputy, until=clock.now() + timedelta(days=1))

    def join(self) -> None:
        sessions = sorted(Session.objects.values_list("pk", flat=True))
        if sessions:
            session = Session.objects.get(pk=self.chance.choice(sessions))
            Member.join(session, self.somebody(), at=clock.now())

    def crowd(self) -> None:
        """Let everybody join a session, so that its members become a crowd."""
        sessions = sorted(Session.objects.values_list("pk", flat=True))
        session = Session.objects.get(pk=self.chance.choice(sessions))
        for person in self.people:
            Member.join(session, person, at=clock.now())

    def leave(self) -> None:
        """Take a membership away behind the product's back."""
        members = sorted(Member.objects.values_list("pk", flat=True))
        if members and self.chance.random() < 0.5:
            Member.objects.filter(pk=self.chance.choice(members)).delete()

    def open_session(self) -> None:
        by, invited = self.chance.sample(self.people, 2)
        is_private = self.chance.random() < 0.5
        open_session("Plans", by=by, members=[invited.username], is_private=is_private)

    def change_session(self) -> None:
        """Let a member invite, remove, leave, rename, or change who may see the session."""
        members = list(Member.objects.select_related("user").order_by("pk"))
        member, other = self.chance.choice(members), self.chance.choice(members)
        session, by = member.session_id, member.user
        act = self.chance.choice(["private", "private", "public", "invite", "rename", "leave"])
        if act == "invite":
            invite(session, other.user, by=by)
        elif act == "rename":
            rename_session(session, f"Title {self.chance.random()}", by=by)
        elif act == "leave":
            remove_member(session, member.pk, by=by, is_confirmed=True)
        else:
            set_private(session, is_private=act == "private", by=by)

    def _open(self) -> HumanRequest | None:
        found = list(HumanRequest.objects.open().order_by("pk"))
        return self.chance.choice(found) if found else None


def pages_of(user: User) -> Iterable[UUID]:
    """The list of sessions, page by page."""
    before = None
    while page := newest_messages(user, before=before, most=PAGE):
        yield from (one.pk for one in page)
        before = page[-1].pk


@pytest.mark.parametrize("seed", range(3))
def test_everybody_finds_what_the_rule_says(seed: int) -> None:
    site = Site(seed)
    acts = [
        *([site.start] * 2 + [site.start_alone] * 3 + [site.write] * 5 + [site.reassign] * 3),
        *([site.respond] * 2 + [site.regroup] * 3),
        *(site.grant, site.permit, site.join, *([site.crowd] * 2), site.leave),
        *([site.delegate] * 3 + [site.open_session] * 2 + [site.change_session] * 6),
    ]
    site.start()
    for _ in range(2):
        for act in site.chance.choices(acts, k=24):
            act()
        for user in [*site.people, site.root]:
            agree(user)


def agree(user: User) -> None:
    rule = Rule(user)
    assert list(pages_of(rule.user)) == rule.newest()
    for session in Session.objects.all():
        part = find_part(rule.user, session.pk)
        assert (part is not None) == (session.pk in rule.sessions)
        if part:
            read = part.messages.order_by("seq").values_list("pk", flat=True)
            assert list(read) == rule.transcript(session.pk)
    assert titles_for(rule.user, rule.sessions).keys() == rule.sessions
