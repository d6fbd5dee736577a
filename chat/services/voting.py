"""Votes on requests that several people must agree on."""

from collections.abc import Sequence
from typing import Any

from chat.assignments import people_of
from chat.models import HumanRequest, HumanResponse
from chat.models.rights import causers
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.votes import VOTES, Vote, decided
from procedures.users import json_key


def votes_on(request: HumanRequest) -> list[HumanResponse]:
    """Return the votes that count, in the order in which they were given."""
    return list(request.responses.filter(undone_at=None).select_related("user").order_by("pk"))


def is_decided(
    request: HumanRequest, question: Question, votes: Sequence[HumanResponse], value: Any, by: Any
) -> bool:
    """Return True if a new vote decides the request together with the earlier ones."""
    if question.quorum == 1:
        return True
    cast = [*(one.plain_value for one in votes), value]
    voted = {*(one.user_id for one in votes), by}
    return decided(question, cast, left=len(_voters(request) - voted))


def _voters(request: HumanRequest) -> set[Any]:
    """Return the keys of the active people who may vote."""
    asked = set(people_of(request.assignments.all()).values_list("pk", flat=True))
    if not request.four_eyes:
        return asked
    caused = causers(request.wait.run)
    return {pk for pk in asked if json_key(pk) not in caused}


def as_closing(votes: Sequence[HumanResponse]) -> dict[str, Any]:
    """Return the part of a closing that holds the votes, the deciding one last."""
    told = [Vote(one.user.get_username(), one.plain_value, one.comment, one.at) for one in votes]
    return {VOTES: [one.as_json() for one in told]}
