"""Operators act on several runs from the list, and read the errors of one run."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.services.bulk import MOST_AT_ONCE
from procedures.models import Event, Run
from procedures.services import pause_run, retry_run
from tests import procedures
from tests.calls import grant, run_until_it_waits
from tests.pages import HTMX, browser, shown
from tests.runs import everything_about, status_of

pytestmark = pytest.mark.django_db(transaction=True)
BOX = 'class="run-line__box" data-choice name="run" value="{run.pk}" form="runs-bulk"'


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


@pytest.fixture
def failed(operators: Group, support: Group) -> list[Run]:
    """Runs that dave may operate and alice may see."""
    grant("broken_child", operators, "operate")
    grant("broken_child", support, "see")
    return [run_until_it_waits("broken_child") for _ in range(3)]


def test_rows_have_boxes_for_whoever_may_operate_their_runs(
    failed: list[Run], alice: User, dave: User, support: Group, operators: Group
) -> None:
    grant("two_steps", operators, "see")
    other = run_until_it_waits("two_steps")

    for_alice, for_dave = (shown(browser(one).get("/runs")) for one in (alice, dave))

    assert all(BOX.format(run=run) in for_dave for run in failed)
    assert f'id="run-row-{other.pk}"' in for_dave
    assert BOX.format(run=other) not in for_dave
    assert "run-line__box" not in for_alice
    assert "runs-bulk" not in for_alice


def test_several_runs_are_listed_and_retried_for_one_reason(failed: list[Run], dave: User) -> None:
    first, second, third = failed
    waiting, client = run_until_it_waits("question"), browser(dave)
    runs = [*(str(run.pk) for run in (first, second, waiting)), "nonsense"]
    chosen = {"operation": "retry", "run": runs}
    before = everything_about(first)

    listed = shown(client.get("/runs/bulk", chosen))
    assert "Retry 2 runs</h1>" in listed
    assert "1 run isn't there any more, or you don't have access." in listed
    assert everything_about(first) == before
    sent = [f"{first.pk}:failed", f"{second.pk}:active", f"{waiting.pk}:active"]
    unreasoned = client.post("/runs/bulk", {"operation": "retry", "run": sent}, headers=HTMX)
    assert unreasoned.status_code == 422
    assert "Give a reason." in shown(unreasoned)
    assert status_of(first) == "failed"
    posted = {"operation": "retry", "run": sent, "reason": "It is back."}
    report = shown(client.post("/runs/bulk", posted, headers=HTMX))

    assert report.startswith('<section class="bulk"')
    assert "Left as they are: 1 · Done: 1" in report
    refused, done = report.split("<li ")[1:]
    assert f'data-request="{second.pk}"' in refused
    assert "The run has changed since you opened this." in refused
    assert f'data-request="{first.pk}"' in done
    assert [status_of(run) for run in failed] == ["queued", "failed", "failed"]
    assert third.pk not in Event.objects.filter(kind="operator").values_list("run", flat=True)


def test_what_cannot_be_done_is_left_out_and_refused(failed: list[Run], alice: User) -> None:
    pause = {"operation": "cancel", "run": [f"{failed[0].pk}:failed"], "reason": "Enough."}

    listed = shown(browser(alice).get("/runs/bulk", pause))
    report = shown(browser(alice).post("/runs/bulk", pause))

    why_not = "You don&#x27;t have permission to do this. Operators of Broken child can."
    assert why_not in listed
    path = f"/runs/{failed[0].pk}/operations/cancel"
    assert why_not in shown(browser(alice).get(path))
    assert 'data-result="needs_attention"' in report
    assert 'data-result="applied"' not in report


def test_several_runs_are_cancelled(dave: User, operators: Group) -> None:
    grant("question", operators, "operate")
    runs = [run_until_it_waits("question") for _ in range(2)]
    pause_run(runs[1].pk, by=dave, reason="Lunch.")
    sent = [f"{runs[0].pk}:active", f"{runs[1].pk}:paused"]

    posted = {"operation": "cancel", "run": sent, "chosen": "Lunch."}
    report = shown(browser(dave).post("/runs/bulk", posted))

    assert report.count('data-result="applied"') == 2
    assert [status_of(run) for run in runs] == ["cancelled", "cancelled"]


def test_rights_are_read_once_for_all_chosen_runs(
    failed: list[Run], dave: User, operators: Group
) -> None:
    grant("question", operators, "cancel")
    waiting, client = [run_until_it_waits("question") for _ in range(3)], browser(dave)

    def listed(*runs: Run) -> tuple[str, int]:
        chosen = {"operation": "cancel", "run": [str(run.pk) for run in runs]}
        with CaptureQueriesContext(connection) as captured:
            return shown(client.get("/runs/bulk", chosen)), len(captured)

    _, few = listed(failed[0], waiting[0])
    text, many = listed(*failed, *waiting)

    assert few == many
    assert "Cancel 3 runs</h1>" in text


def test_what_was_undone_is_found_at_once_for_all_chosen_runs(
    failed: list[Run], dave: User, operators: Group
) -> None:
    client = browser(dave)
    last = failed[-1].events.last()
    assert last
    undone = Event.objects.filter(pk=last.pk)

    def listed(*runs: Run) -> tuple[str, int]:
        chosen = {"operation": "retry", "run": [str(run.pk) for run in runs]}
        with CaptureQueriesContext(connection) as captured:
            return shown(client.get("/runs/bulk", chosen)), len(captured)

    _, few = listed(failed[0])
    undone.update(key="undo/pay")
    text, many = listed(*failed)

    assert few == many
    assert f"Retry {len(failed) - 1} run" in text


@pytest.mark.parametrize(("path", "name"), [("/runs/bulk", "run"), ("/inbox/bulk", "request")])
def test_what_was_chosen_beyond_the_most_at_once_is_counted(
    path: str, name: str, dave: User
) -> None:
    chosen = {name: [f"{uuid4()}:1" for _ in range(MOST_AT_ONCE + 2)], "reason": "Enough."}

    listed = shown(browser(dave).get(path, chosen))
    report = shown(browser(dave).post(path, chosen))

    assert f"{MOST_AT_ONCE} {name}s aren't there any more" in listed
    for text in (listed, report):
        assert "2 more were chosen. At most 100 are handled at once" in text


def test_only_errors_are_listed_if_one_asks_for_them(failed: list[Run], dave: User) -> None:
    run, client = failed[0], browser(dave)
    first, last = f'id="event-{run.pk}-1"', "</code> failed"

    for path in (f"/runs/{run.pk}", f"/runs/{run.pk}/journal"):
        whole, errors = shown(client.get(path)), shown(client.get(f"{path}?events=errors"))
        assert first in whole
        assert first not in errors
        assert last in errors.partition('class="journal"')[2]
        assert 'data-only="errors"' in errors
        assert 'data-only="errors"' not in whole
    fine = run_until_it_waits("question")
    grant("question", dave.groups.get(), "see")
    assert "There are no errors." in shown(client.get(f"/runs/{fine.pk}?events=errors"))


def test_a_retry_reads_the_journal_of_the_run_once(failed: list[Run], dave: User) -> None:
    journal = f'FROM "{Event._meta.db_table}"'  # noqa: SLF001 (Django documents it)

    with CaptureQueriesContext(connection) as captured:
        retry_run(failed[0].pk, by=dave, reason="It is back.")

    read = [one["sql"] for one in captured if journal in one["sql"]]
    assert len(read) == 1, read
    assert status_of(failed[0]) == "queued"
