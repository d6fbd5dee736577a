"""Each call of both clients, at a real site."""

import pytest
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest
from chat.services import Answer, respond
from countersign_client import (
    ConflictError,
    Fault,
    File,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SeenAnswer,
)
from dashboard.models import Scope
from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.client.conftest import Open
from tests.pages import ask
from tests.processes import Web


def test_runs_are_started_once_and_read(
    open_client: Open, alice: User, support: Group, running_web: Web
) -> None:
    grant("typed_inputs", support, "start", "see")
    client = open_client(alice)
    inputs = {"count": 3, "tags": ["a", "b"], "urgent": True}

    run = client.start_run("typed_inputs", inputs, key="k-1")
    again = open_client(alice).start_run("typed_inputs", inputs, key="k-1")
    other = client.start_run("typed_inputs", {"count": 4}, files={"paper": File("a.txt", b"abc")})

    assert again.id == run.id != other.id
    assert Run.objects.count() == 2
    assert client.start_run("typed_inputs", {"count": 5}).id not in {run.id, other.id}
    assert (run.procedure, run.status, run.started_by) == ("typed_inputs", "queued", "alice")
    assert run.created_at.tzinfo
    assert not run.is_over
    [paper] = other.artifacts
    assert (paper.name, paper.size) == ("a.txt", 3)
    assert client.download_artifact(other.id, "a.txt").content == b"abc"
    assert client.get_inputs(run.id)["tags"] == ["a", "b"]

    newest = client.list_runs(status="queued", procedure="typed_inputs", limit=2)
    older = client.list_runs(status="queued", after=newest.next)
    assert [one.id for one in older.items] == [run.id]
    assert client.get_procedure("typed_inputs").inputs["properties"]["count"]
    assert "typed_inputs" in [one.name for one in client.list_procedures(limit=500).items]


def test_a_run_that_has_ended_has_a_result_and_a_journal(
    open_client: Open, alice: User, admin_user: User, support: Group, running_web: Web
) -> None:
    grant("typed_inputs", support, "start", "see")
    client = open_client(alice)
    run = run_until_it_waits("typed_inputs", by=alice, count=3)
    key = str(run.pk)
    respond(request_of(run).pk, Answer(value=True, reason="Away."), by=admin_user)
    advance_run(run.pk)

    ended = client.get_run(key)

    assert (ended.status, ended.result, ended.is_over, ended.error) == ("succeeded", 3, True, None)
    assert client.get_result(key) == 3
    assert client.get_state(key) == {}
    events = client.list_events(key, limit=1)
    assert [one.kind for one in events.items] == ["run.started"]
    following = client.list_events(key, after=events.next)
    assert following.items[-1].is_end
    assert client.get_event(key, following.items[-1].seq) == following.items[-1]


def test_signals_count_once_and_runs_are_cancelled(
    open_client: Open, dave: User, operators: Group, running_web: Web
) -> None:
    grant("audited_hearer", operators, "start", "operate")
    client = open_client(dave)
    first, second = (run_until_it_waits("audited_hearer", by=dave) for _ in range(2))

    signal = client.send_signal(str(first.pk), "word", 7, signal_id="s-1")
    assert client.send_signal(str(first.pk), "word", 7, signal_id="s-1").number == signal.number
    assert client.get_signal(signal.number).status == "received"
    assert client.cancel_run(str(second.pk), "Nobody needs it.").status == "cancelled"
    with pytest.raises(ConflictError, match="ended"):
        client.cancel_run(str(second.pk), "Nobody needs it.")
    advance_run(first.pk)
    assert client.get_result(str(first.pk)) == 7


def test_requests_are_found_claimed_and_answered(
    open_client: Open, alice: User, bob: User, dave: User, finance: Group, running_web: Web
) -> None:
    request = ask("approval", by=alice)
    dave.groups.add(finance)
    bobs, daves = open_client(bob, Scope.READ, Scope.ANSWER), open_client(dave)
    key = str(request.pk)

    [row] = bobs.list_requests(status="open", run=str(request.wait.run_id)).items
    seen = bobs.get_request(key)
    assert (row.id, row.prompt, row.status) == (key, seen.prompt, "open")
    assert seen.schema
    assert seen.responses == ()
    [item] = bobs.list_inbox(tab="groups").items
    assert (item.id, item.votes) == (key, 0)
    assert bobs.claim_request(key).claimed_by == "bob"
    with pytest.raises(ConflictError, match="bob has claimed"):
        daves.claim_request(key)
    assert bobs.release_request(key).claimed_by is None
    with pytest.raises(InvalidError):
        bobs.answer_request(key, "perhaps")

    answered = bobs.answer_request(key, True, comment="Fine.")  # noqa: FBT003 (the answer)
    assert bobs.answer_request(key, True, comment="Fine.") == answered  # noqa: FBT003
    assert (answered.user, answered.value, answered.channel) == ("bob", True, "api")
    with pytest.raises(ConflictError, match="bob has already answered") as late:
        daves.answer_request(key, value=False)
    assert late.value.answered_by == "bob"
    assert late.value.answered_at is not None


