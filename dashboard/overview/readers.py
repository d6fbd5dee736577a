"""The readers of a session as pages and live frames get them."""

import json
from typing import Any

from chat.unread import Readers
from procedures.users import json_key


def readers_data(readers: Readers) -> dict[str, Any]:
    """Return each reader's key, name and number, or how many have read everything."""
    if readers.count is not None:
        return {"count": readers.count}
    return {"named": [[json_key(key), name, seq] for key, name, seq in readers.named]}


def as_json(readers: Readers) -> str:
    return json.dumps(readers_data(readers), ensure_ascii=False)
