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
    - `expires`: a duration, counted from the moment the question is asked. If nobody answers within
      it, `default` counts as the answer. With `on_timeout` instead of `default`, "fail" raises
      `RequestExpiredError`, and "withdraw" makes the answer None.
    - `volatile`: names in the evidence ("read_at", "stock.read_at") whose values may differ on a
      replay; the values that people were shown stay valid.
    - `metadata`: data stored with the question for programs; it is shown to nobody, and no answer
      depends on it.
    - `irreversible`: True if an answer can't be undone. Then people must press twice, programs must
      confirm, and messages in the chat never count as answers.
    - `due`: a duration within which people should answer. The question stays open after that.
    - `remind`: a duration such as "4h", after which people are reminded again and again, or a list
      of durations ["1h", "1 day"] at which they are reminded once each.
    - `escalate`: pairs of a duration and the people who are asked, too, after it, such as
      [("4h", "managers")].
    - `four_eyes`: True if the people who caused the question, and their deputies, can't answer it.
    - `quorum`: the number of people whose votes must agree on an approval, or on a choice of one
      option.
    - `veto`: True if one rejection of an approval with `quorum` rejects it.
    - `undo`: a duration for which an answer is held, so that the person can undo it. The run
      continues afterwards.
    - `comment_required_on`: decisions that need a comment: "approved" or "rejected" of an approval,
      a decision of a review, or an option of a choice.
    - `risk`: "low", "normal" or "high", which people see.
    - `ask_back`: True if people may ask back instead of answering. Then the response's `outcome` is
      "changes_requested", and its `comment` is what they wrote.
    - `repeatable`: a `Like`, which says for which later questions an answer counts, too, if the
      person who answers wants that.
    - `follows`: the response to an earlier question about which somebody asked back. People see
      what that person wrote.
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