def test_several_requests_are_answered_as_they_were_seen(
    open_client: Open, alice: User, bob: User, running_web: Web
) -> None:
    ask("approval", by=alice)
    ask("approval", by=alice)
    client = open_client(bob)
    first, second = client.list_inbox(tab="groups").items

    results = client.answer_requests(
        [
            SeenAnswer(first.id, first.version, value=True),
            SeenAnswer(second.id, second.version + 1, value=True),
        ],
        comment="Read.",
    )

    assert [one.is_applied for one in results] == [True, False]
    assert results[1].result == "needs_attention"
    assert HumanRequest.objects.get(pk=second.id).is_open


def test_files_go_into_answers_and_come_back(
    open_client: Open, alice: User, bob: User, running_web: Web
) -> None:
    request = ask("upload", by=alice)
    client = open_client(bob)

    sent = client.upload_file(str(request.pk), File("a.txt", b"abc", "text/plain"))
    client.answer_request(str(request.pk), sent.token)

    found = client.download_file(str(request.pk), sent.digest)
    assert (found.name, found.content, found.content_type) == ("a.txt", b"abc", "text/plain")
    with pytest.raises(NotFoundError):
        client.download_file(str(request.pk), "0" * 64)


def test_sessions_are_opened_written_to_and_searched(
    open_client: Open, alice: User, bob: User, running_web: Web
) -> None:
    client = open_client(alice)
    session = client.open_session("Plans", members=["bob"], key="k")
    assert client.open_session("Plans", members=["bob"], key="k") == session
    sent = [client.send_message(session.id, "Lunch at noon?", key="m") for _ in range(2)]

    assert sent[0] == sent[1]
    assert (sent[0].message.author, sent[0].reply) == ("alice", None)
    assert client.get_session(session.id).last_seq == sent[0].message.seq
    assert client.list_messages(session.id, limit=1).items == (sent[0].message,)
    assert [one.id for one in open_client(bob).list_sessions().items] == [session.id]
    [hit] = client.search("noon").items
    assert (hit.message_id, hit.session_title, hit.by) == (sent[0].message.id, "Plans", "alice")


def test_words_that_could_mean_several_things_are_confirmed(
    open_client: Open, alice: User, bob: User, running_web: Web
) -> None:
    request = ask("approval", by=alice)
    client, session = open_client(bob), str(request.session_id)

    with pytest.raises(InvalidError) as echo:
        client.send_message(session, "ok", reply_to=str(request.pk))
    sent = client.send_message(
        session, "ok", reply_to=str(request.pk), confirms=echo.value.confirms
    )

    assert echo.value.value is True
    assert sent.reply
    assert (sent.reply.is_answer, sent.reply.value) == (True, True)


def test_refusals_say_what_they_mean(open_client: Open, asker: User, running_web: Web) -> None:
    client = open_client(asker)
    with pytest.raises(InvalidError, match="subject") as faulty:
        client.ask("")
    assert [one.path for one in faulty.value.faults] == ["subject"]
    assert faulty.value.faults[0] == Fault("subject", faulty.value.faults[0].message)
    with pytest.raises(NotAllowedError, match="needs the scope answer") as narrow:
        open_client(asker, Scope.READ).claim_request(str(asker.pk))
    assert narrow.value.status == 403
    with pytest.raises(NotFoundError) as absent:
        client.get_run("0190e6c4-0000-7000-8000-000000000000")
    assert absent.value.status == 404
    with pytest.raises(ValueError, match="isn't a valid name or id"):
        client.get_run("..")
    with pytest.raises(NotFoundError):
        client.get_procedure("a/../../me")
