"""The doors for single objects, the lists and the rule itself agree about who sees a run.

The rule stands here once more, in plain Python over the rows, as the specification.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User

from chat.access import visible_messages, visible_requests, visible_sessions
from chat.models import Assignment, HumanRequest, Member, Message, Session
from procedures import access
from procedures.engine.declaration.roles import ROLES
from procedures.engine.journal.events import RunStatus
from procedures.models import Grant, Procedure, ProcedureVersion, Run, Wait
from procedures.models.clock import clock
from procedures.run_lists import MOST_COUNTED, STATES, RunList

PERMISSIONS = ("view_run", "change_run")
PAGE = 7


@dataclass
class Site:
    """A site made by chance: people, groups, grants, runs with children, sessions and questions."""

    chance: random.Random
    people: list[User] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    procedures: list[Procedure] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    def fill(self) -> "Site":
        draw = self.chance
        self.groups = [Group.objects.create(name=f"group {number}") for number in range(4)]
        self.people = [self._person(number) for number in range(6)]
        self.procedures = [self._procedure(number) for number in range(4)]
        for number in range(30):
            self._run(number)
            if draw.random() < 0.3:
                self._speak()
            if draw.random() < 0.15:
                Member.join(draw.choice(self.sessions), draw.choice(self.people), at=clock.now())
        return self

    def _person(self, number: int) -> User:
        draw = self.chance
        user = User.objects.create_user(f"person-{number}", is_active=number != 1)
        user.is_superuser = number == 2
        user.save()
        user.groups.set(group for group in self.groups if draw.random() < 0.25)
        names = [name for name in PERMISSIONS if draw.random() < 0.2]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        return user

    def _procedure(self, number: int) -> Procedure:
        made = Procedure.objects.create(name=f"made-{number}", title=f"Made {number}")
        ProcedureVersion.objects.create(procedure=made, version="1", registered_at=clock.now())
        for group in self.groups:
            for role in ROLES:
                if self.chance.random() < 0.08:
                    Grant.objects.create(procedure=made, group=group, role=role)
        return made

    def _run(self, number: int) -> None:
        draw = self.chance
        procedure, above = draw.choice(self.procedures), None
        if self.runs and draw.random() < 0.3:
            above = self._wait(draw.choice(self.runs), draw.choice(["child", "map"]))
        run = Run.objects.create(
            procedure=procedure,
            version=procedure.versions.get(),
            started_by=draw.choice([*self.people, None]),
            status=draw.choice(list(RunStatus)),
            inputs="{}",
            seed="",
            created_at=clock.now() + timedelta(seconds=number),
            parent_wait=above,
        )
        session = self._session_of(run)
        if above is None or above.kind == "child":
            Message(kind="run", run=run, author=run.started_by, at=clock.now()).add_to(session.pk)
        if run.started_by and above is None:
            Member.join(session, run.started_by, at=clock.now())
        self.runs.append(run)
        for place in range(draw.choice([0, 0, 1, 2])):
            self._ask(run, session, place)

    def _session_of(self, run: Run) -> Session:
        if run.parent_wait:
            said = Message.objects.filter(run=run.top()).first()
            assert said
            return said.session
        if self.sessions and self.chance.random() < 0.3:
            return self.chance.choice(self.sessions)
        session = Session.new(f"session {len(self.sessions)}", at=clock.now(), said=0)
        session.save(force_insert=True)
        self.sessions.append(session)
        return session

    def _wait(self, run: Run, kind: str, **cells: Any) -> Wait:
        number = Wait.objects.filter(run=run).count() + 1
        return Wait.objects.create(run=run, kind=kind, key=f"{kind}-{number}", opened_seq=number)

    def _ask(self, run: Run, session: Session, place: int) -> None:
        draw = self.chance
        status = draw.choice(list(HumanRequest.Status))
        request = HumanRequest(
            wait=self._wait(run, "request"),
            session=session,
            kind="approval",
            prompt="?",
            question="{}",
            status=status,
            opened_at=clock.now(),
        )
        request.insert([self._whom() for _ in range(draw.choice([1, 1, 2]))])
        Message(kind="request", run=run, request=request, at=clock.now()).add_to(session.pk)
        if status != HumanRequest.Status.OPEN:
            Wait.objects.filter(pk=request.wait_id).update(closed_at=clock.now())

    def _whom(self) -> Assignment:
        match self.chance.choice(["user", "group", "permission"]):
            case "user":
                return Assignment(user=self.chance.choice(self.people))
            case "group":
                return Assignment(group=self.chance.choice(self.groups))
        name = self.chance.choice(PERMISSIONS)
        return Assignment(permission=f"countersign_procedures.{name}")

    def _speak(self) -> None:
        draw = self.chance
        session = draw.choice(self.sessions)
        said = list(Message.objects.filter(session=session))
        to = draw.choice([None, *said])
        author = draw.choice(self.people)
        Message(kind="person", author=author, text="!", reply_to=to, at=clock.now()).add_to(
            session.pk
        )


class Rule:
    """The rule of who sees a run without any index: plain sets of rows."""

    def __init__(self, user: User) -> None:
        self.user = user

    @cached_property
    def sees_all(self) -> bool:
        return self.user.is_superuser

    @cached_property
    def sessions_of(self) -> set[UUID]:
        return {one.session_id for one in Member.objects.all() if one.user_id == self.user.pk}

    @cached_property
    def runs(self) -> set[UUID]:
        if not self.user.is_active:
            return set()
        if self.sees_all:
            return {run.pk for run in Run.objects.all()}
        groups = {group.pk for group in self.user.groups.all()}
        held = {f"countersign_procedures.{one.codename}" for one in self._permissions()}
        granted = {
            one.procedure_id
            for one in Grant.objects.all()
            if one.group_id in groups and one.role in {"see", "operate", "cancel"}
        }
        found = {
            run.pk
            for run in Run.objects.all()
            if run.started_by_id == self.user.pk or run.procedure_id in granted
        }
        found |= {
            said.run_id
            for said in Message.objects.all()
            if said.run_id and said.session_id in self.sessions_of
        }
        return found | {
            one.request.wait.run_id
            for one in Assignment.objects.select_related("request__wait")
            if one.user_id == self.user.pk or one.group_id in groups or one.permission in held
        }

    def _permissions(self) -> Iterable[Permission]:
        return self.user.user_permissions.all()

    @cached_property
    def requests(self) -> set[UUID]:
        asked = HumanRequest.objects.select_related("wait")
        return {one.pk for one in asked if one.wait.run_id in self.runs}

    @cached_property
    def sessions(self) -> set[UUID]:
        if not self.user.is_active:
            return set()
        if self.sees_all:
            return {one.pk for one in Session.objects.all()}
        said = {one.session_id for one in Message.objects.all() if one.run_id in self.runs}
        return said | self.sessions_of

    @cached_property
    def messages(self) -> set[UUID]:
        if not self.user.is_active:
            return set()
        if self.sees_all:
            return {one.pk for one in Message.objects.all()}
        return {one.pk for one in Message.objects.select_related("reply_to") if self._reads(one)}

    def _reads(self, said: Message) -> bool:
        if said.run_id in self.runs or said.session_id in self.sessions_of:
            return True
        is_own = said.author_id == self.user.pk and said.kind == "person"
        to = said.reply_to
        is_reply = to is not None and (to.author_id == self.user.pk or to.run_id in self.runs)
        return (is_own or is_reply) and said.session_id in self.sessions


@pytest.fixture(params=[0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2))])
def site(request: pytest.FixtureRequest, db: None) -> Site:
    return Site(random.Random(request.param)).fill()  # noqa: S311 (a site made by chance)


def test_single_objects_are_seen_by_the_rule(site: Site) -> None:
    for person in site.people:
        user = User.objects.get(pk=person.pk)
        rule = Rule(user)
        doors = (
            (Run.objects.all(), access.visible_runs(user), rule.runs),
            (HumanRequest.objects.all(), visible_requests(user), rule.requests),
            (Session.objects.all(), visible_sessions(user), rule.sessions),
            (Message.objects.all(), visible_messages(user), rule.messages),
        )
        for every, door, seen in doors:
            assert {one.pk for one in every if door.filter(pk=one.pk).exists()} == seen
            assert set(door.filter(pk__in=every.values("pk")).values_list("pk", flat=True)) == seen
        assert {run.pk for run in Run.objects.filter(access.is_visible(user, "pk"))} == rule.runs


def test_lists_are_those_of_the_rule_page_by_page(site: Site) -> None:
    runs = {run.pk: run for run in Run.objects.select_related("procedure", "parent_wait")}
    for person in site.people:
        user = User.objects.get(pk=person.pk)
        seen = sorted(Rule(user).runs, reverse=True)
        for state in ("", *STATES):
            for procedure in ("", *(one.name for one in site.procedures), "nothing"):
                expected = [
                    pk
                    for pk in seen
                    if is_in(runs[pk], state) and procedure in ("", runs[pk].procedure.name)
                ]
                assert pages(RunList(user, state, procedure)) == expected
                assert pages(RunList(user, state, procedure, few=0)) == expected
        for parent in site.runs:
            below = [pk for pk in seen if runs[pk].parent_id == parent.pk]
            assert pages(RunList(user, parent=parent.pk)) == (below if parent.pk in seen else [])


def test_counts_are_those_of_the_rule(site: Site) -> None:
    runs = {run.pk: run for run in Run.objects.select_related("procedure")}
    for person in site.people:
        user = User.objects.get(pk=person.pk)
        for procedure in ("", site.procedures[0].name):
            seen = [
                runs[pk] for pk in Rule(user).runs if procedure in ("", runs[pk].procedure.name)
            ]
            expected = {state: sum(is_in(run, state) for run in seen) for state in STATES}
            assert RunList(user, procedure=procedure).count(*STATES) == expected
            assert RunList(user, procedure=procedure, few=0).count(*STATES) == expected
    assert len(site.runs) < MOST_COUNTED


def is_in(run: Run, state: str) -> bool:
    some = STATES[state] if state else [(run.status, (True, False))]
    return any(run.status == status and run.is_asking in flags for status, flags in some)


def pages(some: RunList) -> list[UUID]:
    """All ids, read page by page; each of them is loaded, too."""
    found: list[UUID] = []
    while page := some.newest(PAGE, after=found[-1] if found else None):
        assert [run.pk for run in some.load(page)] == page
        found += page
    return found
