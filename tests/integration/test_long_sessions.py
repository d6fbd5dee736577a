"""A session of ten thousand messages: its pages cost as many queries as those of a short one."""

import re

from django.contrib.auth.models import User

from chat.models import Message
from chat.services import post_message
from tests.pages import browser, queries_of, shown
from tests.talks import begin_talk, said_long_ago

SHORT, LONG = 5_500, 10_000
"""Both are longer than what a search reads whole."""
SHOWN = 100


def test_a_long_session_opens_scrolls_deep_links_and_is_searched_with_as_many_queries(
    alice: User, bob: User
) -> None:
    short, long = (begin_talk(alice, bob, title=title) for title in ("Short", "Long"))
    client, costs = browser(bob), list[list[int]]()
    for session, count in ((short, SHORT), (long, LONG)):
        [first, *_] = said_long_ago(session, alice, count)
        post_message(session, "The newest", by=alice)
        here = f"/chat/{session.pk}"
        newest = shown(client.get(here))
        [earlier] = re.findall(r'href="\?before=(\d+)"', newest)
        paths = (
            here,
            f"{here}?before={earlier}",
            f"{here}?message={first.pk}",
            "/search?q=needle",
            "/search/results?q=newest",
            f"/live/range?stream=session:{session.pk}&form=page&after={earlier}",
        )
        pages = [shown(client.get(path)) for path in paths]  # what is read once is read by now
        costs.append([len(queries_of(client, path)) for path in paths])

        assert [page.count('data-kind="person"') for page in pages[:2]] == [SHOWN + 1, SHOWN + 1]
        assert "No 0. A needle." in pages[2]
        assert f"?message={first.pk}#message-{first.pk}" in pages[3]

    assert costs[0] == costs[1]
    assert Message.objects.count() == SHORT + LONG + 2
