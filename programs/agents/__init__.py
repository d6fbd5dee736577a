"""Agents: models that use tools inside a procedure.

Each request to a model is a step of the run, and so is each call of a tool that is a function.
"""

from programs.agents.agent import Agent, AgentLimitError, AgentLimits, AgentResult
from programs.agents.messages import (
    Message,
    Reply,
    TextPart,
    ThoughtPart,
    ToolCall,
    ToolResult,
    ToolResults,
    Usage,
    UserMessage,
)
from programs.agents.running import run_agent
from programs.agents.servers import ToolServer, ToolServerError
from programs.agents.tools import Rule, Tool, ToolSpec

__all__ = [
    "Agent",
    "AgentLimitError",
    "AgentLimits",
    "AgentResult",
    "Message",
    "Reply",
    "Rule",
    "TextPart",
    "ThoughtPart",
    "Tool",
    "ToolCall",
    "ToolResult",
    "ToolResults",
    "ToolServer",
    "ToolServerError",
    "ToolSpec",
    "Usage",
    "UserMessage",
    "run_agent",
]
