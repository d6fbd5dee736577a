"""The reader of .tac files and of specifications in them, and the agents that the files declare."""

from programs.lua.tactus.agents import AgentReply, AgentRequest, Model, ToolCall
from programs.lua.tactus.reader import read_tactus
from programs.lua.tactus.scenarios import Scenario, ScenarioResult, scenarios_of
from programs.lua.tactus.site_model import SiteModel

__all__ = [
    "AgentReply",
    "AgentRequest",
    "Model",
    "Scenario",
    "ScenarioResult",
    "SiteModel",
    "ToolCall",
    "read_tactus",
    "scenarios_of",
]
