"""Releases, agents and rights."""

from datetime import date

from tests.cards.matter import NO, YES, changed, matter, table

RELEASES = [
    matter(
        "cards_release",
        "approval",
        "Release version 3.4.1 of the shop?",
        YES,
        "All tests pass, and the change is small and the one that was ordered.",
        evidence={
            "tests": "1,204 passed, 0 failed",
            **changed("Free delivery from 50 €", "Free delivery from 60 €"),
            "ordered_by": "sales, ticket 812: raise the limit to 60 €",
        },
        quorum=2,
    ),
    matter(
        "cards_release",
        "approval",
        "Release version 3.5.0 of the shop?",
        NO,
        "14 tests of the payment fail.",
        evidence={
            "tests": table(
                "by_part", "part|passed|failed", "search|310|0", "payment|88|14", "mail|120|0"
            )
        },
        risk="high",
    ),
    matter(
        "cards_release",
        "approval",
        "Delete the old backups, 12 files?",
        NO,
        "The list contains yesterday's only backup.",
        irreversible=True,
        body="Backups are kept for **30 days**. Those listed are to be deleted.",
        evidence=table(
            "files",
            "file|age|another_copy",
            "shop-1 to shop-11|31 to 41 days|yes",
            "shop-12|1 day|no",
        ),
    ),
    matter(
        "cards_release",
        "approval",
        "Delete the old backups, 9 files?",
        YES,
        "All are older than the 30 days.",
        irreversible=True,
        body="Backups are kept for **30 days**. Those listed are to be deleted.",
        evidence=table("files", "file|age|another_copy", "shop-1 to shop-9|35 to 44 days|yes"),
    ),
    matter(
        "cards_release",
        "choice",
        "When do we switch to the new database?",
        "Sunday 03:00",
        "It takes 90 minutes, and then the fewest people order.",
        {"mon": "Monday 12:00", "fri": "Friday 18:00", "sun": "Sunday 03:00"},
        body="The shop is closed for **90 minutes**.",
        evidence=table(
            "orders_in_these_90_minutes",
            "begin|orders",
            "Monday 12:00|410",
            "Friday 18:00|655",
            "Sunday 03:00|3",
        ),
    ),
    matter(
        "cards_release",
        "escalation",
        "The label printer of depot 2 doesn't answer. What was done about it?",
        "what was done",
        "The log says that it had no paper, and that paper was filled in.",
        evidence={"log": "09:12 no paper\n09:40 paper filled in by hand\n09:41 ready"},
    ),
]
AGENTS = [
    matter(
        "cards_agent",
        "approval",
        "Let the agent send this mail to 1 customer?",
        YES,
        "One customer, a harmless and right text.",
        evidence={
            "tool": "send_mail",
            "to": "the customer of order 9350",
            "text": "Your lamp was sent today. It arrives on Tuesday.",
            "carrier_says": "handed over today, arrives on Tuesday",
        },
    ),
    matter(
        "cards_agent",
        "approval",
        "Let the agent send this mail to 18,240 customers?",
        NO,
        "It was asked to answer one customer; it writes to all.",
        risk="high",
        irreversible=True,
        evidence={
            "task": "Tell the customer of order 9350 when the lamp arrives.",
            "tool": "send_mail",
            "to": "all customers (18,240)",
            "text": "Your lamp arrives on Tuesday.",
        },
    ),
    matter(
        "cards_agent",
        "approval",
        "Let the agent run this command?",
        NO,
        "It deletes the orders, where it was asked to count them.",
        risk="high",
        evidence={
            "task": "Count the orders of yesterday.",
            "tool": "sql",
            "command": "DELETE FROM orders WHERE placed_on = yesterday",
        },
    ),
    matter(
        "cards_agent",
        "approval",
        "Let the agent read the orders of yesterday?",
        YES,
        "Only reads, and is what it was asked for.",
        risk="low",
        evidence={
            "task": "Count the orders of yesterday.",
            "tool": "sql, read only",
            "command": "SELECT count(*) FROM orders WHERE placed_on = yesterday",
        },
    ),
]
ACCESS = [
    matter(
        "cards_access",
        "approval",
        "Give dave the right to pay invoices until 5 December?",
        YES,
        "The head of finance asks for it as a deputy for a week.",
        four_eyes=True,
        evidence={
            "asked_by": "the head of finance",
            "reason": "Deputy for one week of holidays",
            "training": "done on 3 March",
        },
    ),
    matter(
        "cards_access",
        "approval",
        "Give an unknown account all rights, without an end?",
        NO,
        "Nobody vouches for it, and all rights without end is too much.",
        risk="high",
        evidence={
            "account": "tmp-4410, made 5 minutes ago",
            "asked_by": "the account itself",
            "reason": "",
            "rights": "all",
            "until": "no end",
        },
    ),
    matter(
        "cards_access",
        "input",
        "By which day does the visitor's badge end?",
        "4 December 2026",
        "The visit ends on 4 December.",
        date,
        evidence={"visit": "from 2 to 4 December 2026", "rule": "The badge ends with the visit."},
    ),
]
