"""The texts that steps have written; of a long text, the message contains only the beginning."""

import json

from chat.models import Message
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.payloads import written_in
from procedures.engine.values.files import use_file_store
from procedures.files import ContentStore
from procedures.models import Event


def whole_message(message: Message) -> str:
    """Return everything that a message says, as plain text: its text, its Markdown and its data."""
    parts = [written_text(message) or message.text, message.posted.get("body", "")]
    if (data := message.posted.get("data")) is not None:
        parts.append(json.dumps(data, ensure_ascii=False, indent=2))
    return "\n\n".join(filter(None, parts))


def written_text(message: Message) -> str:
    """Return the whole text that a step has written, if the message contains only its beginning.

    Return "" if the message contains the whole text.
    """
    if not message.posted.get("left_out"):
        return ""
    notices = Event.objects.filter(run=message.run_id, kind=EventKind.NOTICE)
    digest = message.posted["digest"]
    for event in notices.filter(key=message.posted["step"]).order_by("-seq"):
        if event.content.get("digest") == digest:
            with use_file_store(ContentStore()):
                return written_in(event.content)
    return ""
