"""Files in answers and under review: sent, kept, replaced, and served to whom they concern."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape
from pytest_django import Settings

from chat.services import undo_response
from dashboard.channels.letter import letter_about
from procedures.models import Artifact
from procedures.runner import advance_run
from procedures.services import ForkPoint, fork_run, verify_journal
from tests.calls import caller, request_of, respond, run_until_it_waits
from tests.configured import configure
from tests.kind_pages import NESTED, page, paper, result_of, send, value_of
from tests.pages import ask, browser, grant_to_both, shown

pytestmark = pytest.mark.usefixtures("bob")


def test_a_file_is_sent_by_the_form(alice: User, bob: User) -> None:
    request, client = ask("upload", by=alice), browser(bob)
    text = page(client, request)
    assert 'type="file" accept="text/*"' in text
    assert "Accepted: any text. At most 1 kB." in text

    receipt = send(client, request, value=paper())

    file = Artifact.objects.get(run=request.wait.run)
    assert (file.name, file.size) == ("a.txt", 3)
    assert value_of(request)["digest"] == file.digest
    assert f'href="/requests/{request.pk}/files/{file.digest}"' in shown(receipt)
    assert '"name":"a.txt"' in result_of(request)
    assert verify_journal(request.wait.run) == []


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (
            SimpleUploadedFile("a.pdf", b"x", content_type="application/pdf"),
            "a.pdf has the type PDF. Send any text.",
        ),
        (paper(content=b"x" * 1025), "the limit is 1 kB"),
        ("", "This must be an uploaded file."),
        ("forged", "This must be an uploaded file."),
    ],
)
def test_what_is_no_such_file_is_refused(alice: User, bob: User, sent: Any, sentence: str) -> None:
    request = ask("upload", by=alice)
    refused = send(browser(bob), request, value=sent)
    assert refused.status_code == 422
    assert sentence in shown(refused)
    assert not Artifact.objects.filter(run=request.wait.run).exists()


def test_a_file_beyond_the_sites_limit_is_refused(
    settings: Settings, alice: User, bob: User
) -> None:
    configure(settings, MAX_UPLOAD_MB=1)
    request = ask("uploads", by=alice)
    refused = send(browser(bob), request, value=paper(content=b"x" * (1024**2 + 1)))
    assert refused.status_code == 413
    assert "the limit is 1 MB" in shown(refused)


def test_files_are_kept_when_something_else_is_wrong(alice: User, bob: User) -> None:
    request, client = ask("nested", by=alice), browser(bob)
    fields = {**NESTED, "field-to.city": ""}
    files = {"field-scan": paper(), "field-photos": [paper("b.txt"), paper("c.txt", b"two")]}

    refused = send(client, request, **fields, **files)
    text = shown(refused)
    assert refused.status_code == 422
    for name in ("a.txt", "b.txt", "c.txt"):
        assert f"<strong>{name}</strong> was sent." in text
    tokens = re.findall(r'name="(field-[a-z]+)" value="([^"]+)" checked', text)
    assert [name for name, _ in tokens] == ["field-scan", "field-photos", "field-photos"]

    kept = {"field-scan": tokens[0][1], "field-photos": [token for _, token in tokens[1:]]}
    send(client, request, **NESTED, **kept)
    assert [one["name"] for one in value_of(request)["photos"]] == ["b.txt", "c.txt"]
    assert value_of(request)["scan"]["name"] == "a.txt"
    assert Artifact.objects.filter(run=request.wait.run).count() == 3


def test_files_are_kept_when_a_row_is_added_and_a_new_one_replaces_a_single_one(
    alice: User, bob: User
) -> None:
    request, client = ask("nested", by=alice), browser(bob)
    files = {"field-scan": paper(), "field-photos": paper("b.txt")}

    more = shown(send(client, request, **NESTED, **files, **{"add-row": "lines"}))
    assert all(f"<strong>{name}</strong> was sent." in more for name in ("a.txt", "b.txt"))
    tokens = dict(re.findall(r'name="(field-[a-z]+)" value="([^"]+)" checked', more))
    both = [tokens["field-scan"], paper("new.txt")]
    less = shown(send(client, request, **NESTED, **{"field-scan": both, "drop-row": "lines.0"}))
    assert "<strong>new.txt</strong> was sent." in less
    assert "a.txt" not in less
    send(client, request, **NESTED, **{"field-scan": [tokens["field-scan"], paper("new.txt")]})

    assert value_of(request)["scan"]["name"] == "new.txt"


def test_a_file_that_was_sent_too_long_ago_says_so_at_its_field(
    settings: Settings, alice: User, bob: User
) -> None:
    request, client = ask("nested", by=alice), browser(bob)
    api = caller(bob)
    token = api.post(f"/api/requests/{request.pk}/files", {"file": paper()}).json()["token"]
    configure(settings, UPLOADS_KEPT=timedelta(0))
    sentence = "The file “a.txt” isn't stored any more. Send it again."

    page = shown(send(client, request, **NESTED, **{"field-scan": token}))
    told = respond(api, request, {"scan": token, "photos": [token]})

    assert f'<p class="field__fault">{escape(sentence)}</p>' in page
    assert "must be an uploaded file" not in page
    assert told.status_code == 422
    faults = {one["field"]: one["message"] for one in told.json()["faults"]}
    assert (faults["scan"], faults["photos.0"]) == (sentence, sentence)


def test_programs_send_files_first_and_answer_with_their_tokens(alice: User, bob: User) -> None:
    request, api = ask("uploads", by=alice), caller(bob)
    path = f"/api/requests/{request.pk}/files"
    sent = [api.post(path, {"file": paper(name)}) for name in ("a.txt", "b.txt")]
    assert [one.status_code for one in sent] == [201, 201]
    assert (sent[0].json()["name"], sent[0].json()["size"]) == ("a.txt", 3)

    tokens = [one.json()["token"] for one in sent]
    first, second = respond(api, request, tokens), respond(api, request, tokens)
    assert (first.status_code, second.status_code) == (201, 200)
    assert [one["name"] for one in first.json()["value"]] == ["a.txt", "b.txt"]
    got = api.get(f"{path}/{sent[0].json()['digest']}")
    assert (got.status_code, got.content) == (200, b"one")
    assert got["Content-Disposition"].startswith("attachment")


def test_a_token_counts_for_its_person_and_its_request(
    alice: User, bob: User, carol: User, finance: Group
) -> None:
    carol.groups.add(finance)
    mine, other = ask("uploads", by=alice), ask("uploads", by=alice)
    sent = caller(bob).post(f"/api/requests/{mine.pk}/files", {"file": paper()}).json()

    assert respond(caller(carol), mine, [sent["token"]]).status_code == 422
    assert respond(caller(bob), other, [sent["token"]]).status_code == 422
    described = {name: sent[name] for name in ("name", "digest", "size", "content_type")}
    assert respond(caller(bob), mine, [described]).status_code == 422
    assert respond(caller(bob), mine, [sent["token"]]).status_code == 201


def test_who_is_not_asked_sends_no_files(alice: User, carol: User, bob: User) -> None:
    request = ask("upload", by=alice)
    path = f"/api/requests/{request.pk}/files"
    assert caller(alice).post(path, {"file": paper()}).status_code == 403
    assert caller(carol).post(path, {"file": paper()}).status_code == 404
    approval = ask("approval", by=alice)
    wrong = caller(bob).post(f"/api/requests/{approval.pk}/files", {"file": paper()})
    assert (wrong.status_code, wrong.json()["detail"]) == (
        422,
        "This request doesn't ask for a file.",
    )
    send(browser(bob), request, value=paper())
    assert caller(bob).post(path, {"file": paper()}).status_code == 409


def test_a_file_is_reviewed_and_replaced(alice: User, bob: User) -> None:
    request, client = ask("file", by=alice), browser(bob)
    old = Artifact.objects.get(run=request.wait.run)
    text = page(client, request)
    assert f'href="/requests/{request.pk}/files/{old.digest}" download="paper.csv"' in text
    preview = shown(client.get(f"/requests/{request.pk}/files/{old.digest}/preview"))
    assert '<th scope="col">name</th><th scope="col">count</th>' in preview
    assert "<td>lamp</td><td>2</td>" in preview
    assert "There is a file to review: paper.csv" in letter_about(request, to=bob).text

    receipt = shown(send(client, request, decision="approved", file=paper("new.csv", b"a;b")))
    assert "Edited" in receipt or "edited" in receipt
    assert "new.csv" in receipt
    assert "Compare both files" in receipt
    changes = shown(client.get(f"/requests/{request.pk}/file-changes"))
    assert 'data-kind="gone"><del>name;count</del>' in changes
    assert 'data-kind="new"><ins>a;b</ins>' in changes
    assert '"name":"new.csv"' in result_of(request)


def test_of_two_answers_the_one_that_counts_is_compared(alice: User, bob: User) -> None:
    request, client = ask("undoable file", by=alice), browser(bob)
    send(client, request, decision="approved", file=paper("new.csv", b"a;b"))
    undo_response(request.pk, by=bob)
    assert client.get(f"/requests/{request.pk}/file-changes").status_code == 404

    send(client, request, decision="approved", file=paper("newer.csv", b"c;d"))

    changes = shown(client.get(f"/requests/{request.pk}/file-changes"))
    assert "<ins>c;d</ins>" in changes
    assert "<ins>a;b</ins>" not in changes


def test_there_are_no_changes_without_another_file(alice: User, bob: User, carol: User) -> None:
    request, client = ask("file", by=alice), browser(bob)
    path = f"/requests/{request.pk}/file-changes"
    assert client.get(path).status_code == 404
    assert "Compare both files" not in shown(send(client, request, decision="approved"))
    assert client.get(path).status_code == 404
    assert browser(carol).get(path).status_code == 404


def test_only_files_that_a_request_shows_are_served(alice: User, bob: User, carol: User) -> None:
    request, other = ask("file", by=alice), ask("approval", by=alice)
    digest = Artifact.objects.get(run=request.wait.run).digest
    for path in ("", "/preview"):
        assert browser(bob).get(f"/requests/{request.pk}/files/{digest}{path}").status_code == 200
        assert browser(bob).get(f"/requests/{other.pk}/files/{digest}{path}").status_code == 404
        assert browser(carol).get(f"/requests/{request.pk}/files/{digest}{path}").status_code == 404
    for odd in ("0" * 64, "x", "%00", digest[:-1]):
        assert browser(bob).get(f"/requests/{request.pk}/files/{odd}").status_code == 404


def test_a_picture_that_could_run_code_is_only_downloaded(
    alice: User, bob: User, finance: Group
) -> None:
    request = ask("uploads", by=alice)
    svg = SimpleUploadedFile("a.svg", b"<svg onload='x'/>", content_type="image/svg+xml")
    receipt = shown(send(browser(bob), request, value=svg))
    assert "<img" not in receipt
    (link,) = set(re.findall(rf'href="(/requests/{request.pk}/files/[0-9a-f]+)"', receipt))
    got = browser(bob).get(link)
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"].startswith("attachment")


def test_a_fork_takes_over_the_file_of_an_answer(alice: User, bob: User, admin_user: User) -> None:
    request = request_of(run_until_it_waits("reads_paper", by=alice))
    send(browser(bob), request, value=paper())
    assert result_of(request) == '"ONE"'
    assert verify_journal(request.wait.run) == []

    fork, _is_new = fork_run(
        request.wait.run_id, ForkPoint("shout"), by=admin_user, reason="Once more."
    )
    advance_run(fork.pk)

    fork.refresh_from_db()
    assert (fork.status, fork.result) == ("succeeded", '"ONE"')
    assert fork.artifacts.get().name == "a.txt"
    assert verify_journal(fork) == []


def test_an_irreversible_answer_with_a_file_is_confirmed(alice: User, bob: User) -> None:
    grant_to_both("final_answers")
    request = request_of(run_until_it_waits("final_answers", by=alice, kind="upload"))
    client = browser(bob)

    armed = shown(send(client, request, value=paper()))
    assert "Press again to decide for good" in armed
    assert not request.responses.exists()
    (token,) = re.findall(r'name="value" value="([^"]+)" checked', armed)
    (confirms,) = re.findall(r'name="confirms" value="([^"]+)"', armed)

    send(client, request, value=token, confirms=confirms)
    assert value_of(request)["name"] == "a.txt"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\b.txt", "b.txt"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("<b>.txt", "<b>.txt"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_the_name_of_a_file_is_made_plain(alice: User, bob: User, name: str, kept: str) -> None:
    request = ask("uploads", by=alice)
    receipt = shown(send(browser(bob), request, value=paper(name)))
    assert value_of(request)[0]["name"] == kept
    assert "<b>" not in receipt.partition('class="receipt')[2]


def test_a_page_that_was_uploaded_is_never_shown(alice: User, bob: User) -> None:
    request = ask("uploads", by=alice)
    page_file = SimpleUploadedFile("a.html", b"<script>x</script>", content_type="text/html")
    send(browser(bob), request, value=page_file)
    digest = value_of(request)[0]["digest"]

    got = browser(bob).get(f"/requests/{request.pk}/files/{digest}")
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"].startswith("attachment")
    assert got["X-Content-Type-Options"] == "nosniff"
    preview = browser(bob).get(f"/requests/{request.pk}/files/{digest}/preview")
    assert preview.status_code == 404


def test_a_preview_shows_the_beginning_of_any_bytes_as_text(alice: User, bob: User) -> None:
    request = ask("uploads", by=alice)
    content = b"<b>one</b>\x00\xff\n" + b"line\n" * 40_000
    send(browser(bob), request, value=paper(content=content))
    digest = value_of(request)[0]["digest"]

    text = shown(browser(bob).get(f"/requests/{request.pk}/files/{digest}/preview"))
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    assert "This is the beginning of the file." in text
    assert len(text) < 60_000


def test_enter_in_an_armed_form_with_rows_fires_nothing(alice: User, bob: User) -> None:
    grant_to_both("final_answers")
    request = request_of(run_until_it_waits("final_answers", by=alice, kind="nested"))
    client = browser(bob)
    assert 'aria-hidden="true"></button>' in page(client, request)

    armed = shown(send(client, request, **NESTED))
    first = armed.partition("<button")[2].partition("</button>")[0]
    assert 'name="unsent" value="true"' in first
    (confirms,) = re.findall(r'name="confirms" value="([^"]+)"', armed)

    again = send(client, request, **NESTED, confirms=confirms, unsent="true")
    assert again.status_code == 200
    assert "Press again" not in shown(again)
    assert not request.responses.exists()
    send(client, request, **NESTED, confirms=confirms)
    assert value_of(request)["to"]["city"] == "Ulm"
