import gc

from celery.signals import worker_process_init

from dashboard import celery_app


def test_what_a_worker_has_imported_is_not_looked_through_again() -> None:
    gc.unfreeze()

    worker_process_init.send(celery_app)

    assert gc.get_freeze_count() > 0
