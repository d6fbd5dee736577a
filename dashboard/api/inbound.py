"""Answers that other services send, such as a messenger's server; each channel has an address."""

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from ninja.errors import AuthenticationError
from pydantic import Field

from chat import services
from chat.channels.answers import Inbound
from chat.channels.channel import UnknownSenderError
from chat.channels.registry import channels
from chat.schemas import ClosedOut, ResponseOut
from dashboard.api.auth import SignedInSession, Token
from dashboard.http.throttle import Attempt
from procedures.access import address_of, program_of
from procedures.schemas import refusals
from procedures.users import User

router = Router()


class ReceivedOut(Schema):
    """The response that was made from a message, and a sentence for the sender of the message."""

    message: str = Field(description="For the sender: a sentence about what was answered.")
    response: ResponseOut


class SentByChannel:
    """Authentication by a channel, which finds out who has sent a message from another service."""

    def __call__(self, request: HttpRequest) -> User | None:
        """Return the sender of the message.

        Return None if the channel doesn't authenticate senders; then the sender must have a token
        or a session of this site. Raises `AuthenticationError` if the channel doesn't know the
        sender.
        """
        channel = channels.get(name_of(request))
        if channel is None or not channel.is_open_to_outside:
            return None
        try:
            return services.sender_of(channel, inbound_of(request))
        except UnknownSenderError as error:
            attempt = Attempt.by(request, "channel")
            attempt.begin()
            attempt.fail()
            raise AuthenticationError from error


@router.post(
    "/channels/{name}/answers",
    auth=[SentByChannel(), Token(), SignedInSession()],
    response={201: ReceivedOut, 200: ReceivedOut, 409: ClosedOut, **refusals(403, 404, 413, 422)},
    summary="Answer through a site's own channel",
    operation_id="dashboard_api_create_answer",
)
def create_answer(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Authenticate the sender and read the body by the rules that the site has set for the channel.

    Return 201 with the response, or 200 if the same person sent the same answer before. Return 409
    if somebody else answered the request first.
    """
    channel = channels.get(name)
    if channel is None or not channel.is_open_to_outside:
        raise Http404
    sender: Any = request.auth  # type: ignore[attr-defined]
    response, is_new = services.receive(name, inbound_of(request, sender))
    answered = response.request
    words = f"Your message answered “{answered}”: {answered.asked.label_of(response.plain_value)}"
    if response.asks_back:
        words = f"You sent “{answered}” back."
    content = {"message": words, "response": response}
    return Status(201 if is_new else 200, content)


def name_of(request: HttpRequest) -> str:
    match = request.resolver_match
    return str(match.kwargs.get("name", "")) if match else ""


def inbound_of(request: HttpRequest, sender: User | None = None) -> Inbound:
    return Inbound(
        request.body,
        headers=request.headers,
        address=address_of(request),
        sender=sender,
        program=program_of(request),
    )
