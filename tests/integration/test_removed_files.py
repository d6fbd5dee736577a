"""Files that only removed runs have used are deleted a day after them."""

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from chat.models import Message, Session
from chat.services import post_message
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore, path_of
from procedures.models import Run, StaleContent
from procedures.services import start_run, verify_journal
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import carry_on, finish, story
from tests.old_runs import DAYS, keep, later, left

pytestmark = pytest.mark.django_db


def test_files_go_a_day_later_unless_somebody_has_used_the_same_bytes(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    keep("audited")
    kept, content = run.artifacts.get().digest, b"Only in the session."
    with use_file_store(ContentStore()):
        file = File.store("note.txt", content)
    notice = Message.objects.filter(run=run, kind="notice").earliest("seq")
    post_message(Session.objects.get(), "See.", by=dave, reply_to=notice, files=[file])
    later(DAYS + 1)
    assert left() == set()
    assert default_storage.exists(path_of(kept))
    assert default_storage.exists(path_of(file.digest))

    again = story_of_others(dave)
    later(1.1)
    remove_old_runs()
    assert not default_storage.exists(path_of(file.digest))
    assert default_storage.exists(path_of(kept))
    assert verify_journal(again) == []
    assert not StaleContent.objects.exists()


def story_of_others(by: User) -> Run:
    """A run that keeps a file with the same bytes as `story` does."""
    run, _ = start_run("audited", {"note": "32"}, by=by)
    carry_on(run)
    return run
