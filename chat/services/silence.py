"""What becomes of a request that nobody answers."""

from chat.models import HumanRequest
from procedures.overview import fate_of


def silence_of(request: HumanRequest) -> str:
    """In whole sentences, without the time."""
    return f"{request.asked.silence()} {fate_of(request.wait)}".strip()
