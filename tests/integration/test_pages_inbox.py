"""The page of the inbox as people see it, without any script."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chat.inbox import Inbox, Tab, end_of_day, seen_by
from chat.models import HumanRequest
from chat.services import Answer, respond, save_draft, snooze_request
from dashboard.forms.snoozing import snooze_time
from dashboard.models import Preferences
from procedures.engine.errors import InputError
from procedures.models import Procedure
from procedures.models.clock import clock
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import HTMX, browser, shown

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def answerers(finance: Group, support: Group) -> None:
    grant("inbox_item", finance, "answer")
    grant("inbox_item", support, "start")


def ask(prompt: str = "Pay?", kind: str = "approval", **options: Any) -> HumanRequest:
    run = run_until_it_waits("inbox_item", prompt=prompt, kind=kind, options=options)
    return request_of(run)


def is_bold(text: str, request: HumanRequest) -> bool:
    row = text.partition(f'id="row-{request.pk}"')[2].partition(">")[0]
    assert "data-due" in row
    return "data-unseen" in row


def test_rows_stand_in_groups_and_say_until_when_and_for_whom(bob: User) -> None:
    late, plain = (
        ask("Late?", due="1h", risk="high", body="**Broken** lamp"),
        ask("Plain?", risk="low"),
    )
    HumanRequest.objects.filter(pk=late.pk).update(needed_at=clock.now() - HOUR)
    late.assignments.update(due_at=clock.now() - HOUR)

    text = shown(browser(bob).get("/inbox/?tab=groups"))

    assert text.index("Overdue <span") < text.index("Late?") < text.index("No deadline <span")
    assert text.index("No deadline <span") < text.rindex("Plain?")
    assert text.count('risk">high risk<') == 2, "on its row and on its card"
    assert "low risk" in shown(browser(bob).get(f"/requests/{plain.pk}"))
    assert '<bdi class="inbox-row__gist">Broken lamp</bdi>' in text
    assert is_bold(text, late)
    assert is_bold(text, plain)
    assert "1 of 2" in text


def test_without_a_choice_the_first_list_that_has_something_opens(bob: User) -> None:
    ask()
    text = shown(browser(bob).get("/inbox/"))
    assert '<a class="inbox__tab" href="/inbox/?tab=groups" aria-current="page">' in text


def test_opening_is_noted_by_a_post_and_a_get_changes_nothing(bob: User) -> None:
    request, client = ask(), browser(bob)
    client.get(f"/inbox/?request={request.pk}")
    assert seen_by(bob, [request.pk]) == set()

    assert client.post(f"/requests/{request.pk}/seen").status_code == 204

    assert seen_by(bob, [request.pk]) == {request.pk}
    assert not is_bold(shown(client.get("/inbox/?tab=groups")), request)
    respond(request.pk, Answer(True), by=bob)  # noqa: FBT003
    assert client.post(f"/requests/{request.pk}/seen").status_code == 204


def test_the_part_of_an_open_page_has_the_list_and_what_became_of_its_card(
    bob: User, finance: Group
) -> None:
    ann, request, client = create_person("ann", finance), ask("Release it?"), browser(bob)
    path = f"/inbox/rows?tab=groups&shown={request.pk}&version={request.version}"
    assert "receipt" not in shown(client.get(path, headers=HTMX))

    respond(request.pk, Answer(True, channel="page"), by=ann)  # noqa: FBT003

    text = shown(client.get(path, headers=HTMX))
    assert "Approved by ann" in text
    assert f"row-{request.pk}" not in text
    bob.groups.remove(finance)
    assert "no longer assigned to you" in shown(browser(bob).get(path, headers=HTMX))


def test_what_was_typed_elsewhere_stands_in_the_form(bob: User) -> None:
    request, client = ask(), browser(bob)
    client.post(f"/requests/{request.pk}/draft", {"comment": "Half a thought"})
    text = shown(client.get(f"/inbox/?request={request.pk}"))
    assert "Half a thought" in text
    assert 'version="1"' in text

    save_draft(request.pk, by=bob, values={"comment": ["Another"]}, version=1)
    stale = {"comment": "Mine", "draft_version": "1"}
    conflict = client.post(f"/requests/{request.pk}/draft", stale)

    assert (conflict.status_code, conflict.json()["version"]) == (409, 2)


def test_the_list_says_when_the_passing_of_time_changes_it(
    bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = ask(due="2h")
    ask(due="30d")

    def list_after(minutes: float) -> tuple[str, int]:
        monkeypatch.setattr(clock, "ahead", timedelta(minutes=minutes))
        page = browser(bob).get("/inbox/?tab=groups")
        row = shown(page).partition(f'id="row-{soon.pk}"')[2]
        return row.partition("</li>")[0], page.context["changes_in"]

    row, left = list_after(0)
    assert "data-look" not in row
    assert 0 < left <= 90 * 60
    row, left = list_after(91)
    assert 'data-look="near"' in row
    assert 0 < left <= 29 * 60
    row, left = list_after(121)
    assert 'data-due="overdue"' in row
    assert 'data-look="late"' in row
    assert left > 0


def test_the_page_snoozes_wakes_claims_and_releases(bob: User) -> None:
    request, client = ask(), browser(bob)
    path = f"/requests/{request.pk}"

    answer = client.post(f"{path}/snooze", {"until": "tomorrow", "back": "/inbox/?tab=mine"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/inbox/?tab=mine")
    assert Inbox(bob, Tab.SNOOZED).count() == 1
    elsewhere = {"until": "now", "back": "https://example.org/"}
    assert client.post(f"{path}/snooze", elsewhere).headers["Location"] == "/inbox/"
    assert Inbox(bob, Tab.SNOOZED).count() == 0
    assert client.post(f"{path}/snooze", {"until": "never"}).status_code == 409

    assert client.post(f"{path}/claim", headers=HTMX).status_code == 204
    assert Inbox(bob, Tab.MINE).count() == 1
    client.post(f"{path}/claim", {"release": "true"})
    assert Inbox(bob, Tab.MINE).count() == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hour", datetime(2026, 11, 27, 16, tzinfo=UTC)),
        ("evening", datetime(2026, 11, 27, 18, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 28, 9, tzinfo=UTC)),
        ("week", datetime(2026, 11, 30, 9, tzinfo=UTC)),
    ],
)
def test_times_have_names(name: str, expected: datetime) -> None:
    friday = datetime(2026, 11, 27, 15, tzinfo=UTC)
    with timezone.override("UTC"):
        assert snooze_time(name, friday) == expected
        assert snooze_time("evening", friday + 4 * HOUR).day == 28
        monday = snooze_time("week", datetime(2026, 11, 30, 15, tzinfo=UTC))
    assert monday == datetime(2026, 12, 7, 9, tzinfo=UTC)
    with pytest.raises(InputError):
        snooze_time("never", friday)


def sent(*requests: HumanRequest) -> list[str]:
    return [f"{one.pk}:{one.version}" for one in requests]


def test_several_are_listed_and_summed_before_they_are_answered(bob: User) -> None:
    first, second = ask("Refund 41.10 € for 2024-1187?"), ask("Refund 1,212.00 € for 2024-1102?")
    final, choice = ask("Delete?", irreversible=True), ask("Which?", "choice")
    client = browser(bob)
    chosen = {"request": sent(first, second, final, choice), "decision": "usual"}

    text = shown(client.get("/inbox/bulk", chosen))

    assert "Approve 2 requests" in text
    assert "1,253.10 € in total" in text or "1253.10 € in total" in text
    assert text.count('type="hidden" name="request"') == 2
    assert text.index("Not included") < text.index("Delete?") < text.index("separately")
    assert HumanRequest.objects.open().count() == 4


def test_exactly_those_that_were_listed_are_answered_and_reported(
    bob: User, finance: Group
) -> None:
    ann, client = create_person("ann", finance), browser(bob)
    plain, decided, moved, other = ask(), ask(), ask(), ask()
    listed = sent(plain, decided, moved)
    respond(decided.pk, Answer(True), by=ann)  # noqa: FBT003
    HumanRequest.objects.filter(pk=moved.pk).update(version=7)

    posted = {"request": listed, "decision": "other", "comment": "All of them."}
    text = shown(client.post("/inbox/bulk", posted))

    for result in ("applied", "already_decided", "needs_attention"):
        assert text.count(f'data-result="{result}"') == 1
    assert plain.responses.get().plain_value is False
    assert plain.responses.get().comment == "All of them."
    open_ones = HumanRequest.objects.open().values_list("pk", flat=True)
    assert set(open_ones) == {moved.pk, other.pk}


def test_a_dialog_gets_the_content_alone_with_what_follows_and_what_was_refused(bob: User) -> None:
    plain, held, vote = ask(), ask(undo="10s"), ask(quorum=2, undo="10s")
    needy, client = ask(comment_required_on="rejected"), browser(bob)
    chosen = {"request": sent(plain, held, vote, needy), "decision": "other"}

    listed = shown(client.get("/inbox/bulk", chosen, headers=HTMX))
    report = shown(client.post("/inbox/bulk", chosen, headers=HTMX))

    for text in (listed, report):
        assert text.startswith('<section class="bulk"')
    for told in (
        "1 of the answers is only a vote: others must agree, too.",
        "2 answers can be undone for a short time.",
        "2 answers count at once and can&#x27;t be taken back.",
        "1 of the answers needs a comment that says why.",
    ):
        assert f"<li>{told}</li>" in listed
    assert "Need your attention: 1 · Applied: 3" in report
    first = report.partition('data-result="needs_attention"')[2].partition("</li>")[0]
    assert f'data-request="{needy.pk}"' in first
    assert "needs a comment that says why." in first


def test_several_are_snoozed_at_once(bob: User) -> None:
    requests = [ask(), ask()]
    posted = {"request": sent(*requests), "decision": "snooze", "until": "week"}

    text = shown(browser(bob).post("/inbox/bulk", posted))

    assert text.count('data-result="applied"') == 2
    assert Inbox(bob, Tab.SNOOZED).count() == 2


def test_a_time_that_nobody_offers_snoozes_nothing_and_is_named(bob: User) -> None:
    posted = {"request": sent(ask()), "decision": "snooze", "until": "never"}

    text = shown(browser(bob).post("/inbox/bulk", posted))

    assert text.count('data-result="needs_attention"') == 1
    assert "one of the times that can be chosen" in text
    assert Inbox(bob, Tab.SNOOZED).count() == 0


def test_a_version_of_a_draft_that_is_no_number_counts_as_none(bob: User) -> None:
    path = f"/requests/{ask().pk}/draft"

    said = browser(bob).post(path, {"comment": "Mine", "draft_version": "9" * 5_000})

    assert (said.status_code, said.json()["version"]) == (200, 1)


def test_empty_lists_say_what_comes_next_or_what_narrows_them(bob: User) -> None:
    client = browser(bob)
    assert "Nothing is waiting for you." in shown(client.get("/inbox/"))
    snooze_request(ask().pk, by=bob, until=clock.now() + HOUR)
    assert "Nothing is waiting for you." in shown(client.get("/inbox/?tab=mine"))

    text = shown(client.get("/inbox/?tab=groups&risk=high&q=lamp"))

    assert "No matches</p>" in text
    assert "Clear High risk and “lamp”" in text
    assert Procedure.objects.filter(name="agreed").update(title="Close the depot")
    text = shown(client.get("/inbox/?tab=groups&kind=rating&procedure=agreed"))
    assert "Clear rating and agreed" in text, "the title is for those who may see the procedure"
    grant("agreed", bob.groups.get(), "see")
    text = shown(client.get("/inbox/?tab=groups&procedure=agreed"))
    assert "Clear Close the depot" in text
    unfiltered = shown(client.get("/inbox/?tab=mine&due=nonsense&q=+"))
    assert "Nothing is waiting for you.</p>" in unfiltered


def test_nonsense_in_the_address_is_left_out(bob: User) -> None:
    request = ask()
    text = shown(browser(bob).get("/inbox/?tab=x&due=x&risk=x&after=x&request=x&kind=%00"))
    assert f"row-{request.pk}" in text


def test_answers_that_somebody_has_lost_sight_of_are_left_out(bob: User, finance: Group) -> None:
    first, last = ask("Refund it?", assign="@bob"), ask("Replace it?")
    for one in (first, last):
        respond(one.pk, Answer(True, channel="page"), by=bob)  # noqa: FBT003
    bob.groups.remove(finance)

    text = shown(browser(bob).get("/inbox/?tab=done"))

    assert f'id="request-{first.pk}"' in text
    assert str(last.pk) not in text


def test_the_second_page_opens_its_own_first_request(bob: User) -> None:
    first, second, third = ask("One?"), ask("Two?"), ask("Three?")
    client, path = browser(bob), f"?tab=groups&after={first.pk}"

    for page in (f"/inbox/{path}", f"/inbox/first{path}"):
        text = shown(client.get(page))
        assert f'id="request-{second.pk}"' in text
        assert f'data-open="{third.pk}"' in text
        assert f'data-open="{first.pk}"' not in text
        assert "1 of 2" not in text


def test_today_is_the_same_day_on_the_page_and_in_the_api(bob: User) -> None:
    request, ends = ask("Soon?"), {}
    for zone in ("Etc/GMT+12", "Etc/GMT-14"):  # midnight is two hours later in one of them
        with timezone.override(zone):
            ends[zone] = end_of_day(clock.now())
    at = min(ends.values()) + HOUR
    HumanRequest.objects.filter(pk=request.pk).update(needed_at=at)
    request.assignments.update(due_at=at)
    client, program, path = browser(bob), caller(bob), "tab=groups&due=today"

    for zone, end in ends.items():
        is_today = at < end
        client.cookies["countersign_time_zone"] = zone
        assert (f"row-{request.pk}" in shown(client.get(f"/inbox/?{path}"))) == is_today
        assert bool(client.get(f"/api/inbox?{path}").json()["items"]) == is_today
        Preferences.objects.create(user=bob, time_zone=zone)
        assert bool(program.get(f"/api/inbox?{path}").json()["items"]) == is_today
        Preferences.objects.all().delete()


@pytest.mark.parametrize("name", ["../../etc/passwd", "Nowhere/Land", "", "x" * 5000])
def test_a_zone_that_is_none_is_left_out(bob: User, name: str) -> None:
    client = browser(bob)
    client.cookies["countersign_time_zone"] = name
    assert client.get("/inbox/").status_code == 200


def test_each_group_has_a_tab_with_its_count(bob: User, carol: User, support: Group) -> None:
    grant("inbox_item", support, "answer")
    bob.groups.add(support)
    ours = [ask("Pay?"), ask("Send?")]
    theirs = ask("Lost?", assign="support")
    client = browser(bob)

    text = shown(client.get("/inbox/?tab=groups"))
    chosen = shown(client.get("/inbox/?tab=groups&group=support"))

    tab = '<a class="inbox__tab inbox__tab--inner" href="/inbox/?tab=groups&amp;group={}"{}>'
    assert tab.format("finance", "") in text
    words = text.partition(tab.format("finance", ""))[2]
    assert words.startswith('<bdi>Finance</bdi> <span class="inbox__count">2</span></a>')
    assert tab.format("support", ' aria-current="page"') in chosen
    rows = [str(one.pk) in chosen.partition('id="inbox-list"')[2] for one in (*ours, theirs)]
    assert rows == [False, False, True]
    assert "?tab=groups&amp;group=support&amp;request=" in chosen, "its links keep it"
    answer = caller(bob).get("/api/inbox?tab=groups&group=support").json()
    assert [one["id"] for one in answer["items"]] == [str(theirs.pk)]
    assert "group=finance" not in shown(browser(carol).get("/inbox/")), "of somebody in no group"
    other = caller(carol).get("/api/inbox?tab=groups&group=support").json()
    assert other["items"] == []
