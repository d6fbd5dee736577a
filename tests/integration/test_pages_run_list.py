"""The list of runs as people see it."""

import pytest
from django.contrib.auth.models import User

from procedures.models import Run
from procedures.services import cancel_run
from tests.calls import run_until_it_waits
from tests.pages import ask, browser, queries_of, shown

pytestmark = pytest.mark.django_db


def test_a_run_is_told_with_its_sentence_and_who_started_it(alice: User, bob: User) -> None:
    ask("told", by=alice)

    text = shown(browser(alice).get("/runs"))

    assert "Waiting for Finance" in text
    assert "Waiting for Finance to answer <strong>Go?</strong> since" in text
    assert "that counts as “<strong>Reject</strong>”." in text
    assert "</span><bdi>alice</bdi> ·" in text


def test_what_waits_for_the_one_who_looks_says_so(alice: User, bob: User) -> None:
    ask("approval", by=alice)

    assert "<span>Waiting for you</span>" in shown(browser(bob).get("/runs"))
    assert "<span>Waiting for you</span>" not in shown(browser(alice).get("/runs"))


def test_a_stranger_sees_no_runs_and_is_told_where_they_come_from(alice: User, carol: User) -> None:
    run = ask("approval", by=alice).wait.run

    text = shown(browser(carol).get("/runs"))

    assert str(run.pk) not in text
    assert "No runs yet" in text


def test_states_are_counted_and_filter(alice: User, bob: User) -> None:
    asking, asleep = ask("approval", by=alice).wait.run, run_until_it_waits("nap", by=None)
    Run.objects.filter(pk=asleep.pk).update(started_by=alice)
    client = browser(alice)

    text = shown(client.get("/runs"))
    assert 'Waiting for people <span class="chip__count" id="count-people">1</span>' in text
    assert 'Waiting, but not for people <span class="chip__count" id="count-time">1</span>' in text

    people, time = shown(client.get("/runs?state=people")), shown(client.get("/runs?state=time"))
    assert (str(asking.pk) in people, str(asleep.pk) in people) == (True, False)
    assert (str(asking.pk) in time, str(asleep.pk) in time) == (False, True)


def test_filters_that_find_nothing_say_which(alice: User, bob: User) -> None:
    ask("approval", by=alice)

    text = shown(browser(alice).get("/runs?state=failed&procedure=one_of_each"))

    assert "No matches</p>" in text
    assert "There are no runs of <strong>one_of_each</strong> in the state <strong>" in text
    assert "<strong>Failed</strong> that you can see." in text


@pytest.mark.parametrize("query", ["state=nonsense", "after=nonsense", "procedure=%00"])
def test_a_wrong_filter_breaks_nothing(alice: User, query: str) -> None:
    assert browser(alice).get(f"/runs?{query}").status_code == 200


def test_the_list_pages_by_key(alice: User, bob: User) -> None:
    runs = [ask("approval", by=alice).wait.run for _ in range(3)]

    text = shown(browser(alice).get(f"/runs?after={runs[1].pk}"))

    assert str(runs[0].pk) in text
    assert str(runs[2].pk) not in text
    assert "Newest" in text


def test_more_runs_take_no_more_queries(alice: User, bob: User) -> None:
    ask("told", by=alice)
    few = len(queries_of(browser(alice), "/runs"))
    for _ in range(4):
        ask("told", by=alice)

    assert len(queries_of(browser(alice), "/runs")) == few


def test_the_open_lists_of_a_person_share_their_counts(alice: User, bob: User) -> None:
    run = ask("approval", by=alice).wait.run

    # For a second, which may pass between two requests on a busy machine.
    assert any(counting(alice) > counting(alice) for _ in range(10))
    assert 'id="count-people">1<' in changes(alice, run)
    ask("approval", by=alice)
    assert 'id="count-people">2<' in changes(alice, run)
    assert 'id="count-people">2<' in changes(bob, run)


def counting(user: User) -> int:
    """The number of statements of an open list."""
    return len(queries_of(browser(user), "/runs/changes"))


def changes(user: User, *shown_runs: Run, **choice: str) -> str:
    """The frame for an open list that shows these runs."""
    query = {"shown": [str(run.pk) for run in shown_runs], **choice}
    return shown(browser(user).get("/runs/changes", query))


def test_an_open_list_learns_how_its_rows_stand_and_what_is_new(
    alice: User, bob: User, dave: User
) -> None:
    old, new = (ask("approval", by=alice).wait.run for _ in range(2))
    cancel_run(old.pk, by=dave, reason="Ordered twice.")

    text = changes(alice, old)

    assert f'id="run-row-{old.pk}"' in text
    assert "Cancelled by <strong>dave</strong>" in text
    assert f'id="run-row-{new.pk}"' not in text
    assert '1 new run · <a href="/runs?">Show</a>' in text
    assert 'id="count-cancelled">1<' in text
    assert "new run" not in changes(alice, old, new)


def test_what_waits_for_the_one_who_looks_says_so_in_an_open_list_too(
    alice: User, bob: User
) -> None:
    run = ask("approval", by=alice).wait.run

    assert "Waiting for you" in changes(bob, run)
    assert "Waiting for you" not in changes(alice, run)


def test_new_runs_are_those_that_the_filters_let_pass(alice: User, bob: User) -> None:
    run, _ = (ask("approval", by=alice).wait.run for _ in range(2))

    assert 'href="/runs?state=people"' in changes(alice, run, state="people")
    assert "new run" not in changes(alice, run, state="failed")
    assert "new run" not in changes(alice, run, procedure="refund")
    assert "new run" not in changes(alice, run, after=str(run.pk))


def test_a_stranger_learns_nothing_of_runs_by_their_ids(alice: User, carol: User) -> None:
    run = ask("approval", by=alice).wait.run

    text = changes(carol, run)

    assert str(run.pk) not in text
    assert 'id="count-people">0<' in text
    assert browser(carol).get("/runs/changes?shown=nonsense").status_code == 200
