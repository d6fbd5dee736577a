"""The live stream over real sockets."""

import pytest
from django.contrib.auth.models import User
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chat.models import HumanRequest
from chat.services import Answer, reassign_request, respond
from dashboard.live.hub import MOST_STREAMS
from procedures import services
from procedures.models import Grant, Procedure, Run
from tests.conftest import group as group_of
from tests.processes import Redis, Web, Worker, wait_until
from tests.runs import wait_for_request
from tests.sockets import page


@pytest.fixture
def run(running_web: Web, alice: User, bob: User, dave: User) -> Run:
    """Alice's; it asks finance, of which bob is."""
    procedure = Procedure.objects.get(name="two_questions")
    for group, role in (("support", "start"), ("finance", "answer"), ("operators", "operate")):
        Grant.objects.create(procedure=procedure, group=group_of(group), role=role)
    return services.start_run(procedure.name, {}, by=alice)[0]


def test_every_event_comes_once_and_in_order(
    run: Run, alice: User, running_web: Web, running_worker: Worker
) -> None:
    with page(running_web, alice) as alices:
        alices.follow(f"run:{run.pk}")
        wait_until(lambda: HumanRequest.objects.open().exists())
        run.refresh_from_db()
        assert alices.hear_until(run.head_seq) == list(range(1, run.head_seq + 1))


def test_a_cursor_brings_only_what_follows_it(
    run: Run, alice: User, running_web: Web, running_worker: Worker
) -> None:
    wait_until(lambda: HumanRequest.objects.open().exists())
    with page(running_web, alice) as alices:
        alices.follow(f"run:{run.pk}", after=1)
        assert alices.hear()["seq"] == 2


def test_a_stream_that_its_only_follower_follows_again_begins_at_the_new_cursor(
    run: Run, alice: User, running_web: Web
) -> None:
    with page(running_web, alice) as alices:
        for _ in range(3):
            alices.follow(f"run:{run.pk}")
            assert alices.hear()["seq"] == 1


def test_changes_come_without_redis_too(
    run: Run, bob: User, running_web: Web, running_worker: Worker, redis_server: Redis
) -> None:
    wait_until(lambda: HumanRequest.objects.open().exists())
    with page(running_web, bob) as bobs:
        bobs.follow("inbox")
        assert bobs.hear()["stream"] == "inbox"
        redis_server.stop()
        respond(HumanRequest.objects.open().get().pk, Answer(value=True), by=bob)
        assert bobs.hear()["stream"] == "inbox"


def test_a_reassignment_rings_the_inbox_of_the_new_assignee(
    run: Run, carol: User, dave: User, running_web: Web, running_worker: Worker
) -> None:
    asked = wait_for_request(run)
    with page(running_web, carol) as carols:
        carols.follow("inbox")
        assert carols.hear()["stream"] == "inbox"
        reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")
        assert carols.hear()["stream"] == "inbox"


def test_the_list_of_runs_rings_when_a_visible_run_starts(
    admin_user: User, running_web: Web
) -> None:
    with page(running_web, admin_user) as admins:
        admins.follow("runs")
        assert admins.hear() == {"stream": "runs", "seq": 0}
        run, _ = services.start_run("two_steps", {}, by=None)
        assert admins.hear() == {"stream": "runs", "seq": 0, "runs": [str(run.pk)]}


def test_a_long_run_is_drawn_seldom_and_its_end_is_shown(
    admin_user: User, running_web: Web, running_worker: Worker
) -> None:
    long, _ = services.start_run("repeated_steps", {"times": 300}, by=admin_user)
    drawn: list[str] = []
    with page(running_web, admin_user) as watching:
        watching.follow(f"run:{long.pk}", form="page")
        while not drawn or "Finished after" not in drawn[-1]:
            drawn += [html for html in [watching.hear().get("html", "")] if "run-now__" in html]

    assert len(drawn) < 60
    assert "300 steps" in drawn[-1]


def test_a_stranger_follows_nothing(run: Run, carol: User, running_web: Web) -> None:
    with page(running_web, carol) as carols:
        carols.follow(f"run:{run.pk}")
        assert "denied" in carols.hear()
        carols.say(range=f"run:{run.pk}", after=0)
        assert "denied" in carols.hear()


def test_nobody_follows_without_signing_in(running_web: Web) -> None:
    with page(running_web, None) as nobodys, pytest.raises(ConnectionClosed) as closed:
        nobodys.hear()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4401


def test_another_sites_page_opens_no_socket(alice: User, running_web: Web) -> None:
    with pytest.raises(InvalidStatus), page(running_web, alice, origin="http://elsewhere.example"):
        pass


def test_another_server_on_this_host_opens_no_socket(alice: User, running_web: Web) -> None:
    origin = running_web.url.rpartition(":")[0]

    with pytest.raises(InvalidStatus), page(running_web, alice, origin=f"{origin}:1"):
        pass


def test_who_leaves_the_group_loses_the_stream(run: Run, dave: User, running_web: Web) -> None:
    with page(running_web, dave) as daves:
        daves.follow(f"run:{run.pk}")
        assert daves.hear()["seq"] == 1
        dave.groups.clear()
        assert "denied" in daves.hear()


def test_what_cannot_be_understood_is_answered(alice: User, running_web: Web) -> None:
    with page(running_web, alice) as alices:
        for text in ("nonsense", "[]", "{}", '{"follow": "runs:1"}', '{"follow": "run:x"}'):
            alices.socket.send(text)
            assert "error" in alices.hear()


def test_a_socket_is_told_how_many_streams_it_can_follow(
    run: Run, alice: User, running_web: Web
) -> None:
    others = [services.start_run("two_questions", {}, by=alice)[0] for _ in range(MOST_STREAMS)]
    with page(running_web, alice) as alices:
        for one in (*others, run):
            alices.follow(f"run:{one.pk}")
        while "error" not in (told := alices.hear()):
            assert told["stream"] != f"run:{run.pk}"
        assert told["error"].endswith(f"a socket can follow at most {MOST_STREAMS} streams")
