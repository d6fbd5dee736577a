"""Files of messages: by the page with and without scripts, and by API; who may have them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from chat.models import Message, Searchable, Session
from chat.models.session import session_of
from chat.services import MOST_FILES, MessageError, open_session, sent_message_files
from procedures.files import path_of
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import start_run
from procedures.services.ledger import examine, examine_site
from tests.calls import JSON, caller, detail
from tests.configured import configure
from tests.pages import HTMX, browser, grant_to_both, queries_of, shown
from tests.talks import begin_talk

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CSV = b"order,amount\n1187,12\n"


def paper(name: str = "orders.csv", content: bytes = CSV, kind: str = "") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)


@pytest.fixture
def talk(alice: User, bob: User) -> Session:
    return begin_talk(alice, bob, title="Parcels")


def post(client: Client, talk: Session, **fields: Any) -> Any:
    given = {"text": "", "request": "", **fields}
    return client.post(f"/chat/{talk.pk}/messages", given, headers=HTMX)


def send_file(client: Client, talk: Session, file: SimpleUploadedFile) -> Any:
    return client.post(f"/chat/{talk.pk}/files", {"upload": file})


def token_in(response: Any) -> str:
    assert response.status_code == 201, response.content
    return shown(response).partition('value="')[2].partition('"')[0]


def test_files_are_sent_before_the_message_and_read_by_whoever_reads_it(
    talk: Session, alice: User, bob: User, carol: User
) -> None:
    client = browser(alice)
    tokens = [
        token_in(send_file(client, talk, paper(content=CSV))),
        token_in(send_file(client, talk, paper("<b>.png", PNG, "image/png"))),
    ]

    sent = post(client, talk, files=tokens)

    assert sent.status_code == 200, shown(sent)
    message = talk.messages.get()
    table, picture = message.files
    assert (table.name, table.size, picture.content_type) == ("orders.csv", 21, "image/png")
    page = browser(bob).get(f"/chat/{talk.pk}").content.decode()
    path = f"/messages/{message.pk}/files/{table.digest}"
    assert f'<a href="{path}" download="orders.csv">' in page
    assert (
        f'<img class="attachment__picture" src="/messages/{message.pk}/files/{picture.digest}"'
        in page
    )
    assert "&lt;b&gt;.png" in page
    assert "<bdi>orders.csv, &lt;b&gt;.png</bdi>" in shown(browser(bob).get("/chat"))
    got = browser(bob).get(path)
    assert got.content == CSV
    assert got["Content-Disposition"].startswith("attachment")
    assert got["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "<td>1187</td>" in shown(browser(bob).get(f"{path}/preview"))
    for other in (
        path,
        f"{path}/preview",
        f"/api/sessions/{talk.pk}/messages/{message.pk}/files/x",
    ):
        assert caller(carol).get(other).status_code in {302, 404}
        assert browser(carol).get(other).status_code in {401, 404}
    assert browser(bob).get(f"/messages/{message.pk}/files/{'0' * 64}").status_code == 404
    texts = Searchable.objects.get(message=message).text
    assert "orders.csv" in texts
    assert table.digest not in texts
    # They are where nothing is deleted, as uploads are that nobody has sent.
    assert default_storage.exists(path_of(table.digest))


def test_without_scripts_the_form_sends_them_and_keeps_all_that_it_can(
    talk: Session, alice: User, settings: Settings
) -> None:
    client = browser(alice)
    configure(settings, MAX_UPLOAD_MB=1)
    big, small = paper("big.bin", bytes(2**20 + 1)), paper()
    path = f"/chat/{talk.pk}/messages"

    refused = client.post(path, {"text": "See `this`", "request": "", "upload": [small, big]})

    assert refused.status_code == 422
    page = shown(refused)
    assert "big.bin is 1.0 MB; the limit is 1 MB." in page
    assert "See `this`</textarea>" in page
    assert not talk.messages.exists()
    token = page.partition('name="files" value="')[2].partition('"')[0]
    again = client.post(path, {"text": "See `this`", "request": "", "files": token})
    assert again.status_code == 302
    assert [file.name for file in talk.messages.get().files] == ["orders.csv"]


def test_a_file_whose_token_is_too_old_is_named(
    talk: Session, alice: User, settings: Settings
) -> None:
    token = token_in(send_file(browser(alice), talk, paper()))
    configure(settings, UPLOADS_KEPT=timedelta(seconds=-1))

    refused = post(browser(alice), talk, text="Hi", files=token)

    assert "The file “orders.csv” isn&#x27;t stored any more. Choose it again." in shown(refused)
    with pytest.raises(MessageError, match="The file “orders"):
        sent_message_files(talk, [token], by=alice)
    with pytest.raises(MessageError, match="One of the files isn't stored any more"):
        sent_message_files(talk, [""], by=alice)


def test_a_token_is_of_one_person_and_one_session_and_a_message_has_few_files(
    talk: Session, alice: User, bob: User
) -> None:
    other = begin_talk(alice, bob)
    token = token_in(send_file(browser(alice), talk, paper()))

    for client, session in ((browser(bob), talk), (browser(alice), other)):
        refused = post(client, session, text="Hi", files=token)
        assert refused.status_code == 422
        assert "One of the files isn&#x27;t stored any more. Choose it again." in shown(refused)
    many = [
        token_in(send_file(browser(alice), talk, paper(f"{n}.txt"))) for n in range(MOST_FILES + 1)
    ]
    refused = post(browser(alice), talk, text="Hi", files=many)
    assert "11 files; the limit is 10." in shown(refused)
    assert shown(refused).count('name="files"') == 11
    assert not Message.objects.filter(kind="person").exists()


def test_programs_send_files_and_repeat_their_message(
    talk: Session, alice: User, bob: User
) -> None:
    client, path = caller(alice), f"/api/sessions/{talk.pk}"
    made = client.post(f"{path}/files", {"file": paper()})
    assert made.status_code == 201, made.content
    said = {"files": [made.json()["token"]], "client_key": "k"}

    first = client.post(f"{path}/messages", said, JSON)
    again = client.post(f"{path}/messages", said, JSON)

    assert (first.status_code, again.status_code) == (201, 200), first.content
    assert again.json()["message"] == first.json()["message"]
    more = client.post(f"{path}/files", {"file": paper("b.txt", b"other")}).json()["token"]
    for files in ([more], [*said["files"], more]):
        refused = client.post(f"{path}/messages", {**said, "files": files}, JSON)
        assert "Use a new key." in detail(refused, 422)
    [file] = first.json()["message"]["posted"]["files"]
    where = f"{path}/messages/{first.json()['message']['id']}/files/{file['digest']}"
    assert caller(bob).get(where).content == CSV
    assert client.post(f"{path}/messages", {"files": ["x"]}, JSON).status_code == 422
    assert client.post(f"{path}/messages", {"text": " "}, JSON).status_code == 422
    few = len(queries_of(browser(alice), f"/chat/{talk.pk}"))
    token = token_in(send_file(browser(alice), talk, paper()))
    post(browser(alice), talk, files=token)
    assert len(queries_of(browser(alice), f"/chat/{talk.pk}")) == few


def sent_to(run: Run, by: User, *files: SimpleUploadedFile, text: str = "") -> Message:
    """Send a message with files to a run, as a program does."""
    program, path = caller(by), f"/api/sessions/{session_of(run)}"
    tokens = [program.post(f"{path}/files", {"file": one}).json()["token"] for one in files]
    body = {"text": text, "files": tokens, "reply_to": str(run.pk)}
    sent = program.post(f"{path}/messages", body, JSON)
    assert sent.status_code == 201, sent.content
    assert sent.json()["unheard"] == ""
    return Message.objects.get(pk=sent.json()["message"]["id"])


@pytest.mark.django_db(transaction=True)
def test_a_run_reads_the_files_of_messages_and_keeps_them(alice: User) -> None:
    grant_to_both("reading_sent_files")
    run, _ = start_run("reading_sent_files", {}, by=alice)
    sent_to(run, alice, paper(content=b"one"), paper("more.csv", b"two"), text="Both")
    advance_run(run.pk)
    sent_to(run, alice, paper("third.csv", b"three"))

    advance_run(run.pk)

    run.refresh_from_db()
    assert json.loads(run.result or "") == [
        ["Both", "orders.csv: one", "more.csv: two"],
        ["", "third.csv: three"],
    ]
    assert {one.name for one in run.artifacts.all()} == {"orders.csv", "more.csv", "third.csv"}
    assert examine(run).faults == []
    seen = browser(alice).get(f"/runs/{run.pk}")
    assert "third.csv" in shown(seen)


def test_the_record_misses_the_content_of_a_file_of_a_message(alice: User) -> None:
    client, (talk, _) = browser(alice), open_session("Parcels", by=alice)
    post(client, talk, text="See", files=[token_in(send_file(client, talk, paper()))])
    message = talk.messages.get(kind="person")
    assert list(examine_site()) == []

    default_storage.delete(path_of(message.files[0].digest))

    [lost] = map(str, examine_site())
    assert f"File orders.csv of message {message.pk}" in lost
    assert "missing in the file store" in lost
