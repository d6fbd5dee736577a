"""A hundred mixed requests decided by keys alone, and forty on a phone: keys, taps and seconds.

A script decides for a person: it reads what is open, looks at it (`--look`, in seconds), and
answers with keys or taps as `tests/mixed.py` says. In the end every answer is compared.

    .venv/bin/python -m bench.decisions
    .venv/bin/python -m bench.decisions --look 0 --database sqlite
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.site import parser_of, site, tell

DESK, PHONE = (1440, 900), (390, 844)
LOOK = 1.5
LISTS = "/inbox/?tab=groups"
WAITING = """done => {
  const card = document.querySelector("#inbox-request .request");
  return card && !done.includes(card.id) && !document.querySelector("#inbox-request .htmx-request");
}"""


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--look", type=float, default=LOOK, help="seconds before each decision")
    given = parser.parse_args()
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop lives in this thread
    procedures = "tests.procedures.inboxes"
    with site(given.database, procedures=procedures, NOTIFY_AFTER_SECONDS="86400") as stack:
        from tests.deciding import answer_by_keys, answer_by_taps
        from tests.mixed import mixed, short
        from tests.processes import Web

        web = Web()
        stack.callback(web.end)
        web.start()
        measure = Measure(web.url, given.look, database=given.database)
        faults = measure("keys", mixed(), f"{LISTS}&focus=1", DESK, answer_by_keys)
        faults += measure("taps", short(), LISTS, PHONE, answer_by_taps)
    return bool(faults)


class Measure:
    """Somebody who is asked, and clears their inbox by one way after the other."""

    def __init__(self, address: str, look: float, **told: Any) -> None:
        from django.contrib.auth.models import Group, User

        from tests.calls import grant

        self.address, self.look, self.told = address, look, told
        self.asker = User.objects.create_user("alice")
        self.answerer = User.objects.create_user("bob")
        for name, person, role in (
            ("support", self.asker, "start"),
            ("finance", self.answerer, "answer"),
        ):
            group, _ = Group.objects.get_or_create(name=name)
            group.user_set.add(person)
            grant("inbox_item", group, role)

    def __call__(
        self,
        unit: str,
        table: Iterable[Any],
        path: str,
        size: tuple[int, int],
        answer: Callable[[Any, Any], int],
    ) -> int:
        from tests.deciding import ask_all, wait_until_cleared, wrong

        asked = ask_all(table, self.asker)
        by_id = {f"request-{request.pk}": one for one, request in asked}
        with self._page(size) as page:
            began = time.perf_counter()
            page.goto(path if size == DESK else f"{path}&request={asked[0][1].pk}")
            count = sum(answer(page, by_id[card]) for card in self._cards(page, len(asked)))
            wait_until_cleared(page)
            seconds = time.perf_counter() - began
        faults = wrong(asked)
        figures = {unit: count, "seconds": seconds, "wrong": faults}
        tell(bench="decisions", requests=len(asked), look=self.look, **figures, **self.told)
        return len(faults)

    def _cards(self, page: Any, count: int) -> Iterator[str]:
        """Yield the id of each card as it opens, after somebody has looked at it."""
        done: list[str] = []
        for _ in range(count):
            page.wait_for_function(WAITING, arg=done)
            done.append(str(page.locator("#inbox-request .request").get_attribute("id")))
            time.sleep(self.look)
            yield done[-1]

    @contextmanager
    def _page(self, size: tuple[int, int]) -> Iterator[Any]:
        from django.conf import settings
        from playwright.sync_api import sync_playwright

        from tests.chromium import ARGUMENTS, CHROMIUM
        from tests.deciding import choose_files
        from tests.sockets import session_of

        is_phone = size == PHONE
        name, value = settings.SESSION_COOKIE_NAME, session_of(self.answerer)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            context = browser.new_context(
                base_url=self.address,
                viewport={"width": size[0], "height": size[1]},
                has_touch=is_phone,
                is_mobile=is_phone,
            )
            context.add_cookies([{"name": name, "value": value, "url": self.address}])
            page = context.new_page()
            choose_files(page)
            yield page
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
