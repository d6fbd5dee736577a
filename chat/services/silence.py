"""The consequences for a request that nobody answers."""

from chat.models import HumanRequest
from procedures.overview import fate_of


def silence_of(request: HumanRequest) -> str:
    """Return the consequences of silence in whole sentences, without the time."""
    return f"{request.asked.silence()} {fate_of(request.wait)}".strip()
