"""Files that were sent and not used: stored apart, and deleted after a time."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.storage import default_storage
from pytest_django import Settings

from chat.models import HumanRequest
from chat.services import withdraw_request
from procedures import services, tasks
from procedures.engine.errors import FileStoreError
from procedures.files import HOUR as HOUR_NAME
from procedures.files import MARK, ContentStore, path_of, remove_old_uploads, store_mark
from procedures.models import Artifact, Run
from procedures.models.clock import clock
from procedures.services.installation import Gate
from tests.calls import caller, detail, grant, respond
from tests.configured import configure
from tests.conftest import create_person
from tests.kind_pages import NESTED, paper, result_of, send
from tests.pages import HTMX, ask, browser, shown

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
KEPT = re.compile('name="(field-[a-z]+)" value="([^"]+)" checked')


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site's file store, in a folder of its own."""
    # What another test's store was found to be counts for a second.
    monkeypatch.setattr(services, "gate", Gate())
    (tmp_path / MARK).write_text(store_mark())
    backend = "django.core.files.storage.FileSystemStorage"
    options = {"location": str(tmp_path)}
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": options}}
    return tmp_path


@pytest.fixture
def request_(alice: User, bob: User) -> HumanRequest:
    """A question for a file, about which bob has sent one."""
    request = ask("uploads", by=alice)
    upload(bob, request, b"sent")
    return request


def upload(by: User, request: HumanRequest, content: bytes) -> dict[str, Any]:
    path = f"/api/requests/{request.pk}/files"
    found: dict[str, Any] = caller(by).post(path, {"file": paper(content=content)}).json()
    return found


def stored(folder: Path) -> list[bytes]:
    """All contents, of files that were only sent and of files of runs."""
    files = [*folder.glob("uploads/*/*"), *folder.glob("artifacts/*/*")]
    return sorted({one.read_bytes() for one in files})


def stays_open(_: HumanRequest) -> None:
    pass


def is_answered_by_another(request: HumanRequest) -> None:
    other = create_person("other", Group.objects.get(name="finance"))
    token = upload(other, request, b"used")["token"]
    assert respond(caller(other), request, [token]).status_code == 201
    assert '"name":"a.txt"' in result_of(request)


def is_withdrawn(request: HumanRequest) -> None:
    withdraw_request(request.pk, by=User.objects.create_superuser("root"), reason="Not needed.")


@pytest.mark.parametrize("change", [stays_open, is_answered_by_another, is_withdrawn])
def test_a_file_that_answers_nothing_is_deleted_after_a_day_and_one_that_does_stays(
    request_: HumanRequest, folder: Path, change: Callable[[HumanRequest], None]
) -> None:
    change(request_)
    used = [b"used"] if change is is_answered_by_another else []
    assert stored(folder) == [b"sent", *used]

    clock.ahead += 23 * HOUR
    tasks.remove_uploads("whatever a broker delivers")
    assert stored(folder) == [b"sent", *used]
    clock.ahead += 3 * HOUR
    tasks.remove_uploads()
    tasks.remove_uploads()

    assert stored(folder) == used
    assert list(folder.glob("uploads/*")) == []
    for file in Artifact.objects.filter(run=request_.wait.run):
        path = f"/requests/{request_.pk}/files/{file.digest}"
        assert browser(User.objects.get(username="bob")).get(path).content == b"used"


def test_what_runs_have_stored_stays_if_somebody_sends_the_very_same(
    request_: HumanRequest, bob: User, folder: Path
) -> None:
    ContentStore().put(b"a large value")
    upload(bob, request_, b"a large value")
    upload(bob, request_, b"a later value")
    ContentStore().put(b"a later value")

    clock.ahead += 26 * HOUR
    remove_old_uploads()

    assert stored(folder) == [b"a large value", b"a later value"]


def test_the_site_says_how_long_a_file_can_be_used(
    request_: HumanRequest, bob: User, folder: Path, settings: Settings
) -> None:
    token = upload(bob, request_, b"late")["token"]
    configure(settings, UPLOADS_KEPT=timedelta(seconds=-1))

    assert respond(caller(bob), request_, [token]).status_code == 422
    clock.ahead += 2 * HOUR
    remove_old_uploads()

    assert stored(folder) == []


def test_an_answer_with_a_file_that_was_lost_asks_for_it_again(
    request_: HumanRequest, bob: User, folder: Path
) -> None:
    token = upload(bob, request_, b"lost")["token"]
    for one in folder.glob("uploads/*/*"):
        one.unlink()

    refused = respond(caller(bob), request_, [token])

    assert detail(refused, 422) == "The file “a.txt” isn't stored any more. Send it again."
    request_.refresh_from_db()
    assert request_.is_open


def test_the_form_of_an_answer_forgets_only_the_file_that_was_lost(
    alice: User, bob: User, folder: Path
) -> None:
    request, client = ask("nested", by=alice), browser(bob)
    files = {"field-scan": paper(content=b"here"), "field-photos": paper("b.txt", b"lost")}
    first = shown(send(client, request, **{**NESTED, "field-to.city": ""}, **files))
    sent = dict(KEPT.findall(first))
    next(one for one in folder.glob("uploads/*/*") if one.read_bytes() == b"lost").unlink()

    refused = send(client, request, **NESTED, **sent)

    assert refused.status_code == 422
    assert "The file “b.txt” isn&#x27;t stored any more. Send it again." in shown(refused)
    assert dict(KEPT.findall(shown(refused))) == {"field-scan": sent["field-scan"]}
    assert send(client, request, **NESTED, **{"field-scan": sent["field-scan"]}).status_code == 200


