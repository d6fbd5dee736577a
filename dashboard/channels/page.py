"""Answers from the form of a request, which is on its page and on cards in the chat and inbox."""

from typing import Any

from chat.channels import Answer, Channel, Inbound
from dashboard.forms.answer import AnswerForm


class Page(Channel):
    """The pages as a channel, which sends no notifications, because open pages are updated live."""

    name = "page"
    undoes = True

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer that a person has given in the form of a request."""
        form: AnswerForm = inbound.content
        if form.asks_back:
            return Answer(None, form.ask_back_text, asks_back=True, reason=form.reason)
        value = form.answer()
        details: dict[str, Any] = {"reason": form.reason, "also": form.also(), "seen": form.seen}
        return Answer(value, form.comment, is_confirmed=form.confirms(value), **details)
