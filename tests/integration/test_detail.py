"""The detail of runs in a transcript: remembered for the person, the same cards for all."""

from django.contrib.auth.models import User

from chat.models import Message
from tests.calls import run_until_it_waits
from tests.pages import HTMX, browser, grant_to_both, queries_of, shown


def test_the_choice_is_remembered_in_all_browsers_and_costs_no_statement(alice: User) -> None:
    grant_to_both("telling")
    run = run_until_it_waits("telling", by=alice, lines=7, fails=True)
    path = f"/chat/{Message.objects.get(run=run, kind='run').session_id}"
    client = browser(alice)
    first = shown(client.get(path))
    queries = len(queries_of(client, path))

    assert 'data-page="session" data-detail="steps"' in first
    assert "OSError: lost the thread" in first
    assert "attempt 2" in first
    assert "line 7" in first
    assert "line 2 " not in first
    without_scripts = client.post(f"{path}/detail", {"detail": "everything"})
    assert without_scripts.status_code == 302
    assert without_scripts["Location"] == path
    page = shown(browser(alice).get(path))
    assert 'data-detail="everything"' in page
    assert '<option value="everything" selected>' in page
    assert len(queries_of(client, path)) == queries
    assert client.post(f"{path}/detail", {"detail": "messages"}, headers=HTMX).status_code == 204
    assert 'data-detail="messages"' in shown(client.get(path))
    assert client.post(f"{path}/detail", {"detail": "all"}).status_code == 422
    assert 'data-detail="messages"' in shown(client.get(path))
