"""Children in the chat, and who may see them."""

import pytest
from django.contrib.auth.models import Group, User

from chat.models import Message, Session
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import sweep
from tests.calls import caller, grant, request_of, run_until_it_waits


@pytest.fixture(autouse=True)
def may_start(support: Group) -> None:
    for name in ("calling", "handing_on", "mapping"):
        grant(name, support, "start")


def advance_all() -> None:
    while queued := list(Run.objects.queued()):
        for run in queued:
            advance_run(run.pk)


def test_a_child_speaks_in_its_parents_session(alice: User, bob: User, finance: Group) -> None:
    grant("doubled", finance, "answer")
    run = run_until_it_waits("calling", by=alice, number=4, asks=True)
    advance_all()
    child = Run.objects.get(parent_wait__run=run)

    [session] = Session.objects.all()
    assert [message.run for message in Message.objects.cards()] == [run, child]
    assert request_of(child).session == session
    assert child.started_by == alice
    page = caller(bob).get(f"/api/runs/{child.pk}")
    assert page.status_code == 200


def test_the_children_of_a_map_have_no_cards(alice: User) -> None:
    run = run_until_it_waits("mapping", by=alice, numbers=[1, -2, 3])
    advance_all()

    assert [message.run for message in Message.objects.cards()] == [run]
    child = Run.objects.get(parent_wait__run=run, parent_number=1)
    assert request_of(child).session == Session.objects.get()


def test_a_stranger_sees_neither(alice: User, carol: User) -> None:
    run = run_until_it_waits("calling", by=alice, number=4)
    advance_all()
    child = Run.objects.get(parent_wait__run=run)

    for one in (run, child):
        assert caller(carol).get(f"/api/runs/{one.pk}").status_code == 404
        assert caller(alice).get(f"/api/runs/{one.pk}").status_code == 200


def test_pages_lead_from_parent_to_child_and_back(alice: User) -> None:
    run = run_until_it_waits("calling", by=alice, number=4)
    child = Run.objects.get(parent_wait__run=run)
    client = caller(alice)
    client.force_login(alice)

    assert f"/runs/{child.pk}" in client.get(f"/runs/{run.pk}").content.decode()
    assert f"/runs/{run.pk}" in client.get(f"/runs/{child.pk}").content.decode()


def test_children_show_the_files_they_are_given(alice: User) -> None:
    run = run_until_it_waits("handing_on", by=alice)
    for _ in range(2):
        advance_all()
        sweep()  # brings the children's ends
    advance_all()

    run.refresh_from_db()
    assert run.result == '["milk","milk"]'
    for child in Run.objects.filter(parent_wait__run=run):
        shown = caller(alice).get(f"/api/runs/{child.pk}/artifacts/list.txt")
        assert shown.getvalue() == b"milk"
        assert [file.name for file in child.artifacts.all()] == ["list.txt"]
    assert run.artifacts.count() == 2
