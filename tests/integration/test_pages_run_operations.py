"""Operations on a run's page: the people who are offered each, its words, its effect."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest
from procedures.models import Grant, Run
from procedures.runner import advance_run
from procedures.services import cancel_run, pause_run, retry_run, start_run
from tests import procedures
from tests.calls import grant, request_of, run_until_it_waits
from tests.operated import failed, offered, operated, perform, queued, words_of, worked_on
from tests.pages import browser, shown
from tests.procedures import saw
from tests.runs import answer, everything_about, status_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def changed(act: Callable[..., str], run: Run, by: User) -> Run:
    act(run.pk, by=by, reason="test")
    run.refresh_from_db()
    return run


def quarantined(error: str) -> Run:
    run = queued()
    Run.objects.filter(pk=run.pk).update(status="quarantined", error=error)
    return run


MISMATCH = '{"changed":"","message":"It differs.","type":"Mismatch","unread":[]}'
POISON = '{"message":"Three workers failed.","type":"Poison"}'
OFFERS: dict[str, tuple[Callable[[User], Run], list[str]]] = {
    "queued": (lambda _: queued(), ["pause", "fork", "cancel", "restart", "force_end"]),
    "running": (lambda _: worked_on(), ["pause", "fork", "cancel", "restart", "force_end"]),
    "paused": (
        lambda by: changed(pause_run, queued(), by),
        ["unpause*", "fork", "cancel", "restart", "force_end"],
    ),
    "pausing": (
        lambda by: changed(pause_run, worked_on(), by),
        ["unpause", "fork", "cancel", "restart", "force_end"],
    ),
    "cancelling": (
        lambda by: changed(cancel_run, worked_on(), by),
        ["fork", "restart", "force_end"],
    ),
    "failed": (lambda _: failed(), ["retry*", "fork", "restart"]),
    "cancelled": (lambda by: changed(cancel_run, queued(), by), ["fork", "restart"]),
    "mismatch": (
        lambda _: quarantined(MISMATCH),
        ["override*", "retry", "cancel", "fork", "restart", "force_end"],
    ),
    "poison": (
        lambda _: quarantined(POISON),
        ["retry*", "fork", "cancel", "restart", "force_end"],
    ),
}


@pytest.mark.parametrize("state", OFFERS)
def test_each_state_has_its_buttons_and_the_one_that_matters_is_filled(
    state: str, dave: User, operators: Group
) -> None:
    for name in ("two_steps", "broken_child"):
        operated(name, operators, "start")
    make, expected = OFFERS[state]

    assert offered(dave, make(dave)) == expected


def test_people_are_offered_what_their_roles_allow(
    dave: User, alice: User, carol: User, operators: Group, support: Group
) -> None:
    grant("two_steps", support, "start")
    operated("two_steps", operators)
    run = start_run("two_steps", {}, by=alice)[0]

    assert offered(dave, run) == ["pause", "cancel", "force_end"]
    assert offered(alice, run) == ["cancel"]
    assert browser(carol).get(f"/runs/{run.pk}/operations/pause").status_code == 404
    assert browser(carol).get(f"/runs/{run.pk}/operations").status_code == 404

    grant("two_steps", operators, "cancel")

    assert offered(alice, run) == []


def test_a_failed_run_is_retried_with_a_reason_and_the_page_says_so(
    dave: User, operators: Group
) -> None:
    operated("broken_child", operators)
    run = failed()

    page = shown(browser(dave).get(f"/runs/{run.pk}"))
    assert 'data-key="t" aria-keyshortcuts="t"><bdi>Retry from mend</bdi>' in page
    assert words_of(dave, run, "retry") == [
        "1 step is kept and isn't repeated.",
        "mend is tried again.",
    ]
    client = browser(dave)
    response = client.post(
        f"/runs/{run.pk}/operations/retry", {"reason": " The mail  server is back. "}
    )

    assert response.headers["Location"] == f"/runs/{run.pk}"
    assert status_of(run) == "queued"
    page = shown(client.get(f"/runs/{run.pk}"))
    assert "The run continues and tries mend again.</p>" in page
    advance_run(run.pk)
    page = shown(client.get(f"/runs/{run.pk}"))
    assert "“The mail server is back.”" in page
    assert "The run continues and tries mend again.</p>" not in page


@pytest.mark.parametrize(
    ("name", "make", "status"),
    [
        ("pause", queued, "paused"),
        ("cancel", queued, "cancelled"),
        ("force_end", worked_on, "cancelled"),
        ("retry", lambda: quarantined(POISON), "queued"),
        ("override", lambda: quarantined(MISMATCH), "queued"),
    ],
)
def test_each_operation_does_what_the_admin_and_the_api_do(
    name: str, make: Callable[[], Run], status: str, dave: User, operators: Group
) -> None:
    operated("two_steps", operators)
    run = make()

    assert perform(dave, run, name).status_code == 302

    assert status_of(run) == status
    advance_run(run.pk)
    page = shown(browser(dave).get(f"/runs/{run.pk}"))
    assert "<strong>dave</strong>" in page
    assert "“The mail server is back.”" in page


def test_a_paused_run_is_resumed_and_tells_what_has_arrived(
    dave: User, bob: User, operators: Group, finance: Group
) -> None:
    operated("question", operators)
    grant("question", finance, "answer")
    run = run_until_it_waits("question")
    perform(dave, run, "pause")
    answer(request_of(run), by=bob)
    run.refresh_from_db()

    assert words_of(dave, run, "unpause") == [
        "The run continues from where it stopped.",
        "The run uses 1 answer that has arrived in the meantime.",
    ]
    perform(dave, run, "unpause")

    assert status_of(run) == "queued"


def test_nothing_is_done_without_a_reason(dave: User, operators: Group) -> None:
    operated("broken_child", operators)
    run = failed()
    before = everything_about(run)

    for reason in ("", "  "):
        response = perform(dave, run, "retry", reason=reason)
        assert response.status_code == 422
        assert "Give a reason. It is recorded in the journal." in shown(response)
    response = perform(dave, run, "retry", reason="x" * 1001)

    assert response.status_code == 422
    assert "x" * 1001 in shown(response)
    assert everything_about(run) == before


def test_the_right_is_asked_at_the_moment_of_the_operation(dave: User, operators: Group) -> None:
    operated("broken_child", operators)
    grant("broken_child", operators, "see")
    run = failed()
    assert offered(dave, run) == ["retry*"]
    Grant.objects.filter(group=operators, role="operate").delete()
    before = everything_about(run)

    response = perform(dave, run, "retry")

    assert response.status_code == 403
    assert "You don&#x27;t have permission to do this." in shown(response)
    assert "The mail server is back." in shown(response)
    assert everything_about(run) == before


def test_a_run_that_changed_meanwhile_is_left_alone_and_nothing_typed_is_lost(
    dave: User, operators: Group
) -> None:
    operated("broken_child", operators)
    run = failed()
    retry_run(run.pk, by=dave, reason="First.")
    before = everything_about(run)

    late = perform(dave, run, "retry")
    assert late.status_code == 409
    assert "Only a failed or quarantined run can be retried; this one is queued." in shown(late)
    assert "Your reason was: “The mail server is back.”" in shown(late)
    assert everything_about(run) == before

    # Still possible, but no longer what the page described.
    stale = perform(dave, run, "cancel", **{"-phase": "paused"})
    assert stale.status_code == 409
    assert "The run has changed since you opened this." in shown(stale)
    assert 'value="The mail server is back."' in shown(stale)
    assert everything_about(run) == before
    fresh = perform(dave, run, "cancel", **{"-phase": "active"})
    assert fresh.status_code == 302


def test_a_cancel_says_which_questions_steps_and_children_it_concerns(
    dave: User, operators: Group
) -> None:
    operated("compensating", operators)
    operated("waiting_beside_a_child", operators)
    booked = run_until_it_waits("compensating")
    beside = run_until_it_waits("waiting_beside_a_child", fate="cancel")
    for child in Run.objects.filter(parent_wait__run=beside):
        advance_run(child.pk)

    assert words_of(dave, booked, "cancel") == [
        "1 open question is withdrawn.",
        "2 steps are undone.",
        "A cancelled run can't continue. It can only be forked or restarted.",
    ]
    assert words_of(dave, booked, "force_end") == [
        "The run ends at once, whatever it is doing.",
        "2 steps that a cancellation would undo stay as they are.",
        "1 open question is withdrawn.",
    ]
    assert words_of(dave, beside, "cancel") == [
        "2 open questions are withdrawn.",
        "1 child run is cancelled too.",
        "A cancelled run can't continue. It can only be forked or restarted.",
    ]
    assert "1 child run continues." in words_of(dave, beside, "pause")
    perform(dave, beside, "cancel")
    assert not HumanRequest.objects.filter(wait__run=beside).open().exists()


def test_the_last_reasons_can_be_chosen_again(dave: User, operators: Group) -> None:
    operated("two_steps", operators)
    run, client = queued(), browser(dave)
    address = f"/runs/{run.pk}/operations"
    for name, reason in (("pause", "Lunch."), ("unpause", "Back."), ("pause", "Lunch.")):
        client.post(f"{address}/{name}", {"reason": reason})

    page = shown(client.get(f"{address}/unpause"))
    chosen = re.findall(r'name="chosen" value="([^"]*)"', page)
    response = client.post(f"{address}/unpause", {"reason": " ", "chosen": "Back."})

    assert chosen == ["Lunch.", "Back."]
    assert response.status_code == 302
    assert status_of(run) == "queued"


def test_it_leads_back_to_where_it_was_asked_for_but_never_away(
    dave: User, operators: Group
) -> None:
    operated("two_steps", operators)

    for given, expected in (
        ("/runs?state=paused", "/runs?state=paused"),
        ("https://elsewhere.example/", None),
        ("//elsewhere.example/", None),
    ):
        run = queued()
        response = perform(dave, run, "pause", next=given)
        assert response.headers["Location"] == (expected or f"/runs/{run.pk}")


def test_looking_at_an_operation_changes_nothing(dave: User, operators: Group) -> None:
    operated("broken_child", operators, "start")
    run = failed()
    before = everything_about(run)

    for name in ("retry", "fork", "restart", "pause"):
        assert browser(dave).get(f"/runs/{run.pk}/operations/{name}").status_code == 200
    assert browser(dave).get(f"/runs/{run.pk}/operations/nonsense").status_code == 404
    assert everything_about(run) == before
    assert saw == []


def test_a_stuck_run_is_retried_from_its_row_on_home(dave: User, operators: Group) -> None:
    operated("broken_child", operators)
    run, client = failed(), browser(dave)
    row = f'href="/runs/{run.pk}/operations/retry?next=/"'

    assert row in shown(client.get("/"))
    dialog = shown(client.get(f"/runs/{run.pk}/operations/retry?next=/"))
    assert '<input type="hidden" name="next" value="/">' in dialog
    response = client.post(
        f"/runs/{run.pk}/operations/retry", {"reason": "It is back.", "next": "/"}
    )

    assert response.headers["Location"] == "/"
    home = shown(client.get("/"))
    assert "The run continues and tries mend again.</p>" in home
    assert row not in home


def test_rows_offer_nothing_to_whoever_may_only_see_the_run(
    alice: User, support: Group, operators: Group
) -> None:
    grant("broken_child", support, "see")
    run = failed()

    home = shown(browser(alice).get("/"))

    assert f'href="/runs/{run.pk}"' in home
    assert "/operations/" not in home
