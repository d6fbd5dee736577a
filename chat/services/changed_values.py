"""Sentences about proposed values that one voter has changed, so that others must vote again."""

from collections.abc import Iterator

from chat.models import HumanRequest, HumanResponse
from procedures.engine.kinds.questions import Question


def change_sentences(request: HumanRequest) -> Iterator[str]:
    """Yield sentences about the change of the values that an open request proposes.

    The first sentence says who changed which values. The next ones name the people whose votes on
    the earlier values no longer count. Nothing is yielded if nobody has changed the values.
    """
    change = request.change
    if change is None:
        return
    name, values = change.user.get_username(), changed_values(request.asked, change)
    yield f"{name} changed the values: {values}."
    for vote in outdated_by(request, change):
        yield f"The vote of {vote.user.get_username()} on the earlier values no longer counts."


def changed_values(asked: Question, change: HumanResponse) -> str:
    """Return the changed values as a text: for each, its label, its original and its new value."""
    changes = asked.answers(change.plain_value)
    return "; ".join(f"{label}: {words}" for label, words in changes)


def outdated_by(request: HumanRequest, change: HumanResponse) -> list[HumanResponse]:
    """Return the votes on earlier values that `change` has made invalid, oldest first."""
    return [one for one in request.responses.all() if one.undone_at == change.at]
