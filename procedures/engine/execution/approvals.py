"""Steps that need an approval: people approve one exact step, and it runs once."""

from dataclasses import replace
from typing import Any

from procedures.engine.declaration.bound import Bound, bind_with_copies
from procedures.engine.errors import NotApprovedError, OptionError
from procedures.engine.kinds.responses import Response
from procedures.engine.replay.fiber import Fiber
from procedures.engine.values import canonical
from procedures.engine.values.spelling import short_repr
from procedures.engine.waits.later import Later


def approved(fiber: Fiber, bound: Bound[Any], decision: Response[bool]) -> Bound[Any]:
    """Return a copy of the bound step that holds the key of its approval.

    No other step can use this approval then. `decision` is the response that the author passed as
    `approved_by`. If people approved another step, or the same step with other arguments, they are
    asked again: the new question shows what the step would do now. Raises `NotApprovedError` if
    people didn't approve the step.
    """
    _check_decides(decision)
    if not bound.is_shown:
        bound = bind_with_copies((bound.fn, bound.args, dict(bound.kwargs), bound.options))
    evidence = bound.as_evidence()
    while decision and decision.question and not _serves(fiber, decision, bound, evidence):
        # Nobody may send this question back, because the code couldn't ask another one here.
        question = decision.question.rules.asked_again(decision.question, evidence)
        decision = Later(fiber).again(question).wait()
    if not decision or decision.question is None:
        raise NotApprovedError(bound.name)
    return replace(bound, approval=decision.key)


def _serves(fiber: Fiber, decision: Response[bool], bound: Bound[Any], evidence: Any) -> bool:
    """Return True if people approved exactly this step with exactly these arguments.

    The arguments are compared as JSON, in which 1, 1.0 and true differ. An approval that a step has
    already used stays valid for that step, even if the arguments have changed since then: the step
    has a stored result, so it doesn't run again with the other arguments.
    """
    step = fiber.scope.next_key(bound.name)
    if (served := fiber.recorder.served.get(decision.key)) is not None:
        return served == step
    asked = decision.question
    approves = asked.rules.approved_evidence(asked, decision.value) if asked else None
    return canonical.text_of(approves) == canonical.text_of(evidence)


def _check_decides(decision: object) -> None:
    """Raise `OptionError` unless `decision` is a response to a yes-or-no question."""
    if isinstance(decision, Response):
        question = decision.question
        if question is None or question.rules.approves or decision.value is True:
            return
    words = f"approved_by must be an answer from ctx.approve, not {short_repr(decision)}."
    raise OptionError(words)
