"""Answers from programs, over HTTP."""

from django.utils.translation import gettext_lazy as _

from chat.channels.answers import Answer, Inbound
from chat.channels.channel import Channel


class Api(Channel):
    """Programs that answer with a token of a person."""

    name = "api"
    phrase = _("through the API")

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer in a body of the route's schema."""
        body = inbound.content
        return Answer(body.value, body.comment, is_confirmed=body.confirm)