def test_an_answer_that_does_not_fit_leaves_its_file_for_a_day_only(
    request_: HumanRequest, bob: User, folder: Path
) -> None:
    token = upload(bob, request_, b"sent")["token"]

    assert respond(caller(bob), request_, [token, "no file"]).status_code == 422
    assert not [*folder.glob("artifacts/*/*")]


def test_a_start_that_was_refused_leaves_its_file_for_a_day_only(
    alice: User, support: Group, folder: Path
) -> None:
    grant("typed_inputs", support, "start")
    page = "/procedures/typed_inputs"
    sent = {"count": "no number", "paper": paper(content=b"for a run")}
    refused = browser(alice).post(page, sent, headers=HTMX)
    assert refused.status_code == 422
    assert stored(folder) == [b"for a run"]

    token = shown(refused).partition('name="-file-paper" value="')[2].partition('"')[0]
    started = browser(alice).post(page, {"count": "3", "-file-paper": token})
    assert started.status_code == 302
    clock.ahead += 26 * HOUR
    remove_old_uploads()

    assert stored(folder) == [b"for a run"]
    assert default_storage.exists(path_of(Artifact.objects.get().digest))


def test_a_file_is_stored_for_longer_than_its_token_is_valid(
    request_: HumanRequest, folder: Path
) -> None:
    """A token is signed later than its file is stored, perhaps in the next hour."""
    stored_in = next(folder.glob("uploads/*"))
    end = datetime.strptime(stored_in.name, HOUR_NAME).replace(tzinfo=UTC) + 26 * HOUR

    clock.ahead += end - clock.now() - timedelta(minutes=1)
    remove_old_uploads()
    assert stored(folder) == [b"sent"]

    clock.ahead += timedelta(minutes=2)
    remove_old_uploads()
    assert stored(folder) == []


PAGE, TOKEN = "/procedures/typed_inputs", re.compile('name="-file-paper" value="([^"]+)"')


def test_a_kept_file_is_offered_no_longer_than_it_is_stored(
    alice: User, support: Group, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form sends the first token again; a new one would outlive the content."""
    grant("typed_inputs", support, "start")
    client = browser(alice)
    with monkeypatch.context() as earlier:
        an_hour_ago = SimpleNamespace(time=lambda: time.time() - 3600)
        earlier.setattr("django.core.signing.time", an_hour_ago)
        first = shown(client.post(PAGE, {"count": "many", "paper": paper()}))
    [token] = TOKEN.findall(first)
    again = {"count": "many", "-file-paper": token}
    assert TOKEN.findall(shown(client.post(PAGE, again))) == [token]

    configure(settings, UPLOADS_KEPT=timedelta(seconds=-1))
    late = client.post(PAGE, again | {"count": "3"})

    assert late.status_code == 422
    assert "The file “a.txt” isn&#x27;t stored any more. Send it again." in shown(late)
    assert not TOKEN.findall(shown(late))
    assert not Run.objects.exists()


def test_a_start_with_a_file_that_was_lost_asks_for_it_again(
    alice: User, support: Group, folder: Path
) -> None:
    grant("typed_inputs", support, "start")
    client = browser(alice)
    [token] = TOKEN.findall(shown(client.post(PAGE, {"count": "many", "paper": paper()})))
    for one in folder.glob("uploads/*/*"):
        one.unlink()

    refused = client.post(PAGE, {"count": "3", "-file-paper": token})

    assert refused.status_code == 422
    assert "The file “a.txt” isn&#x27;t stored any more. Send it again." in shown(refused)
    assert not TOKEN.findall(shown(refused))
    assert client.post(PAGE, {"count": "3", "paper": paper()}).status_code == 302


def test_a_start_forgets_only_the_file_that_was_lost(
    alice: User, support: Group, folder: Path
) -> None:
    grant("nested_inputs", support, "start")
    client, page = browser(alice), "/procedures/nested_inputs"
    files = [paper("b.txt", b"lost"), paper("c.txt", b"here")]
    refused = shown(client.post(page, {"to.city": "", "photos": files}))
    kept = re.findall(r'name="photos" value="([^"]+)" checked', refused)
    for one in folder.glob("uploads/*/*"):
        if one.read_bytes() == b"lost":
            one.unlink()

    lost = shown(client.post(page, {"to.city": "Ulm", "photos": kept}))

    assert "The file “b.txt” isn&#x27;t stored any more. Send it again." in lost
    assert re.findall(r'name="photos" value="([^"]+)" checked', lost) == kept[1:]
    assert client.post(page, {"to.city": "Ulm", "photos": kept[1:]}).status_code == 302


def test_nothing_is_deleted_in_the_store_of_another_site(
    request_: HumanRequest, folder: Path
) -> None:
    (folder / MARK).write_text("f" * 32)
    clock.ahead += 26 * HOUR

    with pytest.raises(FileStoreError, match="belongs to another site"):
        remove_old_uploads()
    tasks.remove_uploads()

    assert stored(folder) == [b"sent"]
