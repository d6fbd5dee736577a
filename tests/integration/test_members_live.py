"""Open pages and programs of people who are removed or shut out, on a real server."""

from typing import Any

from django.contrib.auth.models import User

from chat.models import Member
from chat.services import invite, post_message, remove_member, set_private
from dashboard.models import ApiToken, Scope
from tests.pages import ask
from tests.processes import Web
from tests.sockets import Page, page, program


def test_what_is_said_after_a_removal_or_in_private_reaches_members_only(
    running_web: Web, alice: User, bob: User, carol: User
) -> None:
    """Bob sees the run without being a member; carol is invited and then removed."""
    session = ask("approval", by=alice).session
    stream = f"session:{session.pk}"
    invite(session.pk, carol, by=alice)
    token = ApiToken.create_for(carol, scopes=[Scope.READ])
    last = post_message(session, "To all members", by=alice).seq
    with (
        page(running_web, alice) as hers,
        page(running_web, bob) as his,
        page(running_web, carol) as theirs,
        program(running_web, token) as programs,
    ):
        for one in (hers, his, theirs, programs):
            one.follow(stream)
            one.hear_until(last)

        remove_member(session.pk, Member.objects.get(user=carol).pk, by=alice)
        for one in (theirs, programs):
            assert "denied" in _last(one)
        set_private(session.pk, is_private=True, by=alice)
        assert "denied" in _last(his)
        secret = post_message(session, "Only among us", by=alice)

        heard = [hers.hear()["object"] for _ in range(last, secret.seq)]
        assert heard[-1] == str(secret.pk)
        for one in (his, theirs, programs):
            assert one.heard_before_an_answer() == []


def _last(one: Page) -> dict[str, Any]:
    """The first message that isn't a frame of the stream."""
    while "seq" in (heard := one.hear()):
        pass
    return heard
