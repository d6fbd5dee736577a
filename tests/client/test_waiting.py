"""Waiting for people and runs, while connections break and the site restarts."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest
from chat.services import Answer, open_session, post_message, respond
from countersign_client import NoAnswerError, NotAllowedError, UnreachableError, WaitTimeoutError
from dashboard.models import ApiToken, Scope
from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.client.conftest import Open
from tests.client.relay import Relay
from tests.conftest import group
from tests.processes import Web, Worker, free_port, wait_until
from tests.runs import wait_for_request

PATIENCE = 60


def request_in(run_id: str) -> HumanRequest:
    """The question that a run asks, which no worker has taken up yet."""
    advance_run(Run.objects.get(pk=run_id).pk)
    return request_of(Run.objects.get(pk=run_id))


def answer(request: HumanRequest, by: User) -> None:
    respond(request.pk, Answer(value=True, comment="Go."), by=by)
    advance_run(request.wait.run_id)


def wait_for_socket(network: Relay, number: int = 1) -> None:
    wait_until(lambda: network.weather.sockets >= number, what="a WebSocket to be opened")


def test_another_process_takes_the_question_up_and_gets_the_answer(
    open_client: Open, asker: User, bob: User, running_worker: Worker, threads: ThreadPoolExecutor
) -> None:
    """The client has the scopes of a new token, and the test a worker of its own."""
    asking = open_client(asker, Scope.READ, Scope.ASK)
    question = asking.ask("Deploy 4.2?", body="All **green**.", to=["finance"], key="deploy-1187")
    same = open_client(asker, Scope.READ, Scope.ASK).ask(
        "Deploy 4.2?", body="All **green**.", to=["finance"], key="deploy-1187"
    )
    assert same.id == question.id
    assert question.poll() is None

    other = open_client(asker, Scope.READ, Scope.ASK).question(question.id)
    waiting = threads.submit(other.wait, timeout=PATIENCE)
    request = wait_for_request(Run.objects.get(pk=question.id))
    respond(request.pk, Answer(value=True, comment="Go."), by=bob)
    found = waiting.result(PATIENCE)

    assert (bool(found), found.outcome, found.value) == (True, "approved", True)
    assert (found.responder, found.comment, found.timed_out) == ("bob", "Go.", False)
    assert question.poll() == found
    assert Run.objects.count() == 1


def test_an_answer_comes_however_often_the_connection_breaks(
    open_client: Open, asker: User, bob: User, network: Relay, threads: ThreadPoolExecutor
) -> None:
    question = open_client(asker, at=network.url).ask("Deploy?")
    request = request_in(question.id)
    waiting = threads.submit(question.wait, timeout=PATIENCE)
    for number in range(1, 4):
        wait_for_socket(network, number)
        network.weather.cut()
    wait_for_socket(network, 4)

    answer(request, bob)

    assert waiting.result(PATIENCE).responder == "bob"


def test_an_answer_comes_without_any_socket(
    open_client: Open, asker: User, bob: User, network: Relay, threads: ThreadPoolExecutor
) -> None:
    network.weather.refuses_sockets = True
    question = open_client(asker, at=network.url).ask("Deploy?")
    request = request_in(question.id)
    waiting = threads.submit(question.wait, timeout=PATIENCE)

    answer(request, bob)

    assert waiting.result(PATIENCE).outcome == "approved"
    assert network.weather.sockets == 0


def test_the_site_may_restart_while_a_program_waits(
    open_client: Open, asker: User, bob: User, running_web: Web, threads: ThreadPoolExecutor
) -> None:
    client = open_client(asker)
    question = client.ask("Deploy?")
    request = request_in(question.id)
    waiting: list[Future[object]] = [
        threads.submit(question.wait, timeout=PATIENCE),
        threads.submit(list, client.follow_run(question.id, timeout=PATIENCE)),
    ]

    running_web.kill()
    answer(request, bob)
    running_web.start()

    found, events = (one.result(PATIENCE) for one in waiting)
    assert found == question.poll()
    assert isinstance(events, list)
    run = Run.objects.get(pk=question.id)
    assert [event.seq for event in events] == list(range(1, run.head_seq + 1))


def test_what_is_sent_twice_after_a_lost_reply_is_done_once(
    open_client: Open, asker: User, bob: User, network: Relay
) -> None:
    client = open_client(asker, at=network.url)
    network.weather.lost_replies = 1
    question = client.ask("Deploy?")
    assert network.weather.lost_replies == 0
    assert Run.objects.count() == 1

    request = request_in(question.id)
    bobs = open_client(bob, at=network.url)
    network.weather.lost_replies = 1
    bobs.answer_request(str(request.pk), value=True)
    assert request.responses.count() == 1

    # It isn't known whether this has arrived, and a second time it would mean something else.
    other = client.ask("Stop?")
    network.weather.lost_replies = 1
    with pytest.raises(UnreachableError):
        client.cancel_run(other.id, "Nobody needs it.")


def test_events_and_messages_come_once_and_in_order(
    open_client: Open, dave: User, operators: Group, network: Relay, threads: ThreadPoolExecutor
) -> None:
    grant("question", operators, "see", "operate")
    run = run_until_it_waits("question")
    session = open_session("Plans", by=dave)[0]
    client = open_client(dave, at=network.url)
    events = client.follow_run(str(run.pk), after=1, timeout=PATIENCE)
    messages = client.follow_session(str(session.pk), timeout=PATIENCE)
    head = run.head_seq
    assert [next(events).seq for _ in range(2, head + 1)] == list(range(2, head + 1))
    assert next(messages).kind == "opened"
    rest = [
        threads.submit(list, events),
        threads.submit(lambda: [next(messages).text for _ in "ab"]),
    ]
    wait_for_socket(network, 2)

    post_message(session, "First", by=dave)
    network.weather.cut()
    post_message(session, "Second", by=dave)
    client.cancel_run(str(run.pk), "Nobody needs it.")

    ended, texts = (one.result(PATIENCE) for one in rest)
    run.refresh_from_db()
    assert [event.seq for event in ended] == list(range(head + 1, run.head_seq + 1))
    assert texts == ["First", "Second"]
    messages.close()


def test_a_program_waits_for_the_next_request_of_a_run(
    open_client: Open, dave: User, bob: User, network: Relay, threads: ThreadPoolExecutor
) -> None:
    grant("named_questions", group("operators"), "start", "operate")
    grant("named_questions", group("finance"), "answer")
    client = open_client(dave, at=network.url)
    run = run_until_it_waits("named_questions", by=dave)
    first = client.wait_for_request(str(run.pk))
    known = [one.id for one in first.requests]
    waiting = threads.submit(client.wait_for_request, first.id, known=known, timeout=PATIENCE)
    wait_for_socket(network)

    answer(request_of(run), bob)

    assert [one.prompt for one in first.requests] == ["Pay?"]
    assert [one.prompt for one in waiting.result(PATIENCE).requests] == ["Send?"]
    answer(request_of(run), bob)
    assert client.wait_for_request(first.id).is_over


def test_a_question_is_withdrawn_and_a_wait_has_an_end(open_client: Open, asker: User) -> None:
    question = open_client(asker).ask("Deploy?")
    request_in(question.id)
    with pytest.raises(WaitTimeoutError):
        question.wait(timeout=0.1)
    with pytest.raises(TimeoutError):
        question.wait(timeout=0)

    assert question.withdraw("It was deployed already.") is True
    assert question.withdraw("It was deployed already.") is False

    with pytest.raises(NoAnswerError, match="cancelled"):
        question.wait()
    with pytest.raises(NoAnswerError):
        question.poll()


def test_a_token_that_ends_ends_the_wait(
    open_client: Open, asker: User, network: Relay, threads: ThreadPoolExecutor
) -> None:
    question = open_client(asker, at=network.url).ask("Deploy?")
    request_in(question.id)
    waiting = threads.submit(question.wait, timeout=PATIENCE)
    wait_for_socket(network)

    ApiToken.objects.filter(user=asker).revoke()

    with pytest.raises(NotAllowedError):
        waiting.result(PATIENCE)
    with pytest.raises(NotAllowedError) as refused:
        question.poll()
    assert refused.value.status == 401


def test_a_site_that_is_away_is_called_again_for_a_while(open_client: Open, asker: User) -> None:
    client = open_client(asker, at=f"http://127.0.0.1:{free_port()}", patience=0.1)

    with pytest.raises(UnreachableError, match="can't be reached"):
        client.ask("Deploy?")
    with pytest.raises(WaitTimeoutError):
        client.wait_for_end("7", timeout=0.3)
