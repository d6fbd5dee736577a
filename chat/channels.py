"""The channels by which the packages above deliver what is planned here.

Nothing is planned for a channel that nobody has registered.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.models import Mail

MAIL = "mail"
channels: dict[str, Callable[["Mail"], None]] = {}
"""By name: what words a planned notification and hands it over, or raises why it can't."""
