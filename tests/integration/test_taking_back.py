"""Notifications in browsers that are taken back, because they wait for nobody any more."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from chat.models import HumanRequest, Notification, Presence
from chat.services import Answer, reassign_request, respond, undo_response, withdraw_request
from dashboard.channels.push.keys import new_private_key
from dashboard.models import PushReceipt
from procedures.models.clock import clock
from procedures.services import sweep
from tests.calls import grant, request_of, run_until_it_waits
from tests.configured import configure
from tests.push_service import PushService, serving_pushes, switch_on
from tests.towers import MINUTE, pass_time

pytestmark = pytest.mark.django_db
KEY = new_private_key()


@pytest.fixture
def service(settings: Settings, carol: User, finance: Group) -> Iterator[PushService]:
    contact = "mailto:admin@sign.example"
    configure(settings, PUSH_KEY=KEY, PUSH_CONTACT=contact, PUSH_TO_LOOPBACK=True, SENDS_MAIL=False)
    carol.groups.add(finance)
    grant("inbox_item", finance, "answer")
    with serving_pushes() as found:
        yield found


def ask(**options: Any) -> HumanRequest:
    run = run_until_it_waits("inbox_item", prompt="Pay?", kind="approval", options=options)
    return request_of(run)


def leave_and_wait() -> None:
    """Everybody leaves, and a minute passes, so that they are told what waits for them."""
    Presence.objects.all().delete()
    pass_time()


def latest(service: PushService) -> dict[str, Any]:
    return service.read(service.sent[-1][2])


def takings_back() -> list[Notification]:
    return list(Notification.objects.exclude(takes_back=None).order_by("pk"))


def test_an_answer_takes_back_what_others_were_told_and_says_by_whom_it_was_given(
    service: PushService, bob: User, carol: User
) -> None:
    switch_on(bob, service)
    asked = ask()
    leave_and_wait()
    # In this browser, nothing was shown.
    switch_on(bob, service, endpoint=service.url.replace("desk", "phone"))

    respond(asked.pk, Answer(value=True), by=carol)
    pass_time()

    (first_path, first, body), (path, headers, _body) = service.sent
    assert latest(service) == {
        "title": f"Answered by carol: {asked.wait.run.heading}",
        "link": f"/requests/{asked.pk}",
        "tag": service.read(body)["tag"],
        "takes_back": True,
    }
    assert (path, headers["topic"], headers["ttl"]) == (first_path, first["topic"], "3600")
    [row] = takings_back()
    assert (row.status, row.tries, row.recipient) == ("sent", 1, bob)


def test_everything_that_ends_a_request_takes_it_back(
    service: PushService, bob: User, carol: User, admin_user: User
) -> None:
    switch_on(bob, service)

    def told_after(end: Any, **options: Any) -> str:
        request = ask(**options)
        leave_and_wait()
        end(request)
        pass_time()
        words = str(latest(service)["title"])
        assert words.endswith(f": {request.wait.run.heading}")
        return words.removesuffix(f": {request.wait.run.heading}")

    def expire(_request: HumanRequest) -> None:
        clock.ahead += timedelta(hours=2)
        sweep()

    def withdraw(request: HumanRequest) -> None:
        withdraw_request(request.pk, by=admin_user, reason="Paid already.")

    def answer(request: HumanRequest) -> None:
        respond(request.pk, Answer(value=True), by=bob)

    assert told_after(expire, expires="1h", default=False) == "Nobody answered in time"
    assert told_after(withdraw) == "No longer needed"
    assert told_after(answer) == "You have answered"
    assert told_after(answer, quorum=2) == "No longer waiting for you"
    reassigned = ask()
    leave_and_wait()
    reassign_request(reassigned.pk, to="@carol", by=admin_user, reason="She knows.")
    pass_time()
    assert latest(service)["title"] == "A request no longer waits for your answer"
    assert latest(service)["link"] == "/inbox/"


def test_a_digest_is_taken_back_with_its_last_request(
    service: PushService, bob: User, carol: User
) -> None:
    switch_on(bob, service)
    one, other = ask(), ask()
    leave_and_wait()

    respond(one.pk, Answer(value=True), by=carol)
    pass_time()
    assert len(service.sent) == 1
    assert [row.status for row in takings_back()] == ["dropped"]
    respond(other.pk, Answer(value=True), by=carol)
    pass_time()

    assert latest(service)["title"] == "These requests no longer wait for your answer"
    assert [row.status for row in takings_back()] == ["dropped", "sent"]


def test_an_answer_that_can_be_undone_takes_nothing_back_yet(
    service: PushService, bob: User, carol: User
) -> None:
    switch_on(bob, service)
    asked = ask(undo="10s")
    leave_and_wait()

    respond(asked.pk, Answer(value=True, channel="page"), by=carol)
    assert takings_back() == []
    undo_response(asked.pk, by=carol)
    respond(asked.pk, Answer(value=True, channel="page"), by=carol)
    clock.ahead += timedelta(seconds=11)
    sweep()
    pass_time()

    assert latest(service)["takes_back"]


def test_it_is_tried_again_and_what_is_being_sent_is_waited_for(
    service: PushService, bob: User, carol: User
) -> None:
    switch_on(bob, service)
    asked = ask()
    leave_and_wait()
    told = Notification.objects.filter(request=asked)
    told.update(status="held", next_try_at=clock.now() + 5 * MINUTE)

    respond(asked.pk, Answer(value=True), by=carol)
    pass_time()
    assert len(service.sent) == 1, "a worker is still sending the first one"
    told.update(status="sent", next_try_at=None)
    service.faults = [503]
    pass_time()
    pass_time(5 * MINUTE)

    assert [row.tries for row in takings_back()] == [2]
    assert latest(service)["takes_back"]
    assert PushReceipt.objects.count() == 2


def test_nothing_is_planned_where_nothing_was_sent(
    service: PushService, bob: User, carol: User
) -> None:
    switch_on(bob, service)
    asked = ask()

    respond(asked.pk, Answer(value=True), by=carol)
    pass_time()

    assert service.sent == []
    assert takings_back() == []
