"""Admin acts that start new runs from the chosen ones."""

from typing import Any
from uuid import UUID

from django import forms

from dashboard.admin.operations import ReasonForm
from procedures.engine.values.sent import BodyError, read_json
from procedures.services import ForkPoint, fork_run, restart_run
from procedures.users import User


class RestartForm(ReasonForm):
    """A reason and the inputs to change."""

    inputs = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="As JSON: those that are other ones now, by name. The rest stays as it was.",
    )

    def clean_inputs(self) -> dict[str, Any]:
        try:
            inputs = read_json((self.cleaned_data["inputs"] or "{}").encode())
        except (BodyError, RecursionError):
            inputs = None
        if not isinstance(inputs, dict):
            raise forms.ValidationError("Write a JSON object: the inputs by name.")
        return inputs


class ForkForm(RestartForm):
    """A reason, the fork point, and the inputs and answers to use."""

    at = forms.CharField(
        max_length=200,
        help_text="The key of a step, wait or child run, or the number of an event of it. "
        "What stands before is kept and not done again.",
    )
    keep_answers = forms.BooleanField(
        required=False,
        initial=True,
        help_text="Ask people only what has changed; else all that they were asked before.",
    )


def restarted(run_id: UUID, *, by: User, reason: str, inputs: dict[str, Any]) -> str:
    run, _is_new = restart_run(run_id, by=by, reason=reason, inputs=inputs)
    return f"It stays as it is; {run} is started anew."


def forked(run_id: UUID, *, by: User, reason: str, **parting: Any) -> str:
    run, _is_new = fork_run(run_id, ForkPoint(**parting), by=by, reason=reason)
    return f"It stays as it is; {run} goes its own way from {run.forked_at} on."
