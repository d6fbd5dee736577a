"""Forms for operations on runs and requests. The admin and the pages use them."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from procedures.engine.values.sent import BodyError, read_json


class ReasonForm(forms.Form):
    """A form in which an operator gives the reason for an action."""

    required_css_class = "required"
    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("The journal records the reason and your name."),
    )


class LoggedReasonForm(ReasonForm):
    """A form for the reason for a change to people or access; the log keeps the reason."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("The log records the reason and your name.")


class RestartForm(ReasonForm):
    """A form for a restart: the reason, and the inputs to change."""

    inputs = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy(
            "A JSON object with the inputs to change, by name. All other inputs stay the same."
        ),
    )

    def clean_inputs(self) -> dict[str, Any]:
        try:
            inputs = read_json((self.cleaned_data["inputs"] or "{}").encode())
        except (BodyError, RecursionError):
            inputs = None
        if not isinstance(inputs, dict):
            raise forms.ValidationError(_("Enter a JSON object with the inputs by name."))
        return inputs


class ForkForm(RestartForm):
    """A form for a fork: the reason, the event from which to fork, and the inputs to change."""

    at = forms.CharField(
        max_length=200,
        help_text=lazy(
            "The key of a step, wait or child run, or the number of one of its events. "
            "Everything before it is kept and isn't repeated."
        ),
    )
    keep_answers = forms.BooleanField(
        required=False,
        initial=True,
        help_text=lazy(
            "Keep an answer if its question is the same. If unchecked, people are asked every "
            "question again."
        ),
    )


class SendSignalForm(LoggedReasonForm):
    """A form for a signal to several runs: its name, its value as JSON, and the reason."""

    signal_name = forms.CharField(label=lazy("Signal"), max_length=200)
    value = forms.CharField(
        label=lazy("Value"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy(
            "JSON, such as 12. To fill in a form instead, send the signal from the page of a run."
        ),
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput, initial=lambda: uuid4().hex)
    """The id of the signal, so that a form that is sent twice sends each run one signal."""
    field_order = ("signal_name", "value", "reason")

    def clean_value(self) -> Any:
        try:
            return read_json((self.cleaned_data["value"].strip() or "null").encode())
        except BodyError as error:
            raise forms.ValidationError(error.about_text) from None
        except RecursionError:
            raise forms.ValidationError(_("This JSON is nested too deeply.")) from None
