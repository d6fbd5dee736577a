"""Answers from programs, over HTTP."""

from django.utils.translation import gettext_lazy as _

from chat.channels.answers import Answer, Inbound, StandingLimits
from chat.channels.channel import Channel


class Api(Channel):
    """Answers that programs send with a person's API token."""

    name = "api"
    phrase = _("through the API")

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer in a request body, which the route has validated."""
        body = inbound.content
        also = StandingLimits(body.also.uses, body.also.until) if body.also else None
        return Answer(
            body.value, body.comment, is_confirmed=body.confirm, reason=body.reason, also=also
        )
