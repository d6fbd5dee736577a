"""Posts of runs besides lines of text, in the transcript, in the API and as downloads."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from chat.models import Message
from dashboard.models import ApiToken
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import start_run, verify_journal
from tests.pages import browser, grant_to_both, shown
from tests.procedures.writing import author
from tests.processes import wait_until

LONG = "wörd " * 6_000


@pytest.fixture(autouse=True)
def pen() -> Iterator[None]:
    author.forget()
    yield
    author.forget()


def posted_by(name: str, user: User) -> Message:
    grant_to_both(name)
    run, _ = start_run(name, {}, by=user)
    advance_run(run.pk)
    return Message.objects.get(run=run, kind=Message.Kind.NOTICE)


def test_a_notice_shows_markdown_a_table_files_and_steps_and_no_markup_of_others(
    alice: User,
) -> None:
    message = posted_by("posts_everything", alice)

    page = browser(alice).get(f"/chat/{message.session_id}").content.decode()

    assert "The orders &lt;b&gt;of the week&lt;/b&gt;" in page
    assert "There is <strong>one</strong> order." in page
    assert 'href="javascript:' not in page
    assert page.index('title="order"') < page.index('title="amount"')
    path = f"/runs/{message.run_id}/files/list%20of%20orders.csv"
    assert path in page
    assert browser(alice).get(path).status_code == 200
    assert f"/runs/{message.run_id}?step=a/b%232" in page
    assert "run-card__stages" in page
    assert "Send</span>" in page


def test_a_long_text_is_cut_on_the_page_and_whole_in_its_download(alice: User) -> None:
    author.pieces = ["# A *long* text\n\n", LONG]
    message = posted_by("report_in_pieces", alice)
    page = browser(alice).get(f"/chat/{message.session_id}")

    assert "<h1>A <em>long</em> text</h1>" in page.content.decode()
    assert len(message.text) == 20_000
    assert f"{len(LONG) + 17 - 20_000:,} more characters" in shown(page)
    whole = browser(alice).get(reverse("countersign:message_text", args=[message.pk]))
    assert whole.content.decode() == f"# A *long* text\n\n{LONG}"
    assert "A long text" in shown(browser(alice).get("/chat"))


def test_the_api_tells_what_a_message_has_besides_its_text(alice: User) -> None:
    message = posted_by("posts_everything", alice)

    token = {"Authorization": f"Bearer {ApiToken.create_for(alice)}"}
    path = f"/api/sessions/{message.session_id}/messages"
    found = Client().get(path, headers=token).json()["items"]

    [notice] = [one for one in found if one["id"] == str(message.pk)]
    assert notice["posted"]["data"] == [{"order": "2024-1187", "amount": "12.00 €"}]
    assert list(notice["posted"]["data"][0]) == ["order", "amount"]
    assert notice["posted"]["cites"] == ["keep_list", "a/b#2"]
    assert "order" not in notice["posted"]


@pytest.mark.django_db(transaction=True)
def test_pages_say_that_a_step_writes_even_if_redis_is_away(alice: User) -> None:
    looks: list[str] = []

    def look() -> None:
        run = Run.objects.latest("pk")
        wait_until(lambda: Run.objects.get(pk=run.pk).working_on)
        looks.append(shown(browser(alice).get(f"/runs/{run.pk}")))
        session = Message.objects.get(run=run).session_id
        looks.append(shown(browser(alice).get(f"/chat/{session}")))

    author.pieces, author.between = ["Half of it"], look
    posted_by("report_in_pieces", alice)

    assert all("writing a text" in one for one in looks)
    assert not any("Half of it" in one for one in looks)


def test_a_part_that_was_changed_by_hand_is_found(alice: User) -> None:
    message = posted_by("posts_everything", alice)
    assert message.run
    assert verify_journal(message.run) == []

    Message.objects.filter(pk=message.pk).update(details='{"body":"Another one."}')

    found = verify_journal(message.run)
    assert any("details" in one for one in found), found
