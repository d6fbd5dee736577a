"""A run as people see it: how it stands, its journal, its files."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.files.storage import default_storage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import strip_tags

from chat.services import reassign_request
from dashboard.overview import card_overview, run_overview
from procedures.engine.journal.events import RunStatus
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore, path_of
from procedures.models import Artifact, Run
from procedures.runner import advance_run
from procedures.services import cancel_run
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.pages import ask, browser, grant_to_both, queries_of, shown, writes
from tests.runs import answer

pytestmark = pytest.mark.django_db


def go_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def page_of(user: User, run: Run) -> str:
    response = browser(user).get(f"/runs/{run.pk}")
    assert response.status_code == 200
    return shown(response)


def test_a_waiting_run_shows_what_it_waits_for_and_where_to_answer(alice: User, bob: User) -> None:
    request = ask("told", by=alice)
    run = request.wait.run

    text = page_of(alice, run)

    assert f'id="run-now-{run.pk}"' in text
    assert f'<live-stream stream="run:{run.pk}" form="page" after="{run.head_seq}">' in text
    assert f'href="/requests/{request.pk}"' in text
    assert f'href="/chat/{request.session_id}"' in text
    assert f'id="event-{run.pk}-1" data-into="journal-{run.pk}"' in text
    assert "<script>alert" not in text


def test_a_question_is_answered_on_the_page_of_its_run(alice: User, bob: User, carol: User) -> None:
    request = ask("told", by=alice)
    ask("told", by=alice)
    run, card = request.wait.run, f'id="request-{request.pk}" data-status="open"'
    form = f'action="/requests/{request.pk}/response"'
    path = f"/runs/{run.pk}/questions"

    for_alice, for_bob = page_of(alice, run), page_of(bob, run)
    assert card in for_bob
    assert form in for_bob
    assert for_bob.count('class="request"') == 1
    assert for_bob.index("run-now__sentence") < for_bob.index(card) < for_bob.index('class="bars"')
    assert 'class="request"' not in for_alice
    assert card in shown(browser(bob).get(path))
    assert card not in shown(browser(bob).get(f"{path}?shown={request.pk}"))
    assert browser(carol).get(path).status_code == 404

    answer(request, by=bob)
    assert f'id="request-{request.pk}" data-status="answered"' in shown(
        browser(bob).get(f"{path}?shown={request.pk}")
    )
    assert 'class="request"' not in page_of(bob, run)


def test_an_answer_stands_with_its_question(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    answer(request, value=False, by=bob)
    queued = page_of(alice, Run.objects.get())
    text = page_of(alice, go_on(request.wait.run))

    assert "<strong>Pay 31.20 €?</strong> was answered by bob: rejected." in queued
    assert "<strong>Keep the money</strong> · <bdi>bob</bdi>" in text
    assert "Rejected by bob" in text
    assert "1 question to people" in text


def test_a_run_is_not_there_for_a_stranger(alice: User, bob: User, carol: User) -> None:
    run = ask("approval", by=alice).wait.run

    for path in (f"/runs/{run.pk}", f"/runs/{run.pk}/journal", f"/runs/{run.pk}/files/a.csv"):
        assert browser(carol).get(path).status_code == 404
    assert browser(alice).get(f"/runs/{run.pk}").status_code == 200


def test_runs_are_for_those_signed_in(alice: User, bob: User, client: Any) -> None:
    run = ask("approval", by=alice).wait.run

    for path in ("/runs", f"/runs/{run.pk}", f"/runs/{run.pk}/journal"):
        assert client.get(path).headers["Location"] == f"/sign-in?next={path}"


def test_looking_changes_nothing(alice: User, bob: User) -> None:
    run = ask("approval", by=alice).wait.run

    for path in ("/runs", f"/runs/{run.pk}", f"/runs/{run.pk}/journal"):
        assert writes(queries_of(browser(alice), path)) == []
        assert browser(alice).post(path).status_code == 405


def test_longer_runs_take_no_more_queries(alice: User, support: Group) -> None:
    grant("repeated_steps", support, "start")
    short, long = (run_until_it_waits("repeated_steps", by=alice, times=times) for times in (1, 9))

    few, many = (queries_of(browser(alice), f"/runs/{run.pk}") for run in (short, long))

    assert len(few) == len(many)


def test_a_long_run_shows_its_last_rows_and_all_of_them_when_asked(
    alice: User, support: Group
) -> None:
    grant("turn_by_turn", support, "start")
    run = run_until_it_waits("turn_by_turn", by=alice, times=62)

    live, whole = page_of(alice, run), shown(browser(alice).get(f"/runs/{run.pk}?rows=all"))

    assert "2 earlier rows aren't shown." in live
    assert (live.count('class="bars__item"'), whole.count('class="bars__item"')) == (60, 62)
    assert f'id="row-{run.pk}-62"' in live
    assert f'stream="run:{run.pk}"' not in whole


def test_a_step_that_is_repeated_is_one_row_and_each_when_asked(
    alice: User, support: Group
) -> None:
    grant("repeated_steps", support, "start")
    run = run_until_it_waits("repeated_steps", by=alice, times=62)

    live, whole = page_of(alice, run), shown(browser(alice).get(f"/runs/{run.pk}?rows=all"))

    assert (live.count('class="bars__item"'), whole.count('class="bars__item"')) == (1, 62)
    assert '<code>act</code> <span class="muted">62 times</span>' in live
    assert f'?rows=all#row-{run.pk}-1"' in live
    assert "earlier row" not in live
    assert "62 steps" in live


@pytest.mark.parametrize(
    ("name", "inputs", "status", "told"),
    [
        ("two_steps", {}, RunStatus.SUCCEEDED, "Finished after"),
        ("flaky", {"failures": 9, "backoff": "1h"}, RunStatus.RETRYING, "Attempt 2 follows at"),
        ("flaky", {"failures": 9}, RunStatus.FAILED, "Failed in <code>fail_at_first</code>: "),
        ("nap", {}, RunStatus.WAITING, "The run continues at"),
        (
            "swallower",
            {},
            RunStatus.QUARANTINED,
            "This run can&#x27;t continue: The code caught the exception",
        ),
        ("telling", {"lines": 3}, None, "Progress"),
        ("typed_answers", {}, RunStatus.WAITING, "Waiting for "),
        (
            "deadline_with_default",
            {},
            RunStatus.WAITING,
            "that counts as “<strong>Approve</strong>”",
        ),
    ],
)
def test_every_state_has_its_page(
    admin_user: User, name: str, inputs: dict[str, Any], status: RunStatus | None, told: str
) -> None:
    run = run_until_it_waits(name, by=admin_user, **inputs)

    text = page_of(admin_user, run)

    assert status in (None, run.status)
    assert told in text
    card = render_to_string("procedures/_run_card.html", card_overview(run))
    assert f'id="run-card-{run.pk}"' in card


def test_a_queued_and_a_working_run_have_their_pages(admin_user: User) -> None:
    run = run_until_it_waits("nap", by=admin_user)
    Run.objects.filter(pk=run.pk).update(
        status="running", working_on="pack", working_attempt=2, working_since=run.created_at
    )
    working = page_of(admin_user, run)
    Run.objects.filter(pk=run.pk).update(status="queued", working_on="", working_since=None)

    assert "Working on <code>pack</code>" in working
    assert "(attempt 2)." in working
    assert "Waiting for a free worker" in page_of(admin_user, run)


def test_a_cancelled_run_tells_who_cancelled_it_and_why(alice: User, bob: User, dave: User) -> None:
    run = ask("approval", by=alice).wait.run
    cancel_run(run.pk, by=dave, reason="Ordered twice.")
    told = "Cancelled by <strong>dave</strong>: “Ordered twice.”"

    text = page_of(alice, run)

    assert f"{told} No step had finished." in text
    assert 'data-kind="question" data-look="cancelled"' in text
    assert "<strong>dave</strong> cancelled the run: “Ordered twice.”" in text
    assert told in shown(browser(alice).get("/runs"))


def test_a_question_that_is_given_to_others_waits_for_them(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    request = ask("approval", by=alice)
    reassign_request(request.pk, to="@carol", by=dave, reason="Away.")

    text, listed = page_of(alice, request.wait.run), shown(browser(alice).get("/runs"))
    answer(request, by=carol)

    assert "Waiting for carol to answer" in text
    assert "Waiting for carol" in text
    assert "Waiting for carol" in listed
    assert "was answered by carol: approved." in page_of(alice, request.wait.run)
    assert "reassigned the question to <strong>carol</strong>" in page_of(
        alice, go_on(request.wait.run)
    )


def test_a_mismatch_shows_both_lists(admin_user: User) -> None:
    run = run_until_it_waits("nap", by=admin_user)
    told = {"type": "Mismatch", "message": "No.", "kept": ["step a"], "asked": ["step b"]}
    Run.objects.filter(pk=run.pk).update(status="quarantined", error=json.dumps(told))

    text = page_of(admin_user, run)

    assert "<td><code>step a</code></td><td><code>step b</code></td>" in text


# The journal


def test_the_journal_can_be_read_from_the_start(alice: User, bob: User) -> None:
    run = ask("approval", by=alice).wait.run
    client = browser(alice)

    whole = shown(client.get(f"/runs/{run.pk}/journal"))
    rest = shown(client.get(f"/runs/{run.pk}/journal?after=1"))
    for strange in ("9" * 5_000, "9" * 30, "٣"):
        assert client.get(f"/runs/{run.pk}/journal", {"after": strange}).status_code == 200

    assert "Started with code" in whole
    assert "Started with code" not in rest
    assert "Asked <strong>Pay 31.20 €?</strong>" in rest
    assert "There are no more events" in shown(client.get(f"/runs/{run.pk}/journal?after=999"))
    assert client.get(f"/runs/{run.pk}/journal?after=x").status_code == 200


# Files


@pytest.fixture
def paper(alice: User, support: Group) -> tuple[UUID, File]:
    """A run that was given a file."""
    grant("typed_inputs", support, "start")
    with use_file_store(ContentStore()):
        file = File.store("a paper.csv", "a;b\n")
    return run_until_it_waits("typed_inputs", by=alice, count=1, paper=file).pk, file


def test_files_are_downloads(alice: User, paper: tuple[UUID, File]) -> None:
    run_id, _ = paper
    path = f"/runs/{run_id}/files/a%20paper.csv"
    client = browser(alice)

    assert f'href="{path}"' in shown(client.get(f"/runs/{run_id}"))
    file = client.get(path)
    assert file.content == b"a;b\n"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert client.get(f"/runs/{run_id}/files/other.csv").status_code == 404


def test_a_lost_file_is_said(alice: User, paper: tuple[UUID, File]) -> None:
    run_id, file = paper
    default_storage.delete(path_of(file.digest))

    lost = browser(alice).get(f"/runs/{run_id}/files/a%20paper.csv")

    assert lost.status_code == 410
    assert "is gone" in shown(lost)


def test_the_admin_downloads_each_version_of_a_file(
    admin_user: User, bob: User, paper: tuple[UUID, File]
) -> None:
    run_id, _ = paper
    with use_file_store(ContentStore()):
        newer = File.store("a paper.csv", "a;c\n")
    Artifact.of(Run.objects.get(pk=run_id), newer).save()
    client = browser(admin_user)
    listed = shown(client.get(reverse("admin:countersign_procedures_artifact_changelist")))
    links = re.findall(r'href="([^"]+/download/)"', listed)

    answers = [client.get(link) for link in links]

    assert [one.content for one in answers] == [b"a;c\n", b"a;b\n"]
    assert all(one.headers["Content-Disposition"].startswith("attachment") for one in answers)
    default_storage.delete(path_of(newer.digest))
    assert client.get(links[0]).status_code == 410
    # Looking at the rows of the admin doesn't include the content of every run.
    bob.is_staff = True
    bob.save()
    assert browser(bob).get(links[1]).status_code == 403
    bob.user_permissions.add(Permission.objects.get(codename="view_artifact"))
    assert browser(bob).get(links[1]).status_code == 404


def test_questions_to_nobody_in_particular_name_administrators(admin_user: User) -> None:
    run = run_until_it_waits("question", by=admin_user)

    assert "Waiting for administrators" in page_of(admin_user, run)
    assert request_of(run).is_open


def test_who_only_answers_sees_the_run_that_asks(alice: User, bob: User) -> None:
    grant_to_both("question")
    run = run_until_it_waits("question", by=alice)

    assert "Pay 31.20 €?" in page_of(bob, run)


def test_a_timer_that_is_open_sleeps_and_has_not_slept(admin_user: User) -> None:
    run = run_until_it_waits("nap", by=admin_user)

    page = shown(browser(admin_user).get(f"/runs/{run.pk}"))

    assert "Sleeping from" in page
    assert "Slept from" not in page


def test_a_timer_that_was_cut_off_slept_until_then_and_no_longer(admin_user: User) -> None:
    run = run_until_it_waits("nap", by=admin_user)
    cancel_run(run.pk, by=admin_user, reason="Enough.")
    row = run_overview(Run.objects.get(pk=run.pk))["rows"][-1].row

    assert row.slept_until == row.end < row.wait.due_at
    assert "Slept from" in shown(browser(admin_user).get(f"/runs/{run.pk}"))


def test_all_that_a_run_waits_for_is_told_in_lists_as_on_its_page(admin_user: User) -> None:
    run = run_until_it_waits("answer_or_time", by=admin_user)

    for path in ("/runs", f"/runs/{run.pk}"):
        text = strip_tags(shown(browser(admin_user).get(path)))
        assert "or a timer that ends at" in text
        assert (
            "The run continues as soon as one of these arrives, without waiting for the rest."
            in text
        )
        assert re.search("If the timer ends first, at .*, the question may be withdrawn", text)
    page = strip_tags(page_of(admin_user, run))
    card = strip_tags(shown(browser(admin_user).get(f"/requests/{request_of(run).pk}")))
    said = caller(admin_user).get(f"/api/requests/{request_of(run).pk}").json()["silence"]
    for told in (page, card, said):
        assert "until somebody answers. A timer can withdraw the request earlier." in told


def test_a_run_that_undid_its_steps_keeps_none(admin_user: User) -> None:
    run = run_until_it_waits("compensating", by=admin_user)
    answer(request_of(run), by=admin_user)
    text = strip_tags(page_of(admin_user, go_on(run)))

    assert "2 steps were undone." in text
    assert "finished steps weren't" not in text
