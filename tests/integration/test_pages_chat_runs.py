"""The chat with runs: who is heard, and what becomes of what people write to a run."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import Member, Message, Session
from chat.services import post_message, start_in_session
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import cancel_run, retry_run
from tests.calls import JSON, caller, request_of, run_until_it_waits
from tests.configured import configured
from tests.pages import HTMX, browser, grant_to_both, queries_of, shown
from tests.runs import answer

pytestmark = pytest.mark.usefixtures("bob")
QUEUED, READ = "Queued until the run reads it", "Read by the run at"


def begun(name: str, *, by: User, **inputs: Any) -> tuple[Run, Session]:
    grant_to_both(name)
    run = run_until_it_waits(name, by=by, **inputs)
    return run, run.messages.cards().get().session


def begin_in(session: Session, name: str, *, by: User, **inputs: str) -> Run:
    grant_to_both(name)
    return start_in_session(session, name, inputs, by=by)[0]


def say(client: Client, session: Session, text: str, to: object = "", **more: str) -> Any:
    fields = {"text": text, "request": str(to), **more}
    return client.post(f"/chat/{session.pk}/messages", fields, headers=HTMX)


def last(session: Session) -> Message:
    return session.messages.filter(kind=Message.Kind.PERSON).latest("seq")


def pushed(session: Session, after: int) -> str:
    found = frames(Stream("session", session.pk), "page", [WHOLE], after=after)
    return " ".join("".join(one.content.get("html", "") for one in found).split())


def test_a_message_is_queued_until_the_run_has_read_it(alice: User, bob: User) -> None:
    run, session = begun("listening", by=alice)

    page = shown(browser(alice).get(f"/chat/{session.pk}"))
    assert f'<option value="{run.pk}" selected>To Listening</option>' in page
    sent = shown(say(browser(alice), session, "Use the other account.", run.pk))
    before = Session.objects.get(pk=session.pk).last_seq
    assert QUEUED in sent
    assert READ not in sent
    assert 'to <a href="#message-' in sent

    answer(request_of(run), by=bob)
    advance_run(run.pk)

    assert last(session).delivery == "read"
    assert READ in pushed(session, before)
    assert READ in shown(browser(alice).get(f"/chat/{session.pk}"))
    assert "Use the other account" in run.events.journal()[-3].data


def test_a_conversation_takes_a_message_at_once(alice: User) -> None:
    run, session = begun("conversing", by=alice)

    sent = shown(say(browser(alice), session, "Paint it.", run.pk))

    assert READ in sent
    advance_run(run.pk)
    assert session.messages.filter(kind="notice").latest("seq").text == (
        "You said 1 things. What next?"
    )


def test_a_message_sent_twice_reaches_the_run_once(alice: User) -> None:
    run, session = begun("listening", by=alice)
    for _ in range(2):
        say(browser(alice), session, "Hurry.", run.pk, client_key="one")

    assert run.signals.count() == session.messages.filter(kind="person").count() == 1


def test_a_member_without_a_right_writes_to_people_and_is_told_so_before(
    alice: User, carol: User
) -> None:
    run, session = begun("listening", by=alice)
    Member.join(session, carol, at=clock.now())

    page = shown(browser(carol).get(f"/chat/{session.pk}"))
    assert "reads only messages from people who may start, answer or operate it" in page
    assert f'value="{run.pk}"' not in page
    sent = shown(say(browser(carol), session, "Me, too!", run.pk))

    assert "This run reads only messages from people who may start" in sent
    assert last(session).delivery == ""
    assert not run.signals.exists()


def test_who_may_answer_is_heard(alice: User, bob: User) -> None:
    run, session = begun("listening", by=alice)

    say(browser(bob), session, "From finance", run.pk)

    assert [one.sender for one in run.signals.all()] == ["bob"]


def test_a_procedure_that_reads_nothing_says_so(alice: User) -> None:
    run, session = begun("one_of_each", by=alice, kind="approval")

    page = shown(browser(alice).get(f"/chat/{session.pk}"))
    assert f'value="{run.pk}"' not in page
    sent = shown(say(browser(alice), session, "Hello?", run.pk))

    # The rest of its sentence is "doesn't read messages.", with an escaped apostrophe.
    assert "This procedure doesn&#x27;t read messages." in sent
    assert QUEUED not in sent
    assert last(session).delivery == ""


@configured(MOST_UNREAD_MESSAGES=2)
def test_messages_that_a_run_does_not_read_are_bounded(alice: User) -> None:
    run, session = begun("listening", by=alice, steps=1)
    program, path = caller(alice), f"/api/sessions/{session.pk}/messages"

    sent = [
        program.post(path, {"text": text, "reply_to": str(run.pk)}, JSON).json() for text in "abc"
    ]

    assert [one["message"]["delivery"] for one in sent] == ["queued", "queued", ""]
    assert [one["unheard"] for one in sent[:2]] == ["", ""]
    assert sent[2]["unheard"] == (
        "This run has 2 messages that it hasn't read yet, which is the limit."
        " Write to it again once it has read some."
    )
    answer(request_of(run), by=User.objects.get(username="bob"))
    advance_run(run.pk)
    assert not session.messages.filter(delivery="queued").exists()


def test_of_several_runs_that_read_people_choose_one(alice: User) -> None:
    first, session = begun("listening", by=alice)
    second = begin_in(session, "conversing", by=alice)

    page = shown(browser(alice).get(f"/chat/{session.pk}"))
    assert '<option value="choose" selected>' in page
    refused = say(browser(alice), session, "Hello", "choose")
    assert refused.status_code == 422
    assert "Several runs read messages here." in shown(refused)
    assert '<option value="choose" selected>' in shown(refused)
    assert not session.messages.filter(kind="person").exists()
    sent = shown(say(browser(alice), session, "Hello", first.pk))

    assert f'<option value="{first.pk}" selected>' in sent
    assert first.signals.exists()
    assert not second.signals.exists()


def test_words_for_people_reach_no_run(alice: User) -> None:
    run, session = begun("listening", by=alice)

    say(browser(alice), session, "Lunch?")

    assert last(session).delivery == ""
    assert not run.signals.exists()


def test_a_run_that_ends_leaves_messages_unread_and_a_retry_reads_them(
    alice: User, dave: User
) -> None:
    run, session = begun("failing_listener", by=alice)
    answer(request_of(run), by=dave)
    card = run.messages.cards().get()
    message = post_message(session, "Wait!", by=alice, reply_to=card)
    before = Session.objects.get(pk=session.pk).last_seq

    advance_run(run.pk)

    message.refresh_from_db()
    assert message.delivery == "unread"
    assert "The run has ended without reading this" in pushed(session, before)
    late = post_message(session, "Too late", by=alice, reply_to=card)
    assert late.delivery == ""

    retry_run(run.pk, by=dave, reason="Mended.")
    advance_run(run.pk)
    message.refresh_from_db()
    assert message.delivery == "read"


def test_a_cancelled_run_leaves_messages_unread(alice: User, dave: User) -> None:
    run, session = begun("listening", by=alice)
    message = post_message(session, "Wait!", by=alice, reply_to=run.messages.cards().get())

    cancel_run(run.pk, by=dave, reason="Enough.")

    message.refresh_from_db()
    assert message.delivery == "unread"


def test_a_child_is_written_to_by_its_card(alice: User) -> None:
    run, session = begun("conversing_below", by=alice)
    child = Run.objects.get(parent_wait__run=run)
    advance_run(child.pk)

    say(browser(alice), session, "To the child", child.pk)

    assert child.signals.exists()
    assert not run.signals.exists()
    advance_run(child.pk)
    assert "To the child" in str(Run.objects.get(pk=child.pk).result)


def test_people_steer_a_step_where_the_procedure_allows_it(alice: User) -> None:
    run, session = begun("steered_after_a_question", by=alice)

    page = shown(browser(alice).get(f"/chat/{session.pk}"))
    assert f'<option value="{run.pk}" data-steers selected>' in page
    assert 'name="steers" value="1">Send to the running step</button>' in page
    sent = shown(say(browser(alice), session, "Left!", run.pk, steers="1"))

    assert "Handed to the step that is running" in sent
    assert run.signals.get().value.endswith('"steers":true,"text":"Left!"}')


def test_a_procedure_that_is_not_steered_reads_it_after_the_step(alice: User) -> None:
    run, session = begun("listening", by=alice)

    assert "Send to the running step" not in shown(browser(alice).get(f"/chat/{session.pk}"))
    sent = shown(say(browser(alice), session, "Left!", run.pk, steers="1"))

    assert QUEUED in sent
    assert "steers" not in run.signals.get().value


def test_runs_and_messages_cost_no_statement_each(alice: User) -> None:
    run, session = begun("listening", by=alice)
    page, strip = f"/chat/{session.pk}", f"/chat/{session.pk}/replying"
    client = browser(alice)
    say(client, session, "One", run.pk)
    before = len(queries_of(client, page)), len(queries_of(client, strip))

    for number in range(4):
        say(client, session, f"Another {number}", run.pk)

    assert len(queries_of(client, page)) == before[0]
    for _ in range(3):
        begin_in(session, "listening", by=alice)
    assert len(queries_of(client, strip)) == before[1]


def at_work(run: Run, step: str = "pay_back") -> Run:
    """The run as it is while a worker is busy with a long step."""
    lease = clock.now() + timedelta(minutes=1)
    working = {"status": "running", "working_on": step, "leased_until": lease}
    Run.objects.filter(pk=run.pk).update(**working)
    return run


def test_stop_says_what_will_still_finish_and_cancels(alice: User) -> None:
    run, session = begun("listening", by=alice)
    client, path = browser(alice), f"/chat/{session.pk}/stop"
    assert "composer__stop-button" not in shown(client.get(f"/chat/{session.pk}"))
    assert "There is no run here that you can stop." in shown(client.get(path))
    at_work(run)

    assert "composer__stop-button" in shown(client.get(f"/chat/{session.pk}"))
    assert "composer__stop-button" in shown(client.get(f"{path}/button"))
    asked = shown(client.get(path, headers=HTMX))
    assert "<code>pay_back</code> will still finish, then the run ends." in asked
    assert "<html" not in asked
    assert not Run.objects.get(pk=run.pk).cancel_requested_at

    told = client.post(path, {"run": str(run.pk)}, headers=HTMX)

    run.refresh_from_db()
    assert told.status_code == 200
    assert run.cancel_requested_at is not None
    assert "Stopped in the chat." in str(run.run_inputs.filter(kind="operator").get().data)
    assert "composer__stop-button" not in shown(client.get(f"{path}/button"))
    again = client.post(path, {"run": str(run.pk)}, headers=HTMX)
    assert again.status_code == 422
    assert "This run is already being cancelled; it ends at its next step." in shown(again)
    unknown = client.post(path, {"run": "nothing"}, headers=HTMX)
    assert "Not found, or you don&#x27;t have access." in shown(unknown)


def test_stop_works_without_scripts(alice: User) -> None:
    run, session = begun("listening", by=alice)
    at_work(run)
    path = f"/chat/{session.pk}/stop"

    assert "<html" in shown(browser(alice).get(path))
    sent = browser(alice).post(path, {"run": str(run.pk), "reason": "Wrong account."})

    assert sent.headers["Location"] == f"/chat/{session.pk}"
    assert "Wrong account." in str(run.run_inputs.filter(kind="operator").get().data)


def test_only_who_may_cancel_is_offered_stop(alice: User, bob: User) -> None:
    run, session = begun("listening", by=alice)
    Member.join(session, bob, at=clock.now())
    at_work(run)

    assert "composer__stop-button" not in shown(browser(bob).get(f"/chat/{session.pk}"))
    sent = browser(bob).post(f"/chat/{session.pk}/stop", {"run": str(run.pk)}, headers=HTMX)

    run.refresh_from_db()
    assert sent.status_code == 422
    assert "You don&#x27;t have permission to do this. Operators of" in shown(sent)
    assert run.cancel_requested_at is None


def test_every_page_says_that_a_run_waits_for_a_message(alice: User) -> None:
    run, session = begun("conversing_twice", by=alice)
    client = browser(alice)

    chat = shown(client.get(f"/chat/{session.pk}"))
    page = shown(client.get(f"/runs/{run.pk}"))
    for text in (chat, page):
        assert "Waiting for a reply to <strong>Which colour?</strong> since" in text
        assert "Waiting for a message</" in text or "Waiting for a message <" in text
    assert "Reply to “Which colour?”" in page
    for path in ("/", "/runs", f"/chat/{session.pk}/beside"):
        assert client.get(path).status_code == 200

    say(client, session, "Green, I think", run.pk)
    advance_run(run.pk)
    say(client, session, "Oh", run.pk)
    advance_run(run.pk)
    journal = shown(client.get(f"/runs/{run.pk}/journal"))
    assert "<strong>alice</strong> wrote: Green, I think" in journal
    assert "Looked for new messages to the run: there were none" in journal


def test_programs_write_to_runs_and_learn_what_became_of_it(alice: User) -> None:
    run, session = begun("conversing", by=alice)
    deaf = begin_in(session, "one_of_each", by=alice, kind="approval")
    path, client = f"/api/sessions/{session.pk}/messages", caller(alice)

    sent = client.post(path, {"text": "Paint it", "reply_to": str(run.pk)}, JSON).json()
    refused = client.post(path, {"text": "Hello?", "reply_to": str(deaf.pk)}, JSON).json()

    assert sent["message"]["delivery"] == "read"
    assert sent["message"]["read_at"]
    assert sent["unheard"] == ""
    assert refused["message"]["delivery"] == ""
    assert refused["unheard"] == "This procedure doesn't read messages."
    said = client.get(path).json()["items"]
    assert [one["delivery"] for one in said if one["kind"] == "person"] == ["", "read"]
