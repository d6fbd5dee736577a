"""Sessions, members and messages by API with a bearer token, by people and for programs."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest, HumanResponse, Member, Message, Session
from chat.services import open_session, post_message
from tests.calls import JSON, caller, detail, grant, request_of, run_until_it_waits
from tests.pages import ask, grant_to_both, queries_of


def body(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def write(client: Client, session: Session, text: str, status: Any = 201, **more: Any) -> Any:
    path = f"/api/sessions/{session.pk}/messages"
    return body(client.post(path, {"text": text, **more}, JSON), status)


def test_a_session_is_opened_once_and_read(alice: User, bob: User, carol: User) -> None:
    client = caller(alice)
    said = {"title": "Plans", "members": ["@bob"], "text": "Hi", "client_key": "k"}

    made = body(client.post("/api/sessions", said, JSON), 201)
    again = body(client.post("/api/sessions", said, JSON), 200)

    assert again == made
    others: list[dict[str, Any]] = [{"title": "Aims"}, {"text": "Ho"}, {"is_private": True}]
    for other in (*others, {"members": ["@carol"]}, {"members": ["@bob", "@carol"]}):
        assert "Use a new key." in detail(client.post("/api/sessions", said | other, JSON), 422)
    assert (made["title"], made["is_private"], made["is_whole"]) == ("Plans", False, True)
    assert made["last_seq"] == 3
    for user in (alice, bob):
        one = caller(user)
        [row] = body(one.get("/api/sessions"), 200)["items"]
        assert (row["id"], row["title"], row["newest"]["text"]) == (made["id"], "Plans", "Hi")
        assert body(one.get(f"/api/sessions/{made['id']}"), 200) == made
    assert body(caller(carol).get("/api/sessions"), 200) == {"items": [], "next": None}
    detail(caller(carol).get(f"/api/sessions/{made['id']}"), 404)
    detail(client.post("/api/sessions", {"title": " "}, JSON), 422)
    refused = client.post("/api/sessions", {"title": "Plans", "members": ["bob\0"]}, JSON)
    assert "No active user is called “bob␀”" in detail(refused, 422)


def test_an_opening_is_repeated_whatever_members_have_changed_since(
    alice: User, bob: User, carol: User
) -> None:
    client = caller(alice)
    said = {"title": "Plans", "members": ["@bob"], "is_private": True, "client_key": "k"}
    made = body(client.post("/api/sessions", said, JSON), 201)
    path = f"/api/sessions/{made['id']}"
    body(client.patch(path, {"title": "Aims", "is_private": False}, JSON), 200)
    body(client.post(f"{path}/members", {"user": "carol"}, JSON), 201)

    again = body(client.post("/api/sessions", said, JSON), 200)

    assert (again["id"], again["title"]) == (made["id"], "Aims")
    other = {**said, "members": ["@bob", "@carol"]}
    assert "Use a new key." in detail(client.post("/api/sessions", other, JSON), 422)


def test_titles_privacy_and_members_change_by_members_only(
    alice: User, bob: User, carol: User
) -> None:
    session = ask("approval", by=alice).session
    path, hers, his = f"/api/sessions/{session.pk}", caller(alice), caller(bob)

    assert body(his.get(path), 200)["is_whole"] is False
    detail(his.patch(path, {"title": "His"}, JSON), 403)
    detail(his.post(f"{path}/members", {"user": "bob"}, JSON), 403)
    detail(his.get(f"{path}/members"), 403)
    changed = body(hers.patch(path, {"title": "March", "is_private": True}, JSON), 200)
    assert (changed["title"], changed["is_private"]) == ("March", True)
    detail(hers.patch(path, {"title": " ", "is_private": False}, JSON), 422)
    assert body(hers.get(path), 200)["is_private"] is True  # nothing of a refused change is made
    detail(his.get(path), 404)
    detail(his.get(f"{path}/messages"), 404)
    detail(his.post(f"{path}/messages", {"text": "Hi"}, JSON), 404)

    detail(hers.post(f"{path}/members", {"user": "nobody"}, JSON), 422)
    joined = body(hers.post(f"{path}/members", {"user": "@bob"}, JSON), 201)
    assert body(hers.post(f"{path}/members", {"user": "bob"}, JSON), 200) == joined
    members = body(his.get(f"{path}/members?limit=1"), 200)
    assert [one["user"] for one in members["items"]] == ["alice"]
    assert body(his.get(f"{path}/members?after={members['next']}"), 200)["items"] == [joined]
    first = members["items"][0]["id"]
    detail(his.delete(f"{path}/members/{first}"), 403)
    assert body(hers.delete(f"{path}/members/{joined['id']}"), 204) is None
    detail(hers.delete(f"{path}/members/{joined['id']}"), 404)
    detail(hers.delete(f"{path}/members/{first}"), 409)
    body(hers.delete(f"{path}/members/{first}?confirm=true"), 204)
    detail(hers.get(path), 404)
    assert not Member.objects.exists()


def test_a_transcript_pages_in_both_directions_with_as_many_statements(alice: User) -> None:
    session, _ = open_session("Plans", by=alice)
    for number in range(2, 8):
        post_message(session, f"no {number}", by=alice)
    client, path = caller(alice), f"/api/sessions/{session.pk}/messages"

    newest, oldest = list[int](), list[int]()
    for numbers, query in ((newest, "before"), (oldest, "after")):
        place: int | None = 0 if query == "after" else 99
        while place is not None:
            found = body(client.get(f"{path}?limit=3&{query}={place}"), 200)
            numbers += [one["seq"] for one in found["items"]]
            place = found["next"]

    assert newest == [7, 6, 5, 4, 3, 2, 1]
    assert oldest == newest[::-1]
    assert len(queries_of(client, path)) == len(queries_of(client, f"{path}?limit=1"))


def test_a_message_is_sent_once_and_replies_to_what_its_sender_sees(alice: User, bob: User) -> None:
    session, _ = open_session("Plans", by=alice, members=["bob"])
    secret, _ = open_session("Secret", by=alice)
    first = write(caller(alice), session, "Hello", client_key="k")
    again = write(caller(alice), session, "Hello", 200, client_key="k")
    to_it = {"reply_to": first["message"]["id"]}
    for text, more in (("Hello again", {}), ("Hello", to_it)):
        refused = write(caller(alice), session, text, 422, client_key="k", **more)
        assert (
            refused["detail"] == "The key 'k' was already used for another message. Use a new key."
        )

    reply = write(caller(bob), session, "Hi", reply_to=first["message"]["id"])

    assert again == first == {"message": first["message"], "reply": None, "unheard": ""}
    assert reply["message"]["reply_to_id"] == first["message"]["id"]
    other = secret.messages.get()
    for named in (other.pk, uuid4()):
        assert (
            caller(bob)
            .post(
                f"/api/sessions/{session.pk}/messages", {"text": "Hi", "reply_to": str(named)}, JSON
            )
            .status_code
            == 404
        )
    write(caller(bob), session, " ", 422)
    write(caller(bob), session, "x" * 10_001, 422)
    assert session.messages.filter(kind="person").count() == 2


@pytest.fixture
def asked(alice: User, bob: User) -> HumanRequest:
    return ask("approval", by=alice)


def test_a_key_that_sent_something_else_sends_and_answers_nothing(
    asked: HumanRequest, bob: User
) -> None:
    client, session, named = caller(bob), asked.session, {"reply_to": str(asked.pk)}
    write(client, session, "Keep the money", client_key="k")

    # The first words, with the confirmation that others need, and then as an answer themselves.
    for text in ("Refund", "Keep the money"):
        refused = write(client, session, text, 422, client_key="k", **named)
        assert "already used for another message" in refused["detail"]
    write(client, session, "Hi", 422, client_key="k")
    assert "be stored" in str(write(client, session, "Hi", 422, client_key="\0"))

    assert not HumanResponse.objects.exists()
    assert session.messages.filter(kind="person").count() == 1


def test_words_answer_a_request_and_say_what_they_did(asked: HumanRequest, bob: User) -> None:
    client, session, named = caller(bob), asked.session, {"reply_to": str(asked.pk)}

    odd = write(client, session, "Perhaps", **named)
    assert (odd["reply"]["is_answer"], odd["reply"]["value"]) == (False, None)
    assert odd["reply"]["reason"].endswith(".")
    echo = write(client, session, "no", 422, **named)
    assert echo["value"] is False
    assert "“Keep the money”" in echo["detail"]
    assert session.messages.filter(kind="person").count() == 1

    sent = write(client, session, "no", confirms=echo["confirms"], client_key="k", **named)
    again = write(client, session, "no", 200, client_key="k", **named)

    assert sent["reply"] == {
        "request_id": str(asked.pk),
        "is_answer": True,
        "value": False,
        "reason": "",
    }
    assert again == sent
    response = HumanResponse.objects.get()
    assert (response.channel, response.user) == ("chat", bob)


def test_a_reply_to_the_entry_of_a_request_only_talks_about_it(
    asked: HumanRequest, bob: User
) -> None:
    entry = Message.objects.get(request=asked)

    sent = write(caller(bob), asked.session, "Keep the money", reply_to=str(entry.pk))

    assert sent["reply"] is None
    assert not HumanResponse.objects.exists()


def test_a_program_that_asked_does_not_answer_in_words(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    request.wait.run.__class__.objects.filter(pk=request.wait.run_id).update(
        program="Till", started_by=bob
    )

    sent = write(caller(bob), request.session, "Keep the money", reply_to=str(request.pk))

    assert sent["reply"]["is_answer"] is False
    assert "must answer it" in sent["reply"]["reason"]
    assert not HumanResponse.objects.exists()


def test_what_a_token_answers_in_words_is_not_held(alice: User, bob: User) -> None:
    grant_to_both("undoable")
    request = request_of(run_until_it_waits("undoable", by=alice))

    named = {"reply_to": str(request.pk)}
    echo = write(caller(bob), request.session, "yes", 422, **named)
    named["confirms"] = echo["confirms"]

    sent = write(caller(bob), request.session, "yes", **named)

    request.refresh_from_db()
    assert sent["reply"]["is_answer"]
    assert request.effective_at is None


def test_a_run_started_in_a_session_has_its_card_there_once(
    alice: User, bob: User, support: Group
) -> None:
    grant("named_refund", support, "start")
    session, _ = open_session("Plans", by=alice)
    path, hers = f"/api/sessions/{session.pk}/procedures/named_refund/runs", caller(alice)

    run = body(hers.post(path, {"amount": "100"}, JSON, headers={"Idempotency-Key": "k"}), 201)
    again = body(hers.post(path, {"amount": "100"}, JSON, headers={"Idempotency-Key": "k"}), 200)

    assert again["id"] == run["id"]
    entries = body(hers.get(f"/api/sessions/{session.pk}/messages"), 200)["items"]
    assert [(one["kind"], one["run_id"]) for one in entries] == [
        ("run", run["id"]),
        ("opened", None),
    ]
    detail(hers.post(path, {"amount": "much"}, JSON), 422)
    detail(hers.post(path.replace("named_refund", "nothing"), {}, JSON), 404)
    # Whoever doesn't see the session starts nothing in it, with the right to start or without.
    bob.groups.add(support)
    detail(caller(bob).post(path, {"amount": "100"}, JSON), 404)
    assert session.messages.cards().count() == 1
