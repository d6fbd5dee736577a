"""Several brokers: a message goes to the first one that can be reached."""

import pytest
from kombu import Connection

from dashboard import celery_app
from procedures.dispatch import Messenger


def test_a_message_goes_to_the_next_broker_if_the_first_one_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", "redis://127.0.0.1:1/0;memory://")
    messenger = Messenger()

    messenger.send(("failover", (1,)))
    messenger.queue.join()  # however long the first one takes

    with Connection("memory://") as connection, connection.SimpleQueue("runs") as arrived:
        assert arrived.get(block=False).headers["task"] == "failover"
