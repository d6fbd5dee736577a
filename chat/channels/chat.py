"""Answers typed as messages in a session."""

from django.utils.translation import gettext_lazy as _

from chat.channels.answers import Answer, Inbound
from chat.channels.channel import Channel
from procedures.engine.kinds.questions import Question


class Chat(Channel):
    """Words that members type below a question; what they mean has been shown to them before."""

    name = "chat"
    phrase = _("in the chat")

    def takes(self, question: Question) -> bool:
        return not (question.irreversible or question.fields)

    def parse(self, inbound: Inbound) -> Answer:
        return Answer(words=str(inbound.content), is_confirmed=True)
