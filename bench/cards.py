"""Take a picture of each of the forty cards, and write a table of what is right.

    .venv/bin/python -m bench.cards FOLDER

A reader looks at the pictures, not at `table.csv`, and says for each what they would decide and
why. Every third card is taken on a phone, as a picture of the whole page: what answers it stands at
the bottom of the screen, not in the card.
"""

import csv
import os
from pathlib import Path
from typing import Any

from bench.looks import photograph
from bench.site import parser_of_numbers, site

DESK, PHONE = (1440, 900), (390, 844)
EVERY = 3
"""Every third card is taken on a phone."""


def main() -> None:
    parser = parser_of_numbers(__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop lives in this thread
    with site("sqlite", procedures="tests.cards.procedures") as stack:
        from tests.processes import Web

        web = Web()
        stack.callback(web.end)
        web.start()
        answerer, asked = ask_all()
        take_all(web.url, answerer, asked, folder)
    write_table(folder / "table.csv")


def ask_all() -> tuple[Any, list[Any]]:
    """Return the person who is asked, and the requests in the order of the matters."""
    from django.contrib.auth.models import Group, User

    from tests.calls import grant, request_of, run_until_it_waits
    from tests.cards.matters import MATTERS

    people = {
        group: [User.objects.create_user(name) for name in names]
        for group, names in {"support": ["alice"], "finance": ["bob", "carol"]}.items()
    }
    for procedure in {matter.procedure for matter in MATTERS}:
        for group, *roles in (("support", "start"), ("finance", "answer", "operate")):
            members, _ = Group.objects.get_or_create(name=group)
            members.user_set.set(people[group])
            grant(procedure, members, *roles)
    (asker,), (answerer, _) = people.values()
    return answerer, [
        request_of(run_until_it_waits(matter.procedure, by=asker, number=number))
        for number, matter in enumerate(MATTERS)
    ]


def take_all(address: str, answerer: Any, asked: list[Any], folder: Path) -> None:
    from django.conf import settings
    from playwright.sync_api import expect, sync_playwright

    from tests.chromium import ARGUMENTS, CHROMIUM
    from tests.sockets import session_of

    cookie: Any = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": session_of(answerer),
        "url": address,
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for size in (DESK, PHONE):
            context = browser.new_context(
                base_url=address,
                viewport={"width": size[0], "height": size[1]},
                reduced_motion="reduce",
                has_touch=size == PHONE,
                is_mobile=size == PHONE,
            )
            context.add_cookies([cookie])
            page = context.new_page()
            for number, request in enumerate(asked, 1):
                if (size == PHONE) != (number % EVERY == 0):
                    continue
                page.goto(f"/inbox/?tab=groups&request={request.pk}")
                card = page.locator(f"#request-{request.pk}")
                expect(card).to_be_visible()
                picture = folder / f"{number:02}.png"
                if size == PHONE:
                    photograph(page, picture, PHONE[0])
                else:
                    card.screenshot(path=picture)
        browser.close()


def write_table(path: Path) -> None:
    from tests.cards.matters import MATTERS

    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("number", "kind", "prompt", "right", "why"))
        for number, one in enumerate(MATTERS, 1):
            rows.writerow((number, one.kind, one.prompt, one.right, one.why))


if __name__ == "__main__":
    main()
