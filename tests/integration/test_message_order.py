"""Transcripts that were kept before messages had a place of their own."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chat.models import Message
from chat.services import post_message
from tests.pages import ask

BEFORE = [("chat", "0005_operate_requests")]


@pytest.fixture
def newest() -> Iterator[list[tuple[str, str]]]:
    """Where the migrations end, and where the database is left."""
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield leaves
    migrate(leaves)


def migrate(targets: list[tuple[str, str]]) -> None:
    MigrationExecutor(connection).migrate(targets)


@pytest.mark.django_db(transaction=True)
def test_earlier_messages_get_the_place_at_which_they_came(
    newest: list[tuple[str, str]], alice: User, bob: User
) -> None:
    session = ask("approval", by=alice).session
    for text in ("one", "two"):
        post_message(session, text, by=alice)
    places = dict(Message.objects.values_list("pk", "seq"))

    migrate(BEFORE)
    migrate(newest)

    assert dict(Message.objects.values_list("pk", "seq")) == places
    assert len(places) == 4
