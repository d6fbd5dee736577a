"""Answers typed as messages in a session."""

from django.utils.translation import gettext_lazy as _

from chat.channels.answers import Answer, Inbound
from chat.channels.channel import Channel
from procedures.engine.kinds.questions import Question
from procedures.engine.values.attachments import takes_files


class Chat(Channel):
    """Text messages in a session that reply to a question.

    Every such message counts as confirmed. If the words of a message could be understood in several
    ways, the page has already shown to the message's author how the words will be understood.
    """

    name = "chat"
    phrase = _("in the chat")
    undoes = True

    def takes(self, question: Question) -> bool:
        return not (question.irreversible or question.fields or takes_files(question.schema))

    def parse(self, inbound: Inbound) -> Answer:
        return Answer(words=str(inbound.content), is_confirmed=True)
