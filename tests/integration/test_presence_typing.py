"""Open sessions and typing people, of which only members hear."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis

from chat.models import Session
from procedures.conf import conf
from tests.conftest import StartWeb
from tests.pages import ask
from tests.processes import Web
from tests.sockets import Page, page
from tests.talks import begin_talk

pytestmark = pytest.mark.django_db(transaction=True)


def enter(one: Page, session: Session) -> None:
    session.refresh_from_db()
    one.follow(f"session:{session.pk}", form="page", after=session.last_seq)


def hear_people(one: Page, *names: str) -> dict[str, Any]:
    """Return the first frame that tells that exactly these people are here."""
    while True:
        found = one.hear_together()["together"]
        if [name for _, name in found.get("here", {}).get("named", [])] == sorted(names):
            assert found["here"]["count"] == len(names)
            return dict(found)


def announce(channel: str, *texts: str) -> None:
    with Redis.from_url(conf.REDIS_URL) as client:
        for text in texts:
            client.publish(channel, text)


def hear_typing(one: Page) -> list[str]:
    while not (found := one.hear_together()["together"].get("typing")):
        pass
    return [name for _, name in found]


def test_members_hear_who_comes_types_and_goes(
    running_web: Web, web: StartWeb, alice: User, carol: User
) -> None:
    """They are served by two web processes."""
    session, other = begin_talk(alice, carol), web()
    with page(running_web, alice) as alices:
        enter(alices, session)
        with page(other, carol) as carols:
            enter(carols, session)
            hear_people(alices, "alice", "carol")
            hear_people(carols, "alice", "carol")
            # What another release announces in another form is ignored.
            announce(
                "countersign.together", '{"who": "a new release"}', '{"from": 1, "here": 3}', "["
            )
            announce("countersign.doorbell", "7", '["session:x"]')
            for _ in range(5):
                carols.say(typing=f"session:{session.pk}")
            assert hear_typing(alices) == ["carol"]
        hear_people(alices, "alice")


def test_nobody_else_hears_it_and_nobody_else_is_shown(
    running_web: Web, alice: User, bob: User, admin_user: User
) -> None:
    """Bob sees a part of the session; a superuser sees all of it. Neither takes part."""
    session = ask("approval", by=alice).session
    stream = f"session:{session.pk}"
    with (
        page(running_web, bob) as bobs,
        page(running_web, admin_user) as roots,
        page(running_web, alice) as alices,
    ):
        for one in (bobs, roots, alices):
            enter(one, session)
        hear_people(alices, "alice")
        for one in (bobs, roots):
            one.say(typing=stream)
            assert "only pages of members" in one.hear_error()
            assert one.heard_before_an_answer() == []
            assert not one.has_heard_together
        for wrong in ("inbox", "run:x", f"session:{begin_talk(bob).pk}"):
            alices.say(typing=wrong)
            assert alices.hear_error()
