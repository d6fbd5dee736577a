"""Data about the people who have read a session, for pages and live frames."""

import json
from typing import Any

from chat.unread import Readers
from procedures.users import json_key


def readers_data(readers: Readers) -> dict[str, Any]:
    """Return each reader's key and name, and the number of the reader's last read message.

    Of a large session, return only how many people have read all messages.
    """
    if readers.count is not None:
        return {"count": readers.count}
    return {"named": [[json_key(key), name, seq] for key, name, seq in readers.named]}


def as_json(readers: Readers) -> str:
    return json.dumps(readers_data(readers), ensure_ascii=False)
