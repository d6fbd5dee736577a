"""Whoever is asked in a child run finds nothing of its parent, by any door, and no trace of it.

Everything that the parent says, asks, is given and returns has a mark in it, and so have the names
of those who answer it and write about it. Beside what carol does not find stands what she does: her
own child. Members of the session find all of it.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.access import messages_in, titles_for
from chat.models import HumanRequest, Message, Notification
from chat.services import plan_notifications, post_message, reassign_request, send_notification
from dashboard.live.frames import frames
from dashboard.live.streams import Stream, allowed
from procedures.models import Run
from procedures.models.clock import clock
from tests.calls import caller, grant, request_of
from tests.conftest import create_person, group
from tests.integration.child_family import (
    Family,
    create_rows_for_admin,
    found_in,
    make_family,
    paths,
    places,
    text_of,
    without_keys,
)
from tests.pages import HTMX, browser
from tests.procedures.kinships import MARK
from tests.processes import Web
from tests.routes import addresses
from tests.runs import answer
from tests.sockets import Page, page

METHODS = ("head", "options", "post", "put", "patch", "delete")
"""The ways to ask for an address, besides GET: `test_no_route_tells_of_the_parent` has that."""
PHASES = ["asking", *(pytest.param(one, marks=pytest.mark.soak) for one in ("mapping", "ended"))]


@pytest.fixture
def family(alice: User, carol: User, dave: User, support: Group, operators: Group) -> Family:
    return make_family(alice, carol, dave, support, operators)


# Children in the API


def test_a_parent_lists_the_children_that_one_may_see(
    family: Family, alice: User, carol: User
) -> None:
    family.go_on("mapping")
    path, children = f"/api/runs?parent={family.parent.pk}", Run.objects.exclude(parent_wait=None)

    def listed(user: User, path: str) -> list[str]:
        return [one["id"] for one in caller(user).get(path).json()["items"]]

    assert listed(alice, path) == [str(one.pk) for one in children.order_by("-pk")]
    assert len(listed(alice, path)) == 3
    assert listed(alice, f"/api/runs?parent={family.child.pk}") == []
    told = caller(alice).get(f"/api/runs/{family.parent.pk}").json()
    assert [one["id"] for one in told["children"]["items"]] == listed(alice, path)
    assert listed(carol, path) == []


def test_a_run_tells_how_it_stands(family: Family, alice: User, carol: User) -> None:
    def told(user: User, run: Run) -> Any:
        return caller(user).get(f"/api/runs/{run.pk}").json()

    parent = told(alice, family.parent)

    assert parent["state"] == {"zebra_state": "zebra value"}
    assert parent["stage"]["name"] == "Zebra stage"
    [asked] = parent["requests"]
    assert asked["prompt"] == "A zebra word?"
    assert asked["id"] == str(request_of(family.parent).pk)
    child = told(carol, family.child)
    assert [one["key"] for one in child["requests"]] == ["approve"]
    assert child["children"] == {"items": [], "next": None}


# Every route


@pytest.mark.parametrize("phase", PHASES)
def test_no_route_tells_of_the_parent(family: Family, carol: User, phase: str) -> None:
    family.go_on(phase)
    told = paths(family, carol)
    clients, hidden = [browser(carol), caller(carol)], family.secrets

    seen = ""
    for path in told:
        secrets = [one for one in hidden if one not in path]
        for client in clients:
            response = client.get(path)
            assert not found_in(text_of(response), secrets), path
            assert response.status_code < 500, path
            seen += text_of(response)

    assert len(told) > 60
    assert [client.get(f"/api/runs/{family.child.pk}").status_code for client in clients] == [
        200
    ] * 2
    assert f"/runs/{family.child.pk}" in seen
    assert "A plain notice." in seen
    assert "A plain question?" in seen
    assert f'"run_id": "{family.child.pk}"' in seen


def test_no_method_of_the_parents_routes_tells_of_it(family: Family, carol: User) -> None:
    create_rows_for_admin(family)
    found = [one.path for one in addresses(places(family.parent, carol)) if not one.is_admin]
    body = json.dumps({"value": True, "reason": "Why?", "id": "1", "at": "zebra_step"})
    hidden = family.secrets

    for path in found:
        secrets = [one for one in hidden if one not in path]
        for client in (browser(carol), caller(carol)):
            for method in METHODS:
                if "sign-out" not in path:
                    response = client.generic(method.upper(), path, body, "application/json")
                    assert not found_in(text_of(response), secrets), (method, path)


def test_nothing_is_posted_to_what_one_does_not_see(family: Family, carol: User) -> None:
    parents = HumanRequest.objects.filter(wait__run=family.parent)
    messages = Message.objects.filter(run=family.parent)
    path = f"/chat/{family.session.pk}/messages"

    for named in [*parents, *messages]:
        refusal = browser(carol).post(path, {"text": "yes", "request": named.pk}, headers=HTMX)
        assert refusal.status_code == 404

    assert family.session.messages.filter(author=carol).count() == 0


def test_the_page_of_the_session_holds_what_is_carols_and_no_gap_or_count(
    family: Family, carol: User
) -> None:
    opened = browser(carol).get(f"/chat/{family.session.pk}")

    assert [message.kind for message in opened.context["transcript"]] == [
        "run",
        "notice",
        "request",
    ]
    assert opened.context["title"] == "Plain child"
    assert [listed.run for listed in opened.context["runs"]] == [family.child]
    assert [one[0] for one in opened.context["people"]] == ["alice"]
    assert opened.context["others"] == []
    assert list(opened.context["files"]) == []
    assert opened.context["earlier"] is None


@pytest.mark.parametrize(
    "path", ["/chat/{session}", "/chat/{session}/beside", "/chat", "/", "/runs"]
)
def test_whatever_goes_on_in_the_parent_carols_pages_stay_the_same(
    family: Family, carol: User, alice: User, path: str
) -> None:
    path, client = path.format(session=family.session.pk), browser(carol)
    before = without_keys(client.get(path).content.decode())

    post_message(family.session, "More zebra words.", by=alice)
    family.go_on("mapping")
    Run.objects.filter(parent_wait__kind="map").update(parent_wait=None, started_by=None)
    HumanRequest.objects.filter(wait__run__parent_wait=None).exclude(
        wait__run=family.parent
    ).delete()
    Run.objects.filter(pk=family.parent.pk).update(status="running")

    assert without_keys(client.get(path).content.decode()) == before


# The stream


def heard(carols: Page, last: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not found or found[-1]["seq"] < last:
        found.append(carols.hear())
    return found


@pytest.mark.parametrize("form", ["data", "page"])
@pytest.mark.parametrize("ask", ["follow", "range"])
def test_the_socket_brings_numbers_alone(
    running_web: Web, family: Family, carol: User, alice: User, form: str, ask: str
) -> None:
    session, stream = family.session, f"session:{family.session.pk}"
    with page(running_web, carol) as carols, page(running_web, alice) as alices:
        for one in (carols, alices):
            one.follow(stream, form=form, after=0 if ask == "follow" else session.last_seq)
            if ask == "range":
                one.say(range=stream, after=0)
        carol_hears, alice_hears = heard(carols, session.last_seq), heard(alices, session.last_seq)

    assert [frame["seq"] for frame in carol_hears] == list(range(1, session.last_seq + 1))
    assert not found_in(json.dumps(carol_hears), family.secrets)
    shown = [frame for frame in carol_hears if frame.keys() - {"stream", "seq"}]
    own = set(Message.objects.filter(run=family.child).values_list("seq", flat=True))
    assert {frame["seq"] for frame in shown} == own
    if form == "page":
        assert len(found_in(json.dumps(alice_hears), family.secrets)) > 5


@pytest.mark.parametrize("form", ["data", "page"])
def test_live_frames_are_decided_per_socket(
    running_web: Web, family: Family, carol: User, alice: User, form: str
) -> None:
    session, stream = family.session, f"session:{family.session.pk}"
    with page(running_web, carol) as carols, page(running_web, alice) as alices:
        for one in (carols, alices):
            one.follow(stream, form=form, after=session.last_seq - 1)
            one.hear()
        post_message(session, "Zebra news.", by=alice)
        post_message(session, "I have a question.", by=carol)
        answer(request_of(family.parent), value="a zebra word", by=family.bob)
        answer(request_of(family.child), value=True, by=carol)
        carol_hears, alice_hears = (heard(one, session.last_seq + 4) for one in (carols, alices))

    assert not found_in(json.dumps(carol_hears), family.secrets)
    keys = [sorted(frame.keys() - {"stream", "seq"}) for frame in carol_hears]
    shown = ["html"] if form == "page" else ["kind", "object"]
    assert keys == [[], shown, [], shown]
    assert [sorted(frame.keys() - {"stream", "seq"}) for frame in alice_hears] == [shown] * 4


def test_whoever_comes_to_see_the_parent_reads_the_page_again(
    running_web: Web, family: Family, carol: User, dave: User
) -> None:
    stream = f"session:{family.session.pk}"
    with page(running_web, carol) as carols:
        carols.follow(stream, after=family.session.last_seq - 1)
        carols.hear()
        reassign_request(request_of(family.parent).pk, to="@carol", by=dave, reason="Ask carol.")
        told = carols.hear()
        while "stale" not in told:
            told = carols.hear()

    assert told["stream"] == stream
    assert "A zebra notice." in browser(carol).get(f"/chat/{family.session.pk}").content.decode()


def test_a_change_is_decided_for_all_followers_at_once(
    family: Family, alice: User, django_assert_num_queries: Any
) -> None:
    """One change and one follower take as many queries as twenty of each."""
    stream = Stream("session", family.session.pk)
    people = [create_person(f"reader{number}", group("readers")) for number in range(20)]
    reassign_request(
        request_of(family.child).pk, to="readers", by=alice_operates(alice), reason="All of them."
    )
    views = [allowed(person, [stream])[stream] for person in people]
    after = family.session.last_seq

    def changes(count: int) -> None:
        for number in range(count):
            post_message(family.session, f"{number}", by=alice)

    changes(1)
    with django_assert_num_queries(2):  # the changes, and the messages among them
        frames(stream, "data", views[:1], after=after)
    changes(20)
    family.go_on("mapping")
    with CaptureQueriesContext(connection) as for_one:
        frames(stream, "data", [views[0].copy()], after=after)
    with django_assert_num_queries(len(for_one)):  # who sees the runs that are new, too
        found = frames(stream, "data", views, after=after)

    assert len(found) > 20
    assert all(frame.content_for(views[0]).keys() == {"seq"} for frame in found[2:20])


def alice_operates(alice: User) -> User:
    grant("plain_child", alice.groups.get(), "operate")
    return alice


# Mails


@pytest.mark.parametrize("phase", PHASES)
def test_no_mail_tells_of_the_parent(family: Family, carol: User, phase: str) -> None:
    family.go_on(phase)
    clock.ahead += timedelta(minutes=2)
    plan_notifications()
    for pk in Notification.objects.filter(sent_at=None).values_list("pk", flat=True):
        send_notification(pk)

    to_carol = [one for one in mail.outbox if one.to == [carol.email]]
    assert to_carol
    assert not found_in("".join(str(one.message()) for one in to_carol), family.secrets)
    others = "".join(str(one.message()) for one in mail.outbox if one not in to_carol)
    assert MARK in others


# What people write


def test_members_read_what_people_write_and_others_what_concerns_them(
    family: Family, carol: User, alice: User, dave: User
) -> None:
    session = family.session
    post_message(session, "Which one?", by=carol)
    own = session.messages.get(text="Which one?")
    post_message(session, "The red one.", by=alice, reply_to=own)
    asked = Message.objects.get(request=request_of(family.child))
    post_message(session, "Please hurry.", by=alice, reply_to=asked)
    post_message(session, "Among us.", by=alice)

    def reads(user: User) -> list[str]:
        said = messages_in(session, user).filter(kind="person").order_by("seq")
        return list(said.values_list("text", flat=True))

    everything = ["Free zebra words.", "Zebra words about a question.", "Which one?"]
    everything += ["The red one.", "Please hurry.", "Among us."]
    assert reads(alice) == everything
    assert reads(User.objects.get(username="zebra_erin")) == everything
    assert reads(carol) == ["Which one?", "The red one.", "Please hurry."]
    assert reads(dave) == ["Zebra words about a question."]


def test_being_asked_answering_and_writing_make_nobody_a_member(
    family: Family, carol: User
) -> None:
    before = set(family.session.members.values_list("user__username", flat=True))
    client, path = browser(carol), f"/chat/{family.session.pk}/messages"

    client.post(path, {"text": "Hello?", "client_key": "1"}, headers=HTMX)
    answer(request_of(family.child), by=carol)

    members = set(family.session.members.values_list("user__username", flat=True))
    assert members == before == {"alice", "zebra_erin"}


def test_a_member_replies_to_who_wrote_without_being_one(
    family: Family, carol: User, alice: User
) -> None:
    session = family.session
    own = post_message(session, "Which one?", by=carol)
    asked = Message.objects.get(request=request_of(family.child))
    client, path = browser(alice), f"/chat/{session.pk}"

    others = dict(client.get(path).context["others"])
    assert others[own.pk] == "To carol"
    assert others[asked.pk] == "About “A plain question?”"
    for named in (own, asked):
        sent = client.post(f"{path}/messages", {"text": "yes", "request": named.pk}, headers=HTMX)
        assert sent.status_code == 200

    assert request_of(family.child).is_open
    assert browser(carol).get(path).content.decode().count("<bdi>alice</bdi></strong> ") >= 2


def test_the_title_is_the_parents_for_those_who_see_it(
    family: Family, alice: User, carol: User, dave: User, admin_user: User
) -> None:
    session = family.session
    titles = [titles_for(user, [session.pk])[session.pk] for user in (alice, dave, admin_user)]

    assert titles == [session.title] * 3
    assert session.title == "The zebra paper: zebra remark"
    assert titles_for(carol, [session.pk])[session.pk] == "Plain child"


def test_who_restarts_a_child_does_not_join_the_session_of_its_parent(
    family: Family, carol: User
) -> None:
    grant("plain_child", group("carols"), "start", "operate")
    carol.groups.add(group("carols"))

    path = f"/api/runs/{family.child.pk}/restart"
    made = caller(carol).post(path, {"reason": "Once more."}, "application/json").json()

    card = Message.objects.get(run=made["id"], kind="run")
    assert card.session != family.session
    assert not family.session.members.filter(user=carol).exists()
