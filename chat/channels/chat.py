"""Answers typed as messages in a session."""

from django.utils.translation import gettext_lazy as _

from chat.channels.answers import Answer, Inbound
from chat.channels.channel import Channel
from procedures.engine.kinds.questions import Question


class Chat(Channel):
    """Answers that members type in the chat, after it has shown how it reads their words."""

    name = "chat"
    phrase = _("in the chat")

    def takes(self, question: Question) -> bool:
        return not (question.irreversible or question.fields)

    def parse(self, inbound: Inbound) -> Answer:
        return Answer(words=str(inbound.content), is_confirmed=True)
