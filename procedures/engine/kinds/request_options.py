"""The options that every question takes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypedDict

from procedures.engine.kinds.conditions import Risk
from procedures.engine.kinds.responses import Response
from procedures.engine.kinds.standing import Like
from procedures.engine.values.durations import Duration


class RequestOptions(TypedDict, total=False):
    """The options that every question takes.

    - `name`: the name of the wait, instead of the usual name of its kind.
    - `body`: Markdown below the prompt.
    - `evidence`: data shown with the prompt, in the author's order, and stored with the answer.
    - `assign`: a group "finance", a user "@name", a permission "perm:app.code", or a list of these;
      by default the procedure's answerers.
    - `expires`: a duration, counted from the time at which the question is asked. If nobody answers
      in this time, `default` counts as the answer. With `on_timeout` instead of `default`, "fail"
      raises `RequestExpiredError`, and "withdraw" makes the answer None.
    - `volatile`: names in the evidence ("read_at", "stock.read_at") whose values may be different
      on a replay. An answer then still counts, and belongs to the values that people were shown.
    - `metadata`: data stored with the question for programs; the data is shown to nobody, and no
      answer depends on it.
    - `irreversible`: True if an answer can't be undone. Then people must press twice, programs must
      confirm, and messages in the chat never count as answers.
    - `due`: a duration within which people should answer. The question stays open after that.
    - `remind`: a duration such as "4h", which is the interval of repeated reminders, or a list of
      durations such as ["1h", "1 day"], each of which is the time of a single reminder.
    - `escalate`: pairs of a duration and of assignees, such as [("4h", "managers")]. If nobody has
      answered after the duration, these assignees are asked as well.
    - `four_eyes`: True if the people who caused the question, and their deputies, can't answer it.
    - `quorum`: the number of people who must vote for the same decision. The question must be an
      approval, or a choice of one option.
    - `veto`: True if one rejection rejects an approval with `quorum`, however many people approve.
    - `undo`: a duration such as "10 min", within which the person who answers can undo the answer.
      The run continues only after that.
    - `comment_required_on`: decisions that need a comment: "approved" or "rejected" of an approval,
      a decision of a review, or an option of a choice.
    - `risk`: "low", "normal" or "high", which people see.
    - `ask_back`: True if people may send the question back instead of answering. Then the
      response's `outcome` is "changes_requested", and its `comment` is what they wrote.
    - `repeatable`: a `Like`, which describes later questions. The person who answers this question
      may then decide that the answer counts for those later questions, too.
    - `follows`: the response to an earlier question that somebody sent back. People see what that
      person wrote.
    """

    name: str
    body: str
    evidence: Any
    assign: str | Sequence[str]
    expires: Duration
    default: Any
    on_timeout: Literal["fail", "withdraw"]
    volatile: str | Sequence[str]
    metadata: Mapping[str, Any] | None
    irreversible: bool
    due: Duration
    remind: Duration | Sequence[Duration]
    escalate: Sequence[tuple[Duration, str | Sequence[str]]]
    four_eyes: bool
    quorum: int
    veto: bool
    undo: Duration
    comment_required_on: str | Collection[str]
    risk: Risk
    ask_back: bool
    repeatable: Like | None
    follows: Response[Any] | None


COMMON = frozenset(RequestOptions.__annotations__)
