"""Commands in the chat: starting procedures, asking what goes on, cancelling, and typing errors."""

import pytest
from django.contrib.auth.models import User

from chat.models import Member, Message, Session
from chat.services import NotMemberError, start_in_session
from procedures.models import Run
from procedures.models.clock import clock
from procedures.run_lists import RunList
from tests.calls import grant
from tests.conftest import group
from tests.integration.test_pages_chat import take_part
from tests.pages import ask, browser, shown

pytestmark = pytest.mark.usefixtures("bob")


def test_a_run_started_in_a_session_is_a_message_there_and_in_its_members_lists(
    alice: User, bob: User
) -> None:
    grant("named_refund", group("support"), "start")
    session = Session.new("Returns of this week", at=clock.now())
    session.save(force_insert=True)
    take_part(alice, session)
    take_part(bob, session)

    run, is_new = start_in_session(
        session,
        "named_refund",
        {"amount": "100"},
        by=alice,
        text="/refund 100",
        idempotency_key="1",
    )
    again = start_in_session(
        session,
        "named_refund",
        {"amount": "100"},
        by=alice,
        text="/refund 100",
        idempotency_key="1",
    )

    assert (is_new, again) == (True, (run, False))
    card = Message.objects.get(run=run)
    assert (card.session, card.text, card.author) == (session, "/refund 100", alice)
    assert list(RunList(bob, "").newest(9)) == [run.pk]
    page = shown(browser(bob).get(f"/chat/{session.pk}"))
    assert "/refund 100" in page
    assert f'id="run-card-{run.pk}"' in page


def test_nobody_becomes_a_member_of_a_session_by_starting_something_in_it(
    alice: User, bob: User, dave: User
) -> None:
    session = ask("approval", by=alice).session
    grant("named_refund", group("operators"), "start")
    grant("one_of_each", group("operators"), "operate")

    with pytest.raises(NotMemberError):
        start_in_session(session, "named_refund", {"amount": "1"}, by=dave)

    assert not Run.objects.filter(started_by=dave).exists()
    assert not Member.objects.filter(user=dave).exists()
