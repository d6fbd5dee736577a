"""Votes that can't decide any more."""

import pytest
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest
from chat.services import note_stuck_votes, reassign_request, remind_people, undo_response
from chat.services.undecided import STUCK
from procedures.models.clock import clock
from procedures.services.ledger import examine
from tests.calls import grant
from tests.integration.test_votes import SECOND, ask, result_of, vote
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


def test_operators_hear_of_votes_that_nobody_is_left_to_decide(
    voters: list[User], carol: User, dave: User, operators: Group
) -> None:
    grant("chosen_together", operators, "operate")
    vera, victor, viola = voters
    viola.groups.clear()
    request = ask("chosen_together")
    vote(request, vera, "sea")
    assert alerts(request) == []

    vote(request, victor, "air")

    [alert] = alerts(request)
    assert alert.startswith(
        "“How?”: The votes can't decide any more, because too few of the people"
    )
    assert "too few of the people asked are left" in shown(
        browser(dave).get(f"/requests/{request.pk}")
    )
    assert examine(request.wait.run).faults == []
    reassign_request(request.pk, to="@carol", by=dave, reason="She decides.")
    request.refresh_from_db()
    assert request.note == ""
    vote(request, carol, "sea")
    assert result_of(request) == ["sea", 3]


def test_equal_votes_that_are_too_few_are_told_beside_the_earlier_note(voters: list[User]) -> None:
    vera, victor, viola = voters
    viola.groups.clear()
    request = ask(quorum=3, undo=True)
    earlier = request.note
    assert earlier == "3 people must agree, but only 2 can answer."
    vote(request, vera)
    assert alerts(request) == []  # victor can still reject

    vote(request, victor)

    request.refresh_from_db()
    assert request.note == f"{earlier} {STUCK}"
    assert alerts(request) == [f"“Pay 31 €?”: {STUCK}"]
    undo_response(request.pk, by=victor)
    request.refresh_from_db()
    assert request.note == earlier
    assert examine(request.wait.run).faults == []


def test_voters_who_leave_are_noticed_without_a_vote(voters: list[User], finance: Group) -> None:
    vera, victor, viola = voters
    request = ask("chosen_together")
    vote(request, vera, "sea")
    vote(request, victor, "air")
    note_stuck_votes()
    assert alerts(request) == []

    viola.groups.clear()
    for _ in range(2):
        note_stuck_votes()

    request.refresh_from_db()
    assert request.note == STUCK
    assert len(alerts(request)) == 1
    viola.groups.add(finance)
    note_stuck_votes()
    request.refresh_from_db()
    assert request.note == ""
    assert examine(request.wait.run).faults == []


def test_an_escalation_asks_somebody_who_can_decide(voters: list[User], carol: User) -> None:
    vera, victor, viola = voters
    viola.groups.clear()
    request = ask("chosen_together", then="@carol")
    vote(request, vera, "sea")
    vote(request, victor, "air")

    clock.ahead += 3601 * SECOND
    remind_people()

    request.refresh_from_db()
    assert request.note == "Nobody answered within 1 hour. Also asked: @carol."
    vote(request, carol, "air")
    assert result_of(request) == ["air", 3]


def alerts(request: HumanRequest) -> list[str]:
    return list(request.session.messages.filter(level="error").values_list("text", flat=True))
