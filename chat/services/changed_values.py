"""Sentences about values that people have changed, and that others have to approve."""

from collections.abc import Iterator

from chat.models import HumanRequest, HumanResponse
from procedures.engine.kinds.questions import Question


def change_sentences(request: HumanRequest) -> Iterator[str]:
    """Yield sentences about the values that somebody has changed; none if nobody has."""
    change = request.change
    if change is None:
        return
    name, values = change.user.get_username(), changed_values(request.asked, change)
    yield f"{name} changed the values: {values}."
    for vote in outdated_by(request, change):
        yield f"The vote of {vote.user.get_username()} on the earlier values no longer counts."


def changed_values(asked: Question, change: HumanResponse) -> str:
    """Return the label of each changed value, with the original and the new value."""
    changes = asked.answers(change.plain_value)
    return "; ".join(f"{label}: {words}" for label, words in changes)


def outdated_by(request: HumanRequest, change: HumanResponse) -> list[HumanResponse]:
    """Return the votes that no longer count because of a change, oldest first."""
    return [one for one in request.responses.all() if one.undone_at == change.at]
