"""Many answers to one question: one counts, and everybody else learns whose."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.core.serializers.json import DjangoJSONEncoder

from chat.models import HumanRequest, HumanResponse
from tests.conftest import create_person
from tests.desk import Desk
from tests.processes import Web, wait_until
from tests.runs import answer, client_of, journal_of, start, wait_for_request, wait_for_success

BODIES: list[dict[str, Any]] = [
    {"value": True},
    {"value": True, "comment": "Fine with me."},
    {"value": True, "comment": "As discussed."},
    {"value": False},
    {"value": False, "comment": "Too much."},
]
TIMES = 5
HUNDRED = 100
JOURNAL = [
    "run.started",
    "wait.opened approve",
    "run.suspended",
    "wait.closed approve",
    "run.resumed",
    "step.succeeded pay",
    "run.succeeded",
]
Sent = tuple[str, dict[str, Any]]
Reply = tuple[Sent, httpx.Response]


@pytest.fixture
def erin(finance: Group) -> User:
    """Answers too."""
    return create_person("erin", finance)


def answer_at_once(request: HumanRequest, people: list[User], web: Web) -> list[Reply]:
    """Everybody's every answer, each several times, all let go together."""
    sent = [(user, body) for user in people for body in BODIES] * TIMES
    barrier = Barrier(len(sent))
    clients = {user: client_of(user, web) for user in people}

    def post(one: tuple[User, dict[str, Any]]) -> Reply:
        user, body = one
        barrier.wait()
        reply = clients[user].post(f"/requests/{request.pk}/response", json=body)
        return (user.username, body), reply

    with ThreadPoolExecutor(len(sent)) as threads:
        replies = list(threads.map(post, sent))
    for client in clients.values():
        client.close()
    return replies


@pytest.mark.usefixtures("running_worker")
def test_of_fifty_answers_at_once_one_counts_and_the_others_learn_whose(
    running_web: Web, desk: Desk, alice: User, bob: User, erin: User
) -> None:
    run = start("one_question", folder=desk.folder, by=alice)
    request = wait_for_request(run)

    replies = answer_at_once(request, [bob, erin], running_web)

    [(winning, kept)] = [one for one in replies if one[1].status_code == 201]
    winner, body = winning
    repeats = [reply for sent, reply in replies if sent == winning and reply is not kept]
    others = [reply for sent, reply in replies if sent != winning]
    assert [reply.status_code for reply in repeats] == [200] * (TIMES - 1)
    assert all(reply.json() == kept.json() for reply in repeats)
    assert [reply.status_code for reply in others] == [409] * (len(replies) - TIMES)
    request.refresh_from_db()
    assert request.closed_at
    refusal = {
        "detail": f"{winner} has already answered this ({request.outcome}).",
        "answered_by": winner,
        "answered_at": DjangoJSONEncoder().default(request.closed_at),
    }
    assert all(reply.json() == refusal for reply in others)

    wait_for_success(run)
    assert request.outcome == ("approved" if body["value"] else "rejected")
    assert desk.effects == {"pay" if body["value"] else "refuse": 1}
    assert HumanResponse.objects.count() == 1


def answer_all(*, by: User) -> int:
    """Approve whatever is open, and say how many answers there are."""
    for request in HumanRequest.objects.open():
        answer(request, by=by)
    return HumanResponse.objects.count()


@pytest.mark.usefixtures("running_worker")
def test_an_answer_is_used_however_soon_it_comes(desk: Desk, alice: User, bob: User) -> None:
    runs = []
    for _ in range(HUNDRED):
        runs.append(start("one_question", folder=desk.folder, by=alice))
        answer_all(by=bob)
    wait_until(lambda: answer_all(by=bob) == HUNDRED, timeout=60, what="every question")

    for run in runs:
        assert journal_of(wait_for_success(run)) == JOURNAL
    assert desk.effects == {"pay": HUNDRED}
    assert desk.keys == {f"{run.pk}:pay" for run in runs}
