"""The people who make the changes: they talk in one session, and answer what runs ask."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.utils import timezone

from chat.models import HumanRequest, Member, Session
from chat.models.session import session_of
from chat.services import post_message
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.services import start_run
from tests.runs import answer
from tests.storm.procedures import PACES

RUNS = 2
EACH_LEG = PACES + 2 + 3
"""Numbered changes of a leg: its steps, the question twice in the journal and in the session."""
SHARE = 0.6
"""The share of all changes that come from runs."""
LARGEST = 20
"""The maximum number of messages in one commit."""
LAST = 5
"""Messages after everything else."""


class People:
    """Alice starts and talks, bob answers and talks; both are members of one session."""

    def __init__(self, frames: int, chance: Random) -> None:
        self._chance = chance
        self.alice, self.bob = person("alice", "support"), person("bob", "finance")
        self.talk = Session.new("Everybody", at=timezone.now())
        self.talk.save(force_insert=True)
        for one in (self.alice, self.bob):
            Member.join(self.talk, one, at=timezone.now())
        legs = max(round(frames * SHARE / RUNS / EACH_LEG), 1)
        self.runs = [start_run("march", {"legs": legs}, by=self.alice)[0] for _ in range(RUNS)]
        self.messages = max(frames - RUNS * legs * EACH_LEG, LAST + 1) - LAST
        self.posted, self.answered_at = 0, 0.0
        self.is_slow = False
        """True if they do little, because pages can't be told of it."""
        self._over = threading.Event()

    @property
    def sessions(self) -> list[Session]:
        """The session of everybody, then the session of each run."""
        ids = [self.talk.pk, *map(session_of, self.runs)]
        found = Session.objects.in_bulk(ids)
        return [found[one] for one in ids]

    def heads(self) -> dict[str, int]:
        """The newest number of each stream."""
        runs = Run.objects.filter(pk__in=[run.pk for run in self.runs]).select_related("head")
        found = {f"session:{one.pk}": one.last_seq for one in self.sessions}
        return found | {f"run:{run.pk}": run.head_seq for run in runs}

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """They talk and answer from now on; the block's end is theirs."""
        thread = threading.Thread(target=self._work)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def is_done(self) -> bool:
        """Return True if everything is said but the last words, and all runs have ended."""
        ended = Run.objects.filter(pk__in=[run.pk for run in self.runs])
        return (
            self.posted >= self.messages and not ended.exclude(status=RunStatus.SUCCEEDED).exists()
        )

    def say_last_words(self) -> None:
        for _ in range(LAST):
            self.say(1)

    def say(self, count: int) -> None:
        """Post that many messages in one commit."""
        with transaction.atomic():
            for _ in range(count):
                self.posted += 1
                by = self._chance.choice((self.alice, self.bob))
                post_message(self.talk, f"**{self.posted}** and so on", by=by)

    def _work(self) -> None:
        try:
            while not self._over.wait(0.1 if self.is_slow else 0.01):
                for request in () if self.is_slow else HumanRequest.objects.open():
                    at = time.monotonic()
                    answer(request, by=self.bob)
                    self.answered_at = at
                most = 1 if self.is_slow else self._chance.choice((1, 1, 1, 5, LARGEST))
                if left := self.messages - self.posted:
                    self.say(min(left, most))
        finally:
            connection.close()


def person(name: str, group: str) -> User:
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    return user
