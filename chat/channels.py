"""The channels by which the packages above deliver planned messages.

Nothing is planned for a channel that isn't registered.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.models import Mail

MAIL = "mail"
channels: dict[str, Callable[["Mail"], None]] = {}
"""The channels by name; each words and hands over a planned notification, or raises why not."""
