"""Home: what waits, what is stuck, what runs, what comes next."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User

from chat.services import reassign_request
from chat.urgency import BY_URGENCY
from dashboard.live.cards import LONGEST_LIST
from dashboard.overview.outlook import LONGEST_LIST as MOST_SHOWN
from procedures.models import Procedure, Run
from procedures.models.clock import clock
from procedures.services import pause_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.integration.test_chat_plans import copy_of
from tests.pages import HTMX, ask, browser, queries_of, shown, writes
from tests.runs import answer, start, status_of

MOST_STATEMENTS = 25
"""The statements that home needs for somebody who answers, however much waits, runs or is stuck."""

pytestmark = pytest.mark.usefixtures("bob")


def test_what_waits_is_answerable_in_place_and_the_most_urgent_comes_first(
    alice: User, bob: User
) -> None:
    old, due = ask("approval", by=alice), ask("told", by=alice)

    text = shown(browser(bob).get("/"))

    assert text.index(f'id="request-{due.pk}"') < text.index(f'id="request-{old.pk}"')
    assert text.count("csrfmiddlewaretoken") >= 2
    assert 'data-count="2"' in text


def test_nothing_waits_is_said_in_words(alice: User) -> None:
    ask("told", by=alice)

    text = shown(browser(alice).get("/"))

    assert "Nothing is waiting for you." in text
    assert "Nothing is running now. The next request with a deadline is due at" in text
    assert 'data-count="0"' in text


def test_stuck_and_running_and_next(alice: User, bob: User) -> None:
    failed, told = ask("approval", by=alice).wait.run, ask("told", by=alice)
    Run.objects.filter(pk=failed.pk).update(
        status="failed", ended_at=clock.now(), error='{"message":"No ink.","type":"OSError"}'
    )
    working = start("one_of_each", by=alice, kind="text")

    text = shown(browser(alice).get("/"))
    parts = {name: text.split(f'id="{name}-title"')[1] for name in ("stuck", "working", "coming")}

    assert f"/runs/{failed.pk}" in parts["stuck"].split("</section>")[0]
    assert f"/runs/{working.pk}" in parts["working"].split("</section>")[0]
    assert f"/requests/{told.pk}" in parts["coming"].split("</section>")[0]


@pytest.mark.parametrize("name", ["shop.removed", "one_of_none"])
@pytest.mark.parametrize("status", ["queued", "waiting", "retrying"])
def test_a_run_whose_procedure_was_removed_is_stuck(alice: User, name: str, status: str) -> None:
    run, kept = (ask("told", by=alice).wait.run for _ in range(2))
    removed = Procedure.objects.create(name=name)
    Run.objects.filter(pk=run.pk).update(procedure=removed)
    Run.objects.filter(pk__in=[run.pk, kept.pk]).update(status=status)

    page = browser(alice)
    text = shown(page.get("/"))
    parts = {
        at: text.split(f'id="{at}-title"')[1].split("</section>")[0]
        for at in ("stuck", "working", "coming")
    }

    assert f"/runs/{run.pk}" in parts["stuck"]
    assert f"/runs/{kept.pk}" not in parts["stuck"]
    assert f"/runs/{run.pk}" not in parts["working"]
    assert (f"/runs/{kept.pk}" in parts["working"]) is (status != "waiting")
    assert parts["coming"].count("/requests/") == 1
    for told in (text, shown(page.get(f"/runs/{run.pk}"))):
        assert "this site has no code for the procedure" in told
        assert "or use “End at once”." in told


def test_a_run_that_holds_its_worker_and_a_retry_that_is_late_are_stuck(alice: User) -> None:
    silent, late = (ask("text", by=alice).wait.run for _ in range(2))
    before = clock.now() - timedelta(hours=1)
    Run.objects.filter(pk=silent.pk).update(status="running", reached_at=before)
    Run.objects.filter(pk=late.pk).update(status="retrying", wake_at=before)

    stuck, working = shown(browser(alice).get("/overview")).split("</section>")[:2]

    for run, told in ((silent, "Cancel it"), (late, "This time has passed")):
        assert f"/runs/{run.pk}" in stuck
        assert f"/runs/{run.pk}" not in working
        assert told in stuck


def test_what_is_paused_and_what_retries_without_end_are_stuck(
    alice: User, bob: User, dave: User, operators: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one_of_each", "flaky"):
        grant(name, operators, "operate")
    paused = [ask("approval", by=alice).wait.run for _ in range(2)]
    for run, ahead in zip(paused, (0, 5), strict=True):
        monkeypatch.setattr(clock, "ahead", timedelta(minutes=ahead))
        pause_run(run.pk, by=dave, reason="Lunch.")
    retrying = run_until_it_waits("flaky", failures=9, attempts=9, backoff="3h")

    def parts() -> tuple[str, str]:
        text = shown(browser(dave).get("/overview")).partition('id="stuck-title"')[2]
        stuck, working, *_ = text.split("</section>")
        return stuck, working

    early_stuck, early_working = parts()
    monkeypatch.setattr(clock, "ahead", timedelta(hours=2))
    stuck, working = parts()
    groups = browser(dave).get("/overview").context["stuck"]

    assert f"/runs/{retrying.pk}" in early_working
    assert f"/runs/{retrying.pk}" not in early_stuck + working
    assert "Retrying for" in stuck
    assert "There has been 1 attempt so far. <code>fail_at_first</code> failed: Con" in stuck
    assert [len(group.runs) for group in groups] == [1, 2], "of the same pause"
    for run in paused:
        assert f'href="/runs/{run.pk}/operations/unpause?next=/"' in stuck
    assert "/operations/unpause" not in shown(browser(bob).get("/overview"))


def test_what_is_paused_is_not_said_to_come_and_more_than_is_listed_is_not_counted(
    alice: User,
) -> None:
    paused, *working = (ask("told", by=alice).wait.run for _ in range(8))
    Run.objects.filter(pk=paused.pk).update(status="paused")
    Run.objects.filter(pk__in=[run.pk for run in working]).update(status="running")

    text = shown(browser(alice).get("/"))

    assert "More than 6 runs are in progress." in text
    assert str(request_of(paused).pk) not in text.split('id="coming-title"')[1]


def test_what_one_may_start_is_one_click_away(bob: User, carol: User) -> None:
    carols = Group.objects.create(name="carols")
    carol.groups.add(carols)
    grant("one_of_each", carols, "start")

    for_carol, for_bob = shown(browser(carol).get("/")), shown(browser(bob).get("/"))

    assert 'href="/procedures/one_of_each"' in for_carol.split("Start a procedure")[1]
    assert "Start a procedure" not in for_bob


def test_old_failures_are_history_and_late_deadlines_are_stuck(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask("approval", by=alice).wait.run
    Run.objects.filter(pk=run.pk).update(
        status="failed",
        ended_at=clock.now() - timedelta(days=9),
        error='{"message":"No ink.","type":"OSError"}',
    )
    late = ask("told", by=alice).wait.run

    monkeypatch.setattr(clock, "ahead", timedelta(hours=2))
    stuck = shown(browser(alice).get("/overview")).split("</section>")[0]

    assert str(run.pk) not in stuck
    assert str(late.pk) in stuck


def test_a_stranger_sees_nothing(alice: User, carol: User) -> None:
    request = ask("told", by=alice)

    text = shown(browser(carol).get("/"))

    assert request.prompt not in text
    assert "Nothing is waiting for you." in text
    assert "There are no deadlines or timers." in text


def test_the_list_read_again_brings_new_cards_and_receipts(
    alice: User, bob: User, carol: User
) -> None:
    closed, new = ask("approval", by=alice), ask("text", by=alice)
    answer(closed, by=bob)
    path = f"/requests/waiting?shown={closed.pk}&shown=nonsense"

    for_bob = shown(browser(bob).get(path, headers=HTMX))
    for_carol = shown(browser(carol).get(path, headers=HTMX))

    assert "Approved by bob" in for_bob
    assert f'id="request-{new.pk}"' in for_bob
    assert closed.prompt not in for_carol


def test_a_card_that_is_given_to_others_says_so_and_comes_to_them(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    given, kept = ask("approval", by=alice), ask("text", by=alice)
    path = f"/requests/waiting?shown={given.pk}&shown={kept.pk}"
    reassign_request(given.pk, to="@carol", by=dave, reason="Away.")

    for_bob = shown(browser(bob).get(path, headers=HTMX))
    for_carol = shown(browser(carol).get("/requests/waiting", headers=HTMX))

    assert f'id="request-{given.pk}" data-status="lost"' in for_bob
    assert str(kept.pk) not in for_bob
    assert f'id="request-{given.pk}" data-status="open"' in for_carol


def test_the_list_read_again_is_no_heavier_for_the_cards_that_are_shown(
    alice: User, bob: User
) -> None:
    cards = [ask("approval", by=alice) for _ in range(2)]
    client = browser(bob)

    def path() -> str:
        return "/requests/waiting?" + "&".join(f"shown={one.pk}" for one in cards)

    client.get(path(), headers=HTMX)
    before = len(queries_of(client, path()))
    cards += [ask("approval", by=alice) for _ in range(LONGEST_LIST - 2)]

    assert len(queries_of(client, path())) == before
    assert shown(client.get(path(), headers=HTMX)) == ""


def test_a_card_below_the_most_urgent_ones_stays(alice: User, bob: User) -> None:
    latest = [ask("approval", by=alice) for _ in range(LONGEST_LIST + 2)][-1]

    text = shown(browser(bob).get(f"/requests/waiting?shown={latest.pk}", headers=HTMX))

    assert str(latest.pk) not in text


def test_the_badges_count_what_i_can_answer(alice: User, bob: User) -> None:
    ask("approval", by=alice)
    ask("text", by=alice)

    badges = shown(browser(bob).get("/"))

    for_alice = shown(browser(alice).get("/"))
    for name in ("requests", "sessions"):
        assert f'id="waiting-{name}" of="{name}" data-count="2"' in badges
        assert f'id="waiting-{name}" of="{name}" data-count="0"' in for_alice
    assert "<strong>2</strong> wait for you" in badges
    assert "<strong>0</strong> wait for you" in for_alice


def test_looking_changes_nothing_and_costs_the_same(alice: User, bob: User) -> None:
    ask("told", by=alice)
    start("one_of_each", by=alice, kind="text")
    client = browser(bob)
    before = len(queries_of(client, "/"))

    for _ in range(4):
        ask("told", by=alice)
        ask("approval", by=alice)
        start("one_of_each", by=alice, kind="text")

    after = queries_of(client, "/")
    assert len(after) == before <= MOST_STATEMENTS
    assert not writes(after)
    assert sum(BY_URGENCY in sql for sql in after) == 1


def test_the_request_after_a_closed_one_is_the_one_that_its_menu_counts_first(
    alice: User, bob: User
) -> None:
    closed, due = ask("approval", by=alice), ask("told", by=alice)
    ask("approval", by=alice)
    answer(closed, by=bob)
    client, path = browser(bob), f"/requests/{closed.pk}"

    assert f'href="/requests/{due.pk}"' in shown(client.get(path))
    assert sum(BY_URGENCY in sql for sql in queries_of(client, path)) == 1


def test_all_that_waits_is_reached_a_few_at_a_time(alice: User, bob: User) -> None:
    asked = {str(ask("approval", by=alice).pk) for _ in range(LONGEST_LIST + 3)}
    client, address, found = browser(bob), "/", set[str]()

    while address:
        page = client.get(address)
        found |= {str(request.pk) for request in page.context["waiting"]}
        address = f"/?from={page.context['next_place']}" if page.context["has_more"] else ""
        assert not address or address in shown(page)

    assert found == asked
    assert client.get("/?from=nonsense").context["place"] == 0


def test_runs_that_are_stuck_for_the_same_reason_are_one_row(alice: User, dave: User) -> None:
    runs = [ask("approval", by=alice).wait.run for _ in range(4)]
    for run, message in zip(runs, ("No ink.", "No ink.", "No paper.", "No ink."), strict=True):
        error = {"message": message, "type": "OSError"}
        Run.objects.filter(pk=run.pk).update(
            status="failed", ended_at=clock.now(), error=json.dumps(error)
        )

    page = browser(alice).get("/")
    groups = [len(group.runs) for group in page.context["stuck"]]
    text = shown(page)

    assert groups == [3, 1]
    assert "3 runs</span></summary>" in text
    assert 'id="strip-stuck" data-look="failed" data-count="4"' in text
    assert all(f"/runs/{run.pk}" in text for run in runs)
    assert "alike__operations" not in text, "for those who don't operate them"


def test_of_many_runs_that_are_stuck_for_the_same_reason_the_newest_are_shown(
    alice: User, dave: User, operators: Group
) -> None:
    run = ask("approval", by=alice).wait.run
    grant("one_of_each", operators, "operate")
    Run.objects.bulk_create(copy_of(run, alice) for _ in range(MOST_SHOWN + 1))
    Run.objects.exclude(pk=run.pk).update(status="paused", paused_as="waiting")

    text = shown(browser(dave).get("/"))

    group = text.partition('<details id="alike-')[2].partition("</details>")[0]
    assert f"{MOST_SHOWN + 1} runs</span></summary>" in group
    assert group.count('class="run-row"') == MOST_SHOWN
    assert '<a class="small" href="/runs">All runs</a>' in group
    form = text.partition('class="alike__operations"')[2].partition("</form>")[0]
    assert form.count('name="run" value=') == MOST_SHOWN + 1, "operations concern all of them"


def test_operators_retry_resume_or_cancel_at_once_what_is_stuck_for_the_same_reason(
    alice: User, dave: User, operators: Group
) -> None:
    grant("one_of_each", operators, "operate")
    failed, paused = ([ask("approval", by=alice).wait.run for _ in range(2)] for _ in range(2))
    Run.objects.filter(pk__in=[run.pk for run in failed]).update(
        status="failed", ended_at=clock.now(), error='{"message":"No ink.","type":"OSError"}'
    )
    for run in paused:
        pause_run(run.pk, by=dave, reason="Lunch.")
    client = browser(dave)

    first, second = shown(client.get("/overview")).split('class="alike__operations"')[1:]

    for form, runs, *words in (
        (first, paused, "Resume 2 runs…", "Cancel 2 runs…"),
        (second, failed, "Retry 2 runs…"),
    ):
        buttons = form.partition("</form>")[0]
        assert buttons.count("</button>") == len(words)
        assert all(one in buttons for one in words)
        assert all(f'name="run" value="{run.pk}"' in buttons for run in runs)
    chosen = {"operation": "retry", "run": [str(run.pk) for run in failed], "next": "/"}
    listed = shown(client.get("/runs/bulk", chosen))
    assert "Retry 2 runs</h1>" in listed
    assert '<a class="button" href="/" data-key="Escape" data-close>Close</a>' in listed
    sent = {**chosen, "run": [f"{run.pk}:failed" for run in failed], "reason": "There is ink."}
    assert '<a class="button button--main" href="/"' in shown(client.post("/runs/bulk", sent))
    resumed = {"operation": "unpause", "run": [str(run.pk) for run in (*paused, *failed)]}
    listed = shown(client.get("/runs/bulk", resumed))
    assert "Resume 2 runs</h1>" in listed
    assert listed.count("This run isn&#x27;t paused; it is queued.") == 2
    client.post("/runs/bulk", {**resumed, "reason": "Lunch is over."})
    assert [status_of(run) for run in paused] == ["waiting"] * 2


def test_operators_see_first_what_is_stuck(alice: User, bob: User, admin_user: User) -> None:
    ask("told", by=alice)

    for user, is_first in ((admin_user, True), (bob, False)):
        text = shown(browser(user).get("/"))
        assert (text.index('id="stuck-title"') < text.index('id="waiting-title"')) is is_first


def test_a_card_says_when_it_is_due(alice: User, bob: User) -> None:
    ask("told", by=alice)
    ask("approval", by=alice)

    text = shown(browser(bob).get("/"))

    assert text.count('class="request__due"') == 1
    assert 'data-due=""><local-time show="due"' in text
