"""The site's model for the agents of .tac files.

Each request to it is a call of `ask_model`, the step that other agents use, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from procedures.engine import Context
from programs.agents import Message, Reply, TextPart, UserMessage
from programs.agents.agent import USUAL_RETRY
from programs.agents.model_edge import NEEDED, Request, ask_model, model_of_site
from programs.lua.tactus.declared import DeclaredAgent

LONGEST = "10 min"
"""The maximum duration of one request."""
NO_MODEL = "The file's agents can't run, because the site has no model for agents. Set AGENT_MODEL."
NO_PACKAGE = f"The file's agents can't run. {NEEDED}"
CONTINUE = UserMessage(text="Continue.")


@dataclass(frozen=True)
class SiteModel:
    """The model to which the agents of a .tac file send their requests.

    `model` is a model of pydantic-ai or the name of one. With None, the setting AGENT_MODEL names
    the model.
    """

    model: Any = None

    def problem(self) -> str:
        """Return a sentence that says why no agent can run on this site, or ""."""
        if not (self.model or model_of_site()):
            return NO_MODEL
        return "" if find_spec("pydantic_ai") else NO_PACKAGE

    def ask(
        self,
        ctx: Context,
        agent: DeclaredAgent,
        prompt: str,
        session: Sequence[Mapping[str, Any]],
        results: Sequence[Message],
        *,
        name: str,
    ) -> Reply:
        """Send a request to the model in a step, which also records the cost of the request."""
        rules = [one["content"] for one in session if one["role"] == "SYSTEM"]
        messages = [*_spoken(session), *results]
        if not messages or isinstance(messages[-1], Reply):
            messages.append(CONTINUE)  # models answer, so somebody else has to speak last
        request = Request(
            agent.name,
            self.model,
            "\n\n".join(filter(None, [prompt, *rules])),
            messages,
            [one.spec for one in agent.tools],
            speaks=True,
            settings=agent.settings,
        )
        return ctx.step(ask_model, request, name=name, retry=USUAL_RETRY, timeout=LONGEST)


def _spoken(session: Sequence[Mapping[str, Any]]) -> Iterator[Message]:
    for one in session:
        if one["role"] == "USER":
            yield UserMessage(text=one["content"])
        elif one["role"] == "ASSISTANT":
            yield Reply(parts=(TextPart(text=one["content"]),), model="")
