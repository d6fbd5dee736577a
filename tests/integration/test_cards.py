"""Cards in frames of the inbox: the same that a page would read, and nobody else's."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Assignment, HumanRequest
from chat.services import claim_request, reassign_request, waiting_for, withdraw_request
from dashboard.live.cards import LONGEST_LIST, cards_for
from dashboard.live.concerned import RequestNews
from procedures.models import Run
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import HTMX, ask, browser
from tests.runs import answer
from tests.storm.elements import elements_of

pytestmark = pytest.mark.django_db
KINDS = (
    "approval",
    "told",
    "evidence",
    "choice",
    "many",
    "review",
    "form",
    "money",
    "date",
    "upload",
)
IN_OWN_ZONE = ("moment", "nested")
TOKEN = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken" value="\w+">')

DRAFT = re.compile(r'(<keep-draft name="request-[0-9a-f-]{36}-)\d+')


def brought(*people: User, since: tuple[HumanRequest, ...] = ()) -> dict[Any, Any]:
    """The content of frames for people for whom these requests waited before."""
    known = {one.pk: {request.pk for request in since} for one in people}
    return cards_for(waiting_for([one.pk for one in people]), since=known)


def read(user: User, *shown: HumanRequest) -> dict[str, str]:
    """The cards that the person's page reads, without what is only theirs."""
    query = {"shown": [str(one.pk) for one in shown]}
    html = browser(user).get("/requests/waiting", query, headers=HTMX).content.decode()
    return without_space(DRAFT.sub(r"\1", TOKEN.sub("", html)))


def without_space(html: str) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in elements_of(html).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_brings_the_card_that_the_page_would_read(
    kind: str, alice: User, bob: User
) -> None:
    asked = ask(kind, by=alice)

    frame = brought(bob)[bob.pk]

    assert frame["waiting"] == [str(asked.pk)]
    assert without_space(frame["cards"]) == read(bob)


@pytest.mark.parametrize("kind", IN_OWN_ZONE)
def test_a_card_with_moments_in_the_readers_zone_is_left_to_the_page(
    kind: str, alice: User, bob: User
) -> None:
    asked = ask(kind, by=alice)

    assert brought(bob)[bob.pk] == {"waiting": [str(asked.pk)], "cards": ""}
    assert len(read(bob)) == 1


def test_a_frame_brings_the_receipt_to_those_who_may_see_it(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    """Each gets a note in place of the answer or end of what isn't theirs any more."""
    answered, given = ask("approval", by=alice), ask("told", by=alice)
    for asked in (answered, given):
        reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")
    reassign_request(given.pk, to="finance", by=dave, reason="Back.")
    answer(answered, by=carol)
    withdraw_request(given.pk, by=dave, reason="Not needed.")

    both = (answered, given)
    frames = brought(bob, carol, since=both)

    for person in (bob, carol):
        assert frames[person.pk]["waiting"] == []
        assert without_space(frames[person.pk]["cards"]) == read(person, *both)
    assert "by carol" in frames[carol.pk]["cards"]
    assert "by carol" not in frames[bob.pk]["cards"]


def test_a_request_that_is_still_open_is_told_of_as_given_away(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    asked = ask("approval", by=alice)
    reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")

    frames = brought(bob, carol, since=(asked,))

    assert without_space(frames[bob.pk]["cards"]) == read(bob, asked)
    assert 'data-status="lost"' in frames[bob.pk]["cards"]
    assert frames[carol.pk] == {"waiting": [str(asked.pk)], "cards": ""}


def test_a_change_brings_the_card_to_those_for_whom_it_still_waits(
    alice: User, bob: User, carol: User, finance: Group, admin_user: User
) -> None:
    grant("agreed", finance, "answer")
    carol.groups.add(finance)
    voted, claimed = request_of(run_until_it_waits("agreed", quorum=2)), ask("approval", by=alice)
    shown = [f"{one.pk}:{one.version}" for one in (voted, claimed)]
    news, keys = RequestNews(), [bob.pk, carol.pk, admin_user.pk]
    news.read(set(), keys, is_check=True)
    answer(voted, by=carol)
    claim_request(claimed.pk, by=bob)

    told = news.read(set(), keys, readers=keys).cards
    read_again = browser(bob).get("/requests/waiting", {"shown": shown}, headers=HTMX)

    assert "waiting" in told[bob.pk]
    assert "waiting" not in told[admin_user.pk], "because of the reason that they need"
    cards = without_space(told[bob.pk]["cards"])
    assert [*cards] == [f"request-{one.pk}" for one in (voted, claimed)]
    assert '<span data-renewed="votes">1 of 2 votes</span>' in cards[f"request-{voted.pk}"]
    assert "<bdi>bob</bdi> has claimed this request" in cards[f"request-{claimed.pk}"]
    assert [one.pk for one in read_again.context["waiting"]] == [voted.pk, claimed.pk]


def test_a_page_whose_changed_card_a_frame_leaves_out_reads_its_list(
    alice: User, bob: User
) -> None:
    claimed = ask("moment", by=alice)
    news = RequestNews()
    news.read(set(), [bob.pk], is_check=True)
    claim_request(claimed.pk, by=bob)

    assert news.read(set(), [bob.pk], readers=[bob.pk]).cards[bob.pk] == {"cards": ""}


def test_a_person_for_whom_more_waits_than_a_list_has_reads_it(
    alice: User, bob: User, finance: Group
) -> None:
    for _ in range(LONGEST_LIST + 1):
        ask("approval", by=alice)

    assert brought(bob) == {}


def test_cards_cost_as_many_statements_for_many_people_and_changes_as_for_one(
    finance: Group,
) -> None:
    grant("one_of_each", finance, "answer", "see", "start")
    people = [User.objects.create_user(f"person{number}") for number in range(12)]
    finance.user_set.set(people)

    def ask_with_deadline() -> Run:
        """Each question has a deadline, whose nearness its card shows."""
        return run_until_it_waits("one_of_each", by=people[0], kind="told")

    def statements(readers: list[User], count: int) -> int:
        """The statements of a ring after so many requests were answered, and as many opened."""
        news, keys = RequestNews(), [one.pk for one in people]
        news.read(set(), keys, is_check=True)
        asked = [request_of(ask_with_deadline()) for _ in range(count)]
        news.read(set(), keys)
        for request in asked:
            answer(request, by=people[0])
        for _ in range(count):
            ask_with_deadline()
        with CaptureQueriesContext(connection) as captured:
            told = news.read(set(), keys, readers=[one.pk for one in readers])
        assert len(told.cards) == len(readers)
        for one in told.cards.values():
            assert one["cards"].count("<article") == 2 * count
        return len(captured)

    assert statements(people[:1], 1) == statements(people, 3) <= 24


def test_administrators_read_the_cards_that_ask_for_a_reason(
    alice: User, bob: User, admin_user: User
) -> None:
    asked, unasked = ask("approval", by=alice), ask("approval", by=alice)
    Assignment.objects.filter(request=unasked).delete()
    HumanRequest.objects.filter(pk=unasked.pk).update(is_unasked=True)

    frames = brought(bob, admin_user)

    assert f'id="request-{asked.pk}"' in frames[bob.pk]["cards"]
    assert f'id="request-{asked.pk}"' not in frames[admin_user.pk]["cards"]
    assert f'id="request-{unasked.pk}"' in frames[admin_user.pk]["cards"]
    assert 'name="reason"' in str(read(admin_user))
