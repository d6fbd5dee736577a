"""Procedures as graphs of steps, in Python and in YAML."""

from programs.graphs.contexts import GraphContext, StepExecution
from programs.graphs.data import DataConflictError
from programs.graphs.definitions import definition_graph
from programs.graphs.expressions import ConditionError
from programs.graphs.graph import graph
from programs.graphs.performing import GatewayError
from programs.graphs.steps import Ask, Chain, Gateway, Parallel, Signal, Wait, Work

__all__ = [
    "Ask",
    "Chain",
    "ConditionError",
    "DataConflictError",
    "Gateway",
    "GatewayError",
    "GraphContext",
    "Parallel",
    "Signal",
    "StepExecution",
    "Wait",
    "Work",
    "definition_graph",
    "graph",
]
