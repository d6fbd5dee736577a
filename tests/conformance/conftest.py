"""Every case runs over every storage: SQLite and memory; PostgreSQL by TEST_DATABASE."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import Exists, F, OuterRef

from procedures.engine.journal.events import RunStatus
from procedures.models import Run, Wait
from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend
from tests.conformance.database import DatabaseBackend

DATABASE = pytest.param(
    DatabaseBackend, id="database", marks=pytest.mark.django_db(transaction=True)
)


MEMORY = pytest.param(MemoryBackend, id="memory")
STORAGES = [DATABASE] if connection.vendor == "postgresql" else [MEMORY, DATABASE]


@pytest.fixture(params=STORAGES)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    backend: Backend = request.param()
    yield backend
    if isinstance(backend, DatabaseBackend):
        assert not misplaced(), "Lists look for these runs in the wrong place."


def misplaced() -> list[str]:
    """The waiting runs whose column for lists doesn't say whether they wait for people."""
    asked = Wait.objects.filter(run=OuterRef("pk"), kind="request", closed_at=None)
    asked = asked.filter(held_at=None, held_for=None)
    waiting = Run.objects.filter(status=RunStatus.WAITING).annotate(asks=Exists(asked))
    return [str(run.pk) for run in waiting.exclude(is_asking=F("asks"))]


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()
