"""Verbs of the context under the names that agent programs use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procedures.engine import agent_api
from procedures.engine.agent_api import Checkpoints, HumanResponse
from procedures.engine.replay.fiber import Fiber
from procedures.engine.values.options import with_options


class AgentVerbs:
    """The verbs under the names that agent programs know."""

    _fiber: Fiber
    _checkpoints: Checkpoints

    @with_options("ctx.step_run")
    def step_run(self, name: str, fn: Callable[[], Any]) -> Any:
        """Run `fn()` under any name and store its result.

        This is the signature that agent programs expect. An exception of `fn` is raised with its
        own type; if that type can't be found again, raises `StepFailedError`.
        """
        return self._checkpoints.step_run(name, fn)

    @with_options("ctx.wait_for_human")
    def wait_for_human(
        self,
        request_type: str,
        message: str,
        timeout_seconds: float | None = None,
        default_value: Any = None,
        options: Sequence[Mapping[str, Any]] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> HumanResponse:
        """Ask for an approval, an input, a review (of `metadata["artifact"]`) or help.

        The first line of `message` is the prompt, and the rest is Markdown below it. If nobody
        answers within `timeout_seconds`, `default_value` is the answer: at once for 0 or less,
        never for None. `metadata` is stored for programs and shown to nobody. Raises
        `QuestionError` for an invalid question.
        """
        return agent_api.wait_for_human(
            self._fiber, request_type, message, timeout_seconds, default_value, (options, metadata)
        )

    @with_options("ctx.checkpoint_exists")
    def checkpoint_exists(self, name: str) -> bool:
        """Return True if `step_run` has stored a result under that name before this call."""
        return self._checkpoints.exists(name)

    @with_options("ctx.checkpoint_get")
    def checkpoint_get(self, name: str) -> Any:
        """Return the last result that `step_run` has stored under that name, or None."""
        return self._checkpoints.get(name)

    @with_options("ctx.checkpoint_clear_after")
    def checkpoint_clear_after(self, name: str) -> None:
        """Forget the result under that name and all later results; the journal still has them."""
        self._checkpoints.clear_after(name)

    @with_options("ctx.checkpoint_clear_all")
    def checkpoint_clear_all(self) -> None:
        """Forget all results of `step_run`; the journal still has their events."""
        self._checkpoints.clear_all()
