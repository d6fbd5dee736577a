"""Commands in the chat: starting procedures, asking what goes on, cancelling, and typing errors."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chat.models import Member, Message, Session
from chat.services import NotMemberError, start_in_session
from dashboard.overview.words import short_id
from procedures.models import Grant, Run
from procedures.models.clock import clock
from procedures.run_lists import RunList
from tests.calls import grant
from tests.conftest import group
from tests.integration.test_pages_chat import said, say, take_part
from tests.pages import HTMX, ask, browser, shown

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


@pytest.fixture
def session(alice: User) -> Session:
    """Alice is its member and may start refunds; bob is asked something in it."""
    grant("named_refund", group("support"), "start")
    return ask("approval", by=alice).session


def draft_of(page: Any) -> Any:
    return page.context["command"]


def test_a_command_opens_the_start_form_with_what_fits_and_posts_nothing(
    alice: User, session: Session
) -> None:
    client = browser(alice)

    opened = say(client, session, "/named_refund 100 B-7 today order=C-3")

    draft = draft_of(opened)
    assert opened.status_code == 200
    assert draft.filled.texts == {"amount": ["100"], "order": ["B-7 today"]}
    assert draft.filled.left == ["order=C-3"]
    text = shown(opened)
    assert "No field takes this part of your command: <strong>order=C-3</strong>" in text
    assert 'name="amount" type="text" value="100"' in text
    assert 'name="order" type="text" value="B-7 today"' in text
    assert 'id="composer"' in text
    assert f'<option value="{session.pk}"' not in text
    assert said(session) == []
    assert Run.objects.count() == 1
    # Nobody else sees the draft, and it isn't kept on the server.
    assert "B-7" not in shown(browser(alice).get(f"/chat/{session.pk}"))


def test_the_sent_form_starts_one_run_here_whose_card_says_the_command(
    alice: User, session: Session
) -> None:
    client = browser(alice)
    draft = draft_of(say(client, session, "/named_refund 100"))
    path = f"/chat/{session.pk}/starts/named_refund"
    fields = {"-key": draft.key, "-command": draft.text, "amount": "100", "order": "B-7"}

    faulty = client.post(path, fields | {"amount": "much"}, headers=HTMX)
    sent = [client.post(path, fields, headers=HTMX) for _ in range(2)]

    assert faulty.status_code == 422
    assert 'value="much"' in shown(faulty)
    assert f'value="{draft.key}"' in shown(faulty)
    [card] = session.messages.filter(kind="run", text__startswith="/")
    assert card.text == "/named_refund 100"
    placed = f'composer__sent"> <article class="message" id="message-{card.pk}"'
    assert all(placed in shown(one) for one in sent)
    again = client.get(f"/chat/{session.pk}/draft", {"text": draft.text, "key": draft.key})
    assert f' ended key="{draft.key}"' in shown(again)
    assert "<form" not in shown(again)


def test_a_draft_that_is_not_possible_now_says_why_and_stays(alice: User, session: Session) -> None:
    client = browser(alice)
    draft = {"text": "/named_refund " + "long " * 1_900, "key": "abc"}
    path = f"/chat/{session.pk}/draft"

    possible = shown(client.post(path, draft))
    Grant.objects.filter(procedure__name="named_refund").delete()
    refused = shown(client.post(path, draft))
    gone = shown(client.get(path, {"text": "/cancel 3f2a·91c"}))

    assert f'text="{draft["text"].strip()}" key="abc"' in possible
    assert " ended" not in refused
    assert 'key="abc"' in refused
    assert "There is no such command. Write “/help” to see all commands. Your draft" in refused
    assert "There is no run 3f2a·91c in this session" in gone
    assert "Your draft" not in gone
    assert (
        browser(alice).post(path.replace(str(session.pk), str(uuid4())), draft).status_code == 404
    )


def test_a_command_that_the_form_has_changed_is_not_said(alice: User, session: Session) -> None:
    client = browser(alice)
    draft = draft_of(say(client, session, "/named_refund 100"))
    fields = {"-key": draft.key, "-command": draft.text, "amount": "250"}

    client.post(f"/chat/{session.pk}/starts/named_refund", fields, headers=HTMX)

    assert session.messages.filter(kind="run").latest("seq").text == "/named_refund"


@pytest.mark.parametrize(
    "typed",
    [
        "/payroll 100",
        "Hello @bob",
        "/named_refund 100 0 " + "x" * 10_000,
        "/named_refund 1\0",
        "//named_refund 100",
        "",
    ],
)
def test_the_card_says_no_other_command_than_that_of_its_procedure(
    alice: User, session: Session, typed: str
) -> None:
    path = f"/chat/{session.pk}/starts/named_refund"
    fields = {"-key": "1", "-command": typed, "amount": "100"}

    sent = browser(alice).post(path, fields, headers=HTMX)

    assert sent.status_code == 200
    assert session.messages.filter(kind="run").latest("seq").text == "/named_refund"


def test_a_command_longer_than_a_message_opens_no_form(alice: User, session: Session) -> None:
    words = "/named_refund 100 " + "word " * 2_000

    refused = say(browser(alice), session, words)

    assert refused.status_code == 422
    assert "The message has 10,017 characters; the limit is 10,000." in shown(refused)
    assert words.strip() in shown(refused)


def test_the_values_of_a_long_command_start_a_run(alice: User, session: Session) -> None:
    grant("named_in_every_way", group("support"), "start")
    client = browser(alice)
    words = 'first “2 lines” line\n\nwith "marks" and https://example.com/?a=b at ' + "x" * 9_000

    draft = draft_of(say(client, session, f"/start named_in_every_way {words}"))
    fields = {name: texts[0] for name, texts in draft.filled.texts.items()}
    path = f"/chat/{session.pk}/starts/named_in_every_way"
    client.post(path, {"-key": draft.key, "-command": draft.text, **fields}, headers=HTMX)

    run = Run.objects.get(procedure__name="named_in_every_way")
    assert draft.filled.left == []
    assert fields["note"].startswith("2 lines line")
    assert f"https://example.com/?a=b at {'x' * 9_000}" in fields["note"]
    assert '"marks" and' in fields["note"]
    card = Message.objects.get(run=run)
    assert card.text == f"/start named_in_every_way {words}"


def test_without_javascript_a_command_is_a_page_with_the_form_in_it(
    alice: User, session: Session
) -> None:
    client = browser(alice)

    sent: Any = say(client, session, "/named_refund 100", htmx=False)

    assert sent.status_code == 302
    page = client.get(sent.url)
    assert 'name="amount" type="text" value="100"' in shown(page)
    path, key = f"/chat/{session.pk}/starts/named_refund", draft_of(page).key
    fields = {"-key": key, "-command": "/named_refund 100"}
    faulty = client.post(path, fields | {"amount": ""})
    assert faulty.status_code == 422
    assert 'id="composer"' in shown(faulty)
    done: Any = client.post(path, fields | {"amount": "100"})
    assert done.url == f"/chat/{session.pk}#latest"
    asked = say(client, session, "/named_refnd 100", htmx=False)
    assert asked.status_code == 422
    assert 'name="instead" value="named_refund"' in shown(asked)
    assert "/named_refnd 100</textarea>" in shown(asked)


def test_a_mistyped_command_is_asked_about_and_posted_only_on_request(
    alice: User, session: Session
) -> None:
    client = browser(alice)

    asked = say(client, session, "/named_refnd 100")
    meant = say(client, session, "/named_refnd 100", instead="named_refund")
    unknown = say(client, session, "/etc/hosts is wrong")

    assert (asked.status_code, unknown.status_code) == (422, 422)
    assert "Did you mean one of these?" in shown(asked)
    assert "There is no such command." in shown(unknown)
    assert draft_of(meant).filled.texts == {"amount": ["100"]}
    assert said(session) == []
    say(client, session, "/etc/hosts is wrong", as_text="true")
    say(client, session, "/named_refund is broken", verbatim="/named_refund is broken")
    say(client, session, "//status")
    assert said(session) == ["/etc/hosts is wrong", "/named_refund is broken", "/status"]
    assert say(client, session, "/status now", verbatim="/status").status_code == 200
    assert len(said(session)) == 3


def test_a_question_about_a_command_keeps_what_the_message_replies_to(
    bob: User, alice: User, session: Session
) -> None:
    request = session.requests.get()
    client = browser(bob)

    free = shown(say(client, session, "/payy"))
    to_it = shown(say(client, session, "/payy", to=request))

    assert '<option value="" selected>' in free
    assert f'<option value="{request.pk}" dir="auto" data-hint' in to_it
    assert '<option value="">' in to_it


def test_a_command_leaves_what_the_next_message_replies_to(
    bob: User, alice: User, session: Session
) -> None:
    request = session.requests.get()
    client = browser(bob)

    free = shown(say(client, session, "/status"))
    to_it = shown(say(client, session, "/status", to=request))

    assert '<option value="" selected>' in free
    assert '<option value="">' in to_it


def test_status_tells_each_run_to_the_person_alone(alice: User, session: Session) -> None:
    start_in_session(session, "named_refund", {"amount": "5"}, by=alice)

    told = say(browser(alice), session, "/status")

    headings = [one.run.heading for one in draft_of(told).runs]
    assert headings == ["Refund 5.00 € for A-1", "One of each"]
    assert "Waiting for Finance to answer <strong>Pay 31.20 €?</strong>" in shown(told)
    assert said(session) == []


def test_cancel_asks_which_and_says_what_follows(alice: User, dave: User, session: Session) -> None:
    run, _ = start_in_session(session, "named_refund", {"amount": "5"}, by=alice)
    client = browser(alice)

    which = say(client, session, "/cancel wrong customer")
    one = say(client, session, f"/cancel {run.pk} wrong customer")

    assert "Which run should be cancelled?" in shown(which)
    assert len(draft_of(which).runs) == 2
    text = shown(one)
    assert "Cancel Refund 5.00 € for A-1" in text
    assert "A cancelled run can&#x27;t continue." in text
    assert 'value="wrong customer"' in text
    fields = {"reason": "wrong customer", "next": f"/chat/{session.pk}#latest"}
    done: Any = client.post(f"/runs/{run.pk}/operations/cancel", fields)
    assert done.url == f"/chat/{session.pk}#latest"
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_cancel_takes_no_other_run_than_the_one_that_is_named(
    alice: User, session: Session
) -> None:
    other, own = ask("approval", by=alice).wait.run, session.requests.get().wait.run
    client = browser(alice)

    for name in (str(other.pk), other.pk.hex, short_id(other.pk)):
        refused = say(client, session, f"/cancel {name} wrong customer")
        assert refused.status_code == 422
        assert f"There is no run {name} in this session" in shown(refused)
    for name in (str(own.pk), short_id(own.pk)):
        found = draft_of(say(client, session, f"/cancel {name}\nwrong\ncustomer"))
        assert found.dialog.run == own
        assert found.dialog.typed == {"reason": "wrong customer"}


def test_who_may_not_start_or_cancel_is_told_so(
    bob: User, carol: User, dave: User, session: Session
) -> None:
    grant("named_refund", group("finance"), "see")
    grant("named_refund", group("operators"), "start")
    grant("one_of_each", group("operators"), "see")
    take_part(bob, session)

    seen = say(browser(bob), session, "/named_refund 100")
    unseen = say(browser(bob), session, "/typed_inputs")
    outside = say(browser(dave), session, "/named_refund 100")
    offered = shown(browser(dave).get(f"/chat/{session.pk}/commands"))
    cancel = say(browser(bob), session, "/cancel")

    refused = [seen, unseen, outside, cancel]
    assert [one.status_code for one in refused] == [422] * 4
    assert "You don&#x27;t have permission to start Refund an order." in shown(seen)
    assert "There is no such command." in shown(unseen)
    assert "Only members of this session can start procedures in it." in shown(outside)
    assert 'href="/procedures/named_refund"' in shown(outside)
    assert "named_refund" not in offered
    assert "/status" in offered
    assert "There is no run in this session that you can cancel now." in shown(cancel)
    path = f"/chat/{session.pk}/starts/named_refund"
    for client in (browser(bob), browser(dave)):
        assert client.post(path, {"amount": "1"}, headers=HTMX).status_code == 403
    assert Run.objects.filter(procedure__name="named_refund").count() == 0
    for path in ("commands", "draft"):
        assert browser(carol).get(f"/chat/{session.pk}/{path}").status_code == 404


def test_the_commands_are_offered_in_the_order_of_their_last_use(
    alice: User, session: Session
) -> None:
    start_in_session(session, "named_refund", {"amount": "5"}, by=alice)

    offers = browser(alice).get(f"/chat/{session.pk}/commands").context["offers"]

    assert [one.text for one in offers][:2] == ["/named_refund", "/one_of_each"]
    assert [one.text for one in offers][-3:] == ["/status", "/cancel", "/help"]
    titles = [one.title.casefold() for one in offers[2:-3]]
    assert titles == sorted(titles)
