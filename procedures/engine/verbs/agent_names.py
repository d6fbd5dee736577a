"""Verbs of the context under the names that agent programs use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procedures.engine import agent_api
from procedures.engine.agent_api import Checkpoints, HumanResponse
from procedures.engine.replay.fiber import Fiber
from procedures.engine.values.options import with_options


class AgentVerbs:
    """The methods of the context that have the names which agent programs already use."""

    _fiber: Fiber
    _checkpoints: Checkpoints

    @with_options("ctx.step_run")
    def step_run(self, name: str, fn: Callable[[], Any]) -> Any:
        """Run `fn()` as a step with that name, and store its result.

        The name may contain any characters. If `fn` raises an exception, this call raises an
        exception of the same type, also on a replay. Raises `StepFailedError` if the type of that
        exception can't be imported any more.
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
        """Ask people a question, and wait for the answer.

        `request_type` is "approval", "input", "review" or "escalation"; a review shows the draft in
        `metadata["artifact"]`. The first line of `message` is the prompt, and the rest is Markdown
        below the prompt. Other entries of `metadata` are stored for programs and shown to nobody.

        If nobody answers within `timeout_seconds`, `default_value` is the answer. With
        `timeout_seconds=None`, the question waits without a limit; with 0 or less, `default_value`
        is the answer at once. Raises `QuestionError` for an invalid question.
        """
        return agent_api.wait_for_human(
            self._fiber, request_type, message, timeout_seconds, default_value, (options, metadata)
        )

    @with_options("ctx.checkpoint_exists")
    def checkpoint_exists(self, name: str) -> bool:
        """Return True if `step_run` has stored a result of that name that hasn't been forgotten."""
        return self._checkpoints.exists(name)

    @with_options("ctx.checkpoint_get")
    def checkpoint_get(self, name: str) -> Any:
        """Return the last result that `step_run` stored under that name; None if there is none."""
        return self._checkpoints.get(name)

    @with_options("ctx.checkpoint_clear_after")
    def checkpoint_clear_after(self, name: str) -> None:
        """Forget the result of that name, and all results that were stored after it.

        `checkpoint_exists` then returns False for these names. The events of these results stay in
        the journal.
        """
        self._checkpoints.clear_after(name)

    @with_options("ctx.checkpoint_clear_all")
    def checkpoint_clear_all(self) -> None:
        """Forget all results of `step_run`; the events of these results stay in the journal."""
        self._checkpoints.clear_all()
