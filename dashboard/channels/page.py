"""Answers from the form of a request, on a page, on a card in the chat or in the inbox."""

from typing import Any

from chat.channels import Answer, Channel, Inbound
from dashboard.forms.answer import AnswerForm


class Page(Channel):
    """The pages as a channel; they update live, so they need no notifications."""

    name = "page"
    undoes = True

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer that was typed into a request's form."""
        form: AnswerForm = inbound.content
        if form.asks_back:
            return Answer(None, form.ask_back_text, asks_back=True, reason=form.reason)
        value = form.answer()
        told: dict[str, Any] = {"reason": form.reason, "also": form.also(), "seen": form.seen}
        return Answer(value, form.comment, is_confirmed=form.confirms(value), **told)
