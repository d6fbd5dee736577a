"""Pages, frames, mails and lists have a weight, whatever was kept in their rows."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import HumanRequest, HumanResponse, Message
from dashboard.channels.letter import letter_about, letter_about_alert
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from procedures.models import Run
from tests.calls import caller, grant, run_until_it_waits
from tests.hostile import (
    ALIKE,
    MANY,
    NEWLINES,
    OTHERWISE,
    PROMPT,
    ROWS,
    WORD,
    asked,
    failed,
    grown,
    journaled,
    nested,
    step,
    told,
)
from tests.pages import HTMX, ask, browser, shown

pytestmark = pytest.mark.django_db
KB = 1_000


def weight(client: Client, path: str, *, queries: int = 200) -> int:
    with CaptureQueriesContext(connection) as found:
        page = client.get(path)
    assert page.status_code == 200, path
    assert len(found) <= queries, (path, len(found))
    return len(page.content)


def heaviest(stream: Stream, form: str, *, after: int = 0) -> int:
    """The size of the heaviest frame that is sent of a stream."""
    return max(len(json.dumps(one.content)) for one in frames(stream, form, [WHOLE], after=after))


def rest(page: str, request: HumanRequest, name: str) -> bool:
    return f'href="/requests/{request.pk}/whole/{name}" download' in page


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_no_page_is_heavier_for_what_was_kept(step: int, alice: User, bob: User) -> None:
    requests, client = asked(alice)[::-step], browser(bob)

    assert weight(client, "/") < 700 * KB
    assert weight(client, "/overview") < 100 * KB
    assert weight(client, "/requests/waiting") < 700 * KB
    assert weight(client, "/chat") < 60 * KB
    assert weight(client, "/runs") < 150 * KB
    assert weight(caller(bob), "/api/runs?limit=500") < 60 * KB
    for request in requests:
        run = request.wait.run_id
        assert weight(client, f"/requests/{request.pk}") < 200 * KB
        assert weight(client, f"/requests/{request.pk}/form") < 60 * KB
        assert weight(client, f"/chat/{request.session_id}") < 200 * KB
        assert weight(client, f"/runs/{run}") < 150 * KB
        assert weight(client, f"/runs/{run}/journal") < 100 * KB
        for stream, form in ((Stream("run", run), "page"), (Stream("run", run), "card")):
            assert heaviest(stream, form) < 60 * KB
        assert heaviest(Stream("run", run), "data") < 120 * KB
        assert heaviest(Stream("session", request.session_id), "page") < 60 * KB
        assert len(letter_about(request, to=bob).text) < 20 * KB


def test_what_is_left_out_is_linked_whole_for_those_who_see_it(
    alice: User, bob: User, carol: User
) -> None:
    parts: dict[str, tuple[HumanRequest, Any]] = {
        "prompt": (grown(ask("approval", by=alice), prompt=PROMPT), PROMPT),
        "body": (grown(ask("approval", by=alice), body=NEWLINES + WORD), NEWLINES + WORD),
        "evidence": (grown(ask("approval", by=alice), evidence=ROWS), ROWS),
        "draft": (grown(ask("review", by=alice), draft=ALIKE), ALIKE),
    }

    for name, (request, whole) in parts.items():
        page = shown(browser(bob).get(f"/requests/{request.pk}"))
        assert rest(page, request, name), name
        path = f"/requests/{request.pk}/whole/{name}"
        file = browser(bob).get(path)
        assert "attachment" in file.headers["Content-Disposition"]
        content = file.json() if name == "evidence" else file.content.decode()
        assert content == whole
        assert browser(carol).get(path).status_code == 404
        assert Client().get(path).status_code == 302
    assert "These are the first" in shown(browser(bob).get(f"/requests/{parts['evidence'][0].pk}"))
    assert browser(bob).get(f"/requests/{request.pk}/whole/nothing").status_code == 404
    assert browser(bob).get(f"/requests/{request.pk}/whole/answer").status_code == 404


def test_what_is_short_is_shown_whole_and_links_nothing(alice: User, bob: User) -> None:
    for kind in ("told", "review", "choice", "text", "form"):
        page = shown(browser(bob).get(f"/requests/{ask(kind, by=alice).pk}"))
        assert "/whole/" not in page


def answered(client: Client, request: HumanRequest, **typed: str) -> Any:
    return client.post(f"/requests/{request.pk}/response", typed, headers=HTMX)


def test_changes_are_found_once_and_kept(alice: User, bob: User) -> None:
    request = grown(ask("review", by=alice), draft=ALIKE)

    receipt = answered(browser(bob), request, decision="approved", text=OTHERWISE)

    assert receipt.status_code == 200
    kept = HumanResponse.objects.get(request=request).changes
    assert json.loads(kept) == [[1, 800, 1, 800]]
    assert len(receipt.content) < 40 * KB
    assert rest(shown(receipt), request, "changes")
    whole = browser(bob).get(f"/requests/{request.pk}/whole/changes").content.decode()
    assert whole.splitlines()[:3] == ["  a", "- a", "- a"]
    assert whole.count("\n") == 1 + 799 + 799
    HumanResponse.objects.update(changes="[]")
    page = shown(browser(bob).get(f"/requests/{request.pk}"))
    assert "<ins>" not in page, "what is kept is shown, and not found anew"


def test_a_small_change_in_a_long_text_is_shown_with_what_is_around_it(
    alice: User, bob: User
) -> None:
    lines = [f"line {number}" for number in range(2_000)]
    request = grown(ask("review", by=alice), draft="\n".join(lines))
    lines[1_000] = "another line"

    receipt = shown(answered(browser(bob), request, decision="approved", text="\n".join(lines)))

    assert "<del>line 1000</del>" in receipt
    assert "<ins>another line</ins>" in receipt
    assert "line 997" in receipt
    assert "line 990" not in receipt
    assert "1,993 lines aren't shown." in receipt


def test_long_answers_and_comments_are_cut_and_linked(alice: User, bob: User) -> None:
    request = ask("text", by=alice)
    typed = {"value": "v" * 20_000, "comment": "c\n" * 4_999 + "c"}

    receipt = answered(browser(bob), request, **typed)

    assert receipt.status_code == 200
    assert len(receipt.content) < 10 * KB
    for name, whole in (("answer", typed["value"]), ("comment", typed["comment"])):
        assert rest(shown(receipt), request, name)
        file = browser(bob).get(f"/requests/{request.pk}/whole/{name}")
        assert file.content.decode() == whole


def test_one_of_many_options_is_typed(alice: User, bob: User) -> None:
    first, second, third = (grown(ask("choice", by=alice), labels=MANY) for _ in range(3))

    refusal = answered(browser(bob), first, value="none of these")
    assert refusal.status_code == 422
    assert 'value="none of these"' in shown(refusal)
    assert "That isn&#x27;t one of the options" in shown(refusal)
    for request, typed in (
        (first, "4712"),
        (second, "option <4711>"),
        (third, MANY["option <4711>"]),
    ):
        assert answered(browser(bob), request, value=typed).status_code == 200
        assert HumanResponse.objects.get(request=request).value == '"option <4711>"'
    options = browser(bob).get(f"/requests/{first.pk}/whole/options").content.decode()
    assert options.splitlines()[4711] == "4712. Option “4711” & more"


def test_a_long_draft_is_edited_on_its_own_page(alice: User, bob: User) -> None:
    request = grown(ask("review", by=alice), draft="d" * 50_000)

    home = shown(browser(bob).get("/"))
    page = shown(browser(bob).get(f"/requests/{request.pk}"))

    assert "d" * 20_000 not in home
    assert "Edit it on the request's own page" in home
    assert "d" * 50_000 in page
    assert answered(browser(bob), request, decision="approved").status_code == 200
    assert HumanResponse.objects.get(request=request).value == '{"decision":"approved"}'


def test_an_edited_long_draft_that_is_refused_stays_in_any_card(alice: User, bob: User) -> None:
    request = grown(ask("review", by=alice), draft="d" * 50_000)

    refusal = answered(browser(bob), request, text="e" * 60_000, decision="maybe")

    assert refusal.status_code == 422
    assert "e" * 60_000 in shown(refusal)


def test_a_chat_of_ten_thousand_messages_has_a_weight(alice: User, bob: User) -> None:
    run = ask("approval", by=alice).wait.run
    session = Message.objects.get(run=run, kind="run").session
    told(run, "notice", NEWLINES, count=20)
    told(run, "person", WORD[:10_000], count=10_000, author=alice)

    assert weight(browser(alice), f"/chat/{session.pk}") < 700 * KB
    message = Message.objects.filter(kind="notice").latest("seq")
    path = f"/messages/{message.pk}"
    assert path in shown(browser(alice).get(f"/chat/{session.pk}?before={message.seq + 1}"))
    assert browser(alice).get(path).content.decode() == NEWLINES
    assert len(letter_about_alert(message, to=alice).text) < 20 * KB


def test_who_does_not_read_a_message_does_not_have_its_text(
    alice: User, bob: User, carol: User
) -> None:
    run = ask("approval", by=alice).wait.run
    told(run, "person", "For members.", count=1, author=alice)
    path = f"/messages/{Message.objects.get(text='For members.').pk}"

    assert browser(alice).get(path).status_code == 200
    assert browser(bob).get(path).status_code == 404
    assert browser(carol).get(path).status_code == 404


def test_a_run_of_ten_thousand_steps_has_a_weight(alice: User, support: Group) -> None:
    grant("question", support, "start", "see")
    run = run_until_it_waits("question", by=alice)
    journaled(run, "step.succeeded", [step(1, "r" * 200) for _ in range(10_000)])
    journaled(run, "step.failed", [failed(number) for number in range(1, 200)], key="other")

    assert weight(browser(alice), f"/runs/{run.pk}") < 900 * KB
    assert weight(browser(alice), f"/runs/{run.pk}?rows=all") < 3_000 * KB
    assert heaviest(Stream("run", run.pk), "page", after=10_100) < 500 * KB
    assert heaviest(Stream("run", run.pk), "card", after=10_100) < 20 * KB


def test_large_inputs_results_and_values_of_steps_are_cut(alice: User, support: Group) -> None:
    grant("question", support, "start", "see")
    run = run_until_it_waits("question", by=alice)
    values: list[Any] = [ROWS, nested(300), WORD, {WORD: 1}, NEWLINES, MANY]
    journaled(run, "step.succeeded", [step(1, value) for value in values])
    large = json.dumps(PROMPT * 21)
    Run.objects.filter(pk=run.pk).update(result=large, inputs=json.dumps({"rows": ROWS}))

    page = browser(alice).get(f"/runs/{run.pk}")

    assert len(large) > 50_000_000
    assert len(page.content) < 250 * KB
    for name in ("inputs", "result"):
        assert f'href="/runs/{run.pk}/whole/{name}" download' in shown(page)
    whole = browser(alice).get(f"/runs/{run.pk}/whole/result")
    assert whole.content.decode() == large
    assert browser(alice).get(f"/runs/{run.pk}/whole/seed").status_code == 404
    assert weight(caller(alice), "/api/runs") < 3 * KB
    assert weight(browser(alice), "/runs") < 20 * KB


def test_the_admin_lists_have_a_weight(alice: User, bob: User) -> None:
    request = grown(ask("text", by=alice), prompt=PROMPT)
    answered(browser(bob), request, value="v" * 20_000, comment="c" * 10_000)
    root = browser(User.objects.create_superuser("root"))

    for name in ("procedures/run", "procedures/event", "chat/humanrequest", "chat/humanresponse"):
        assert weight(root, f"/admin/countersign_{name}/") < 70 * KB, name
    assert weight(root, f"/admin/countersign_chat/humanrequest/{request.pk}/change/") < 250 * KB


def test_a_page_of_large_events_has_fewer_of_them(alice: User, support: Group) -> None:
    grant("question", support, "start", "see")
    run = run_until_it_waits("question", by=alice)
    journaled(run, "log", [{"text": "t" * 1_500_000} for _ in range(6)])
    program, seen = caller(alice), list[int]()
    after: int | None = 0

    while after is not None:
        page = program.get(f"/api/runs/{run.pk}/events?limit=500&after={after}")
        assert len(page.content) < 4_100 * KB
        seen += [event["seq"] for event in page.json()["items"]]
        after = page.json()["next"]

    assert seen == list(range(1, seen[-1] + 1))
    assert len(seen) == run.events.count()
    large = frames(Stream("run", run.pk), "data", [WHOLE], after=seen[-2])[0].content
    assert large["data"] is None
    assert program.get(large["data_at"]).json()["data"]["text"] == "t" * 1_500_000
