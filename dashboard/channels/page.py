"""Answers by the form of a request, on its page, its card or in the list of what waits."""

from chat.channels import Answer, Channel, Inbound
from dashboard.forms.answer import AnswerForm


class Page(Channel):
    """The product's own pages, whose lists and counts are live: they need no notification."""

    name = "page"

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer that was typed into a request's form."""
        form: AnswerForm = inbound.content
        value = form.answer()
        return Answer(value, form.comment, is_confirmed=form.confirms(value))
