"""The subject of a run, from its start to every place where people read it."""

import json

import pytest
from django.contrib.auth.models import Group, User

from chat.models import Session
from dashboard.channels.letter import letter_about
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import ForkPoint, fork_run, restart_run, start_run, verify_journal
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.pages import browser, grant_to_both, shown

pytestmark = pytest.mark.django_db
SUBJECT = "Refund 128,000.00 € for طلب-12"


@pytest.fixture
def run(alice: User, bob: User) -> Run:
    grant_to_both("named_refund")
    return run_until_it_waits("named_refund", by=alice, amount="128000", order="طلب-12")


def test_it_is_made_at_the_start_and_shown_wherever_the_run_is_named(
    run: Run, alice: User, bob: User
) -> None:
    request = request_of(run)
    assert run.subject == SUBJECT
    page = shown(browser(alice).get(f"/runs/{run.pk}"))
    assert f'<h1 dir="auto">{SUBJECT}</h1>' in page
    assert '<p class="run-head__procedure muted" dir="auto">Refund an order</p>' in page
    assert f"<title>{SUBJECT} " in page
    for address in (
        "/runs",
        "/chat",
        f"/chat/{request.session_id}",
        f"/requests/{request.pk}",
        "/",
    ):
        assert SUBJECT in shown(browser(bob).get(address)), address
    assert Session.objects.get().title == SUBJECT
    assert SUBJECT in letter_about(request, to=bob).text
    listed = caller(alice).get("/api/runs").json()["items"]
    assert [(one["subject"], one["title"]) for one in listed] == [(SUBJECT, "Refund an order")]
    assert caller(alice).get(f"/api/runs/{run.pk}").json()["subject"] == SUBJECT


def test_without_one_the_title_is_shown_and_no_time_is_stored(alice: User, bob: User) -> None:
    grant_to_both("question")
    run = run_until_it_waits("question", by=alice)

    assert run.subject == ""
    assert Session.objects.get().title == "Question"
    assert caller(alice).get(f"/api/runs/{run.pk}").json()["subject"] == "Question"
    assert '<h1 dir="auto"><bdi>Question</bdi></h1>' in shown(browser(alice).get(f"/runs/{run.pk}"))


def test_children_have_their_own(alice: User, bob: User) -> None:
    grant_to_both("named_refunds")
    inputs = {"orders": ["B-1", "B-2"], "day": "2026-12-24"}
    run = run_until_it_waits("named_refunds", by=alice, **inputs)
    children = Run.objects.filter(parent_wait__run=run).order_by("parent_number")

    assert run.subject == "All refunds of 24.12.2026: B-1, B-2"
    assert [one.subject for one in children] == ["Refund 5.00 € for B-1", "Refund 5.00 € for B-2"]


def test_forks_and_restarts_name_their_own_inputs(
    run: Run, alice: User, operators: Group, dave: User
) -> None:
    grant("named_refund", operators, "operate", "start")
    key = run.waits.get().key

    same, _ = fork_run(run.pk, ForkPoint(key), by=dave, reason="Again.")
    other, _ = fork_run(run.pk, ForkPoint(key, {"amount": "7"}), by=dave, reason="Less.")
    anew, _ = restart_run(run.pk, by=dave, reason="Anew.", inputs={"order": "C-3"})

    assert [one.subject for one in (same, other, anew)] == [
        SUBJECT,
        "Refund 7.00 € for طلب-12",
        "Refund 128,000.00 € for C-3",
    ]


def test_inputs_that_are_stored_outside_the_row_are_named_too(alice: User, support: Group) -> None:
    grant("named_in_every_way", support, "start")
    run, _ = start_run("named_in_every_way", {"text": "long " * 100_000}, by=alice)

    assert run.inputs.startswith("sha256:")
    assert run.subject.startswith("long long long ")
    assert run.subject.endswith("… · 12,345 · 26% · small · yes · — · —")


def test_a_forged_subject_is_found(run: Run) -> None:
    advance_run(run.pk)
    assert verify_journal(Run.objects.get(pk=run.pk)) == []
    Run.objects.filter(pk=run.pk).update(subject="Refund 1.00 € for طلب-12")

    assert "subject" in json.dumps(
        [str(fault) for fault in verify_journal(Run.objects.get(pk=run.pk))]
    )
