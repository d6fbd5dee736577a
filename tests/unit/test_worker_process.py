import gc
from collections.abc import Iterator

import pytest
from celery.signals import worker_process_init

from dashboard import celery_app


@pytest.fixture
def _collector() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_collector")
def test_what_a_worker_has_imported_is_not_looked_through_again() -> None:
    worker_process_init.send(celery_app)

    assert gc.get_freeze_count() > 0
