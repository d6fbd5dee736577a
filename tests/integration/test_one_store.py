"""All processes of a site see one file store: a folder they share, or a bucket."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from pytest_django import Settings

from procedures.engine.errors import FileGoneError, FileStoreError
from procedures.files import MARK, ContentStore, path_of, store_mark
from procedures.models import Artifact, Installation, Run
from procedures.services import start_run, store_complaint
from tests.calls import caller, grant
from tests.conftest import StartWorker
from tests.processes import Worker, clock_worker, run_worker
from tests.runs import result_of, wait_for_success

pytestmark = pytest.mark.django_db(transaction=True)


def an_empty_folder(folder: Path) -> None:
    folder.mkdir()


def another_sites_folder(folder: Path) -> None:
    folder.mkdir()
    (folder / MARK).write_text("f" * 32)


def a_folder_that_is_not_there(folder: Path) -> None:
    assert not folder.exists()


KINDS = [an_empty_folder, another_sites_folder, a_folder_that_is_not_there]


@pytest.mark.parametrize("kind", [run_worker, pytest.param(clock_worker, marks=pytest.mark.soak)])
@pytest.mark.usefixtures("redis_server")
def test_a_host_with_a_folder_of_its_own_takes_no_work(
    kind: Callable[..., Worker], tmp_path: Path
) -> None:
    assert store_complaint() == ""
    process = kind(FILES_URL=str(tmp_path / "files"))

    with pytest.raises(RuntimeError, match="Give every host the same FILES_URL"):
        process.start()

    process.end()


@pytest.mark.parametrize("make", KINDS)
def test_nothing_is_kept_in_another_store_nor_missed_there(
    make: Callable[[Path], None], tmp_path: Path, settings: Settings
) -> None:
    """Also by processes that look at no mark when they start, such as the web."""
    digest = ContentStore().put(b"kept before")
    make(tmp_path / "files")
    use_folder(settings, tmp_path / "files")

    with pytest.raises(FileStoreError, match="Give every host the same FILES_URL"):
        ContentStore().put(b"kept by a stranger")
    with pytest.raises(FileStoreError, match="Give every host the same FILES_URL"):
        ContentStore().get(digest)
    with pytest.raises(FileStoreError, match="Give every host the same FILES_URL"):
        ContentStore().check()
    assert not list((tmp_path / "files").glob("artifacts/*/*"))


def test_a_file_sent_to_a_web_with_a_folder_of_its_own_is_not_taken(
    alice: User,
    support: Group,
    tmp_path: Path,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    grant("typed_inputs", support, "start")
    inputs = {"count": 1, "paper": SimpleUploadedFile("orders.csv", b"a;b")}
    before = Path(default_storage.path(""))
    use_folder(settings, tmp_path)

    refused = caller(alice).post("/api/procedures/typed_inputs/runs", inputs)

    assert refused.status_code == 503
    assert "Give every host the same FILES_URL" in caplog.text
    assert not Run.objects.exists()

    use_folder(settings, before)
    inputs["paper"] = SimpleUploadedFile("orders.csv", b"a;b")
    assert caller(alice).post("/api/procedures/typed_inputs/runs", inputs).status_code == 201


def use_folder(settings: Settings, folder: Path) -> None:
    use(settings, "django.core.files.storage.FileSystemStorage", location=str(folder))


def use(settings: Settings, backend: str, **options: str) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": options}}


def test_a_store_that_was_moved_is_adopted(tmp_path: Path, settings: Settings) -> None:
    """The place from which it was moved is the wrong one from then on."""
    before = Path(default_storage.path(""))
    (tmp_path / MARK).write_text(store_mark())  # with its files, the mark is copied, too
    use_folder(settings, tmp_path)

    call_command("adopt_store")

    assert store_complaint() == ""
    use_folder(settings, before)
    assert "belongs to another site" in store_complaint()
    call_command("adopt_store")
    assert store_complaint() == ""


def test_another_sites_store_keeps_its_name_when_it_is_adopted(
    tmp_path: Path, settings: Settings
) -> None:
    another_sites_folder(tmp_path / "files")
    use_folder(settings, tmp_path / "files")

    call_command("adopt_store")

    assert store_mark() == Installation.current().store == "f" * 32


def test_an_empty_mount_point_is_not_adopted(tmp_path: Path, settings: Settings) -> None:
    run, _ = start_run("handing_on", {}, by=None)
    Artifact.objects.create(run=run, name="one", digest=ContentStore().put(b"one"), size=3)
    use_folder(settings, tmp_path)

    with pytest.raises(CommandError, match="Mount or restore it"):
        call_command("adopt_store")


# A bucket


@pytest.fixture
def bucket(settings: Settings, tmp_path: Path) -> Path:
    """A stand-in for the service, with what it holds."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    use(settings, "tests.bucket.BucketStorage", folder=str(folder))
    call_command("adopt_store")
    return folder


def test_a_bucket_keeps_the_same_bytes_once(bucket: Path) -> None:
    digests = {ContentStore().put(content) for content in (b"one" * 100_000, b"one" * 100_000)}

    [digest] = digests
    assert ContentStore().get(digest) == b"one" * 100_000
    ContentStore().check()
    assert len(list(bucket.iterdir())) == 2, "the file and the mark; nothing that was tried"


def test_of_a_bucket_what_is_gone_is_told_from_what_is_away(bucket: Path) -> None:
    digest = ContentStore().put(b"one")
    default_storage.delete(path_of(digest))

    with pytest.raises(FileGoneError, match="is gone"):
        ContentStore().get(digest)

    bucket.rename(bucket.with_name("away"))

    with pytest.raises(FileStoreError, match="Could not connect"):
        ContentStore().get(digest)
    with pytest.raises(FileStoreError, match="Could not connect"):
        ContentStore().put(b"two")
    assert "(s3://countersign/site) can't be read: Could not connect" in store_complaint()


@pytest.mark.soak
def test_workers_with_folders_of_their_own_share_a_bucket(
    bucket: Path, worker: StartWorker, tmp_path: Path
) -> None:
    own = {"DJANGO_SETTINGS_MODULE": "tests.bucket_settings", "BUCKET": str(bucket)}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        worker(concurrency=1, LOCAL_DIR=str(tmp_path / name), **own)

    run = wait_for_success(start_run("handing_on", {}, by=None)[0])

    assert result_of(run) == '["milk","milk"]'
    assert not list(tmp_path.glob("*/files/artifacts"))
    assert len(list(bucket.glob("artifacts*"))) == 2
