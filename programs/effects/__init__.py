"""Programs of effects as procedures: nodes ask for effects, and handlers perform the effects."""

from programs.effects.limits import LimitWarning
from programs.effects.program import as_procedure
from programs.effects.shapes import (
    Effect,
    EffectOutcome,
    EffectType,
    RunState,
    RunStatus,
    StepPlan,
    WaitReason,
    WaitState,
    WorkflowSpec,
)
from programs.effects.visits import EffectError, PlanError

__all__ = [
    "Effect",
    "EffectError",
    "EffectOutcome",
    "EffectType",
    "LimitWarning",
    "PlanError",
    "RunState",
    "RunStatus",
    "StepPlan",
    "WaitReason",
    "WaitState",
    "WorkflowSpec",
    "as_procedure",
]
