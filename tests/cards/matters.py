"""The forty requests, each with the decision that a careful person makes from its card alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Matter:
    """What is asked, and what is right."""

    procedure: str
    kind: str
    prompt: str
    right: str
    """The decision; for an input, the value."""
    why: str
    arguments: Sequence[Any] = ()
    options: dict[str, Any] = field(default_factory=dict)


class Delivery(BaseModel):
    """Where and when a parcel goes."""

    street: Annotated[str, Field(max_length=80)]
    town: Annotated[str, Field(max_length=80)]
    carrier: Annotated[
        Literal["letter", "parcel", "freight"],
        Field(description="Letters up to 1 kg, parcels up to 30 kg, freight above."),
    ]


def invoice(number: str, lines: Sequence[tuple[str, int, float]], total: str) -> dict[str, Any]:
    rows = [
        {
            "item": item,
            "quantity": count,
            "price": f"{price:.2f} €",
            "sum": f"{count * price:.2f} €",
        }
        for item, count, price in lines
    ]
    return {"invoice": number, "lines": rows, "total": total}


def changed(before: Any, after: Any) -> dict[str, Any]:
    return {"change": {"before": before, "after": after}}


def table(name: str, columns: str, *rows: str) -> dict[str, Any]:
    """Return a table from its columns and rows, with their cells separated by bars."""
    names = columns.split("|")
    return {name: [dict(zip(names, row.split("|"), strict=True)) for row in rows]}


MONEY = [
    Matter(
        "cards_pay",
        "approval",
        "Pay invoice 4411 of Copper Workshop, 214.00 €?",
        YES,
        "The lines add up to the total, and the order and the delivery note agree.",
        options={
            "evidence": {
                **invoice("4411", [("Lamp", 4, 38.5), ("Shade", 10, 6.0)], "214.00 €"),
                "delivered": "4 lamps and 10 shades, note 771",
            },
            "undo": "10s",
        },
    ),
    Matter(
        "cards_pay",
        "approval",
        "Pay invoice 4427 of Northern Paper, 1,180.00 €?",
        NO,
        "The lines add up to 1,080.00 €, not 1,180.00 €.",
        options={
            "evidence": invoice(
                "4427", [("Boxes, large", 200, 3.9), ("Tape", 100, 3.0)], "1,180.00 €"
            ),
            "comment_required_on": "rejected",
        },
    ),
    Matter(
        "cards_pay",
        "approval",
        "Pay invoice 4431 of Harbor Freight Lines, 890.00 €?",
        NO,
        "The same invoice was paid a week ago.",
        options={
            "evidence": {
                "invoice": "4431",
                "amount": "890.00 €",
                **table(
                    "paid_before",
                    "invoice|amount|paid_on|to",
                    "4398|412.00 €|2 November|Harbor Freight Lines",
                    "4431|890.00 €|20 November|Harbor Freight Lines",
                ),
            },
        },
    ),
    Matter(
        "cards_refund",
        "approval",
        "Refund 62.40 € for order 9350?",
        YES,
        "Returned after 12 of 30 days, undamaged, so the policy allows it.",
        options={
            "body": "Our policy: full refund within **30 days**, if the item is undamaged.",
            "evidence": {
                "order": "9350",
                "amount": "62.40 €",
                "returned_after": "12 days",
                "condition": "undamaged",
            },
            "due": "4h",
        },
    ),
    Matter(
        "cards_refund",
        "approval",
        "Refund 189.00 € for order 9377?",
        NO,
        "Returned after 74 days; the policy ends at 30.",
        options={
            "body": "Our policy: full refund within **30 days**, if the item is undamaged.",
            "evidence": {
                "order": "9377",
                "amount": "189.00 €",
                "returned_after": "74 days",
                "condition": "undamaged",
            },
        },
    ),
    Matter(
        "cards_refund",
        "choice",
        "What do we do about the broken lamp of order 9402?",
        "Replace",
        "The customer asks for another lamp, and it is in stock.",
        (["Repair", "Replace", "Refund"],),
        {
            "evidence": {
                "customer_wrote": "The glass arrived in pieces. Please send another one.",
                "glass": "can't be repaired",
                "in_stock": 31,
            },
        },
    ),
    Matter(
        "cards_pay",
        "approval",
        "Pay out 48,000.00 € to a new account of Copper Workshop?",
        NO,
        "A new account, named by a free mail address, which nobody there knows of: fraud.",
        options={
            "risk": "high",
            "irreversible": True,
            "evidence": {
                "account": {"before": "DE, ends in 3000", "after": "another country, ends in 9917"},
                "told_by": "a mail from copper.workshop.billing, a free mail address",
                "called_back": "nobody at Copper Workshop knows of it",
            },
        },
    ),
    Matter(
        "cards_pay",
        "input",
        "Which amount in € do we pay for the hours of November?",
        "720",
        "18 hours at 40.00 €.",
        options={
            "evidence": {
                **table("hours", "week|hours", "45|6", "46|4", "47|8"),
                "rate": "40.00 € an hour",
            },
        },
    ),
]

RELEASES = [
    Matter(
        "cards_release",
        "approval",
        "Release version 3.4.1 of the shop?",
        YES,
        "All tests pass, and the change is small and the one that was ordered.",
        options={
            "evidence": {
                "tests": "1,204 passed, 0 failed",
                **changed("Free delivery from 50 €", "Free delivery from 60 €"),
                "ordered_by": "sales, ticket 812: raise the limit to 60 €",
            },
            "quorum": 2,
        },
    ),
    Matter(
        "cards_release",
        "approval",
        "Release version 3.5.0 of the shop?",
        NO,
        "14 tests of the payment fail.",
        options={
            "evidence": {
                "tests": table(
                    "by_part", "part|passed|failed", "search|310|0", "payment|88|14", "mail|120|0"
                ),
            },
            "risk": "high",
        },
    ),
    Matter(
        "cards_release",
        "approval",
        "Delete the old backups, 12 files?",
        NO,
        "The list contains yesterday's only backup.",
        options={
            "irreversible": True,
            "body": "Backups are kept for **30 days**. Those listed are to be deleted.",
            "evidence": table(
                "files",
                "file|age|another_copy",
                "shop-1 to shop-11|31 to 41 days|yes",
                "shop-12|1 day|no",
            ),
        },
    ),
    Matter(
        "cards_release",
        "approval",
        "Delete the old backups, 9 files?",
        YES,
        "All are older than the 30 days.",
        options={
            "irreversible": True,
            "body": "Backups are kept for **30 days**. Those listed are to be deleted.",
            "evidence": table(
                "files",
                "file|age|another_copy",
                "shop-1 to shop-9|35 to 44 days|yes",
            ),
        },
    ),
    Matter(
        "cards_release",
        "choice",
        "When do we switch to the new database?",
        "Sunday 03:00",
        "It takes 90 minutes, and then the fewest people order.",
        ({"mon": "Monday 12:00", "fri": "Friday 18:00", "sun": "Sunday 03:00"},),
        {
            "body": "The shop is closed for **90 minutes**.",
            "evidence": table(
                "orders_in_these_90_minutes",
                "begin|orders",
                "Monday 12:00|410",
                "Friday 18:00|655",
                "Sunday 03:00|3",
            ),
        },
    ),
    Matter(
        "cards_release",
        "escalation",
        "The label printer of depot 2 doesn't answer. What was done about it?",
        "what was done",
        "The log says that it had no paper, and that paper was filled in.",
        options={
            "evidence": {"log": "09:12 no paper\n09:40 paper filled in by hand\n09:41 ready"},
        },
    ),
]

DATA = [
    Matter(
        "cards_correct",
        "approval",
        "Correct the address of customer 5518?",
        YES,
        "Only a swapped letter is mended, as the customer wrote.",
        options={
            "evidence": {
                **changed(
                    {"street": "Mian Street 4", "town": "Newport"},
                    {"street": "Main Street 4", "town": "Newport"},
                ),
                "customer_wrote": "It is Main Street, you have it wrong.",
            },
        },
    ),
    Matter(
        "cards_correct",
        "approval",
        "Correct the address of customer 5520?",
        NO,
        "The customer wrote number 14, the change says 41.",
        options={
            "evidence": {
                **changed(
                    {"street": "Hill Road 2", "town": "Bridgend"},
                    {"street": "Hill Road 41", "town": "Bridgend"},
                ),
                "customer_wrote": "We moved along the road, to Hill Road 14.",
            },
        },
    ),
    Matter(
        "cards_correct",
        "approval",
        "Merge the customers 5531 and 5532?",
        YES,
        "Same person: birthday, mail and street are equal, and the names fit.",
        options={
            "undo": "10s",
            "evidence": table(
                "customers",
                "number|name|born|mail|street",
                "5531|A. Berg|3 May 1980|berg at example|Long Lane 8",
                "5532|Anna Berg|3 May 1980|berg at example|Long Lane 8",
            ),
        },
    ),
    Matter(
        "cards_correct",
        "approval",
        "Merge the customers 5540 and 5547?",
        NO,
        "Different birthdays, mails and towns: two people of one name.",
        options={
            "evidence": table(
                "customers",
                "number|name|born|mail|town",
                "5540|Jo Lind|9 June 1971|lind at example|Oslo",
                "5547|Jo Lind|22 March 1999|jo99 at example|Bergen",
            ),
        },
    ),
    Matter(
        "cards_correct",
        "choice",
        "Which of these articles do we take out of the shop?",
        "A-2 and A-4",
        "The two that nobody makes any more and that are sold out.",
        (["A-1", "A-2", "A-3", "A-4"],),
        {
            "body": "Take out what **isn't made any more** and **is sold out**.",
            "many": True,
            "evidence": table(
                "articles",
                "article|still_made|in_stock",
                "A-1|yes|0",
                "A-2|no|0",
                "A-3|no|17",
                "A-4|no|0",
            ),
        },
    ),
    Matter(
        "cards_correct",
        "form",
        "Where does parcel 77 go?",
        "Elm Road 5, Dover, parcel",
        "As the customer wrote; 12 kg is a parcel.",
        (Delivery,),
        {
            "evidence": {
                "customer_wrote": "Please send it to my neighbor, Elm Road 5 in Dover.",
                "weight": "12 kg",
            },
        },
    ),
    Matter(
        "cards_correct",
        "input",
        "How many lamps are in the picture of shelf 9?",
        "7",
        "The count of the second person says 7 as well as the scanner.",
        (int,),
        {
            "evidence": table(
                "counts",
                "by|lamps",
                "scanner|7",
                "first person|8 (one was a shade)",
                "second person|7",
            ),
        },
    ),
]

TEXTS = [
    Matter(
        "cards_publish",
        "review",
        "Is this reply fine?",
        "approve",
        "It is polite, and amount and order are those of the evidence.",
        ("Dear Ms. Berg,\nwe have refunded 62.40 € for order 9350.\nKind regards\nThe shop\n",),
        {"evidence": {"order": "9350", "amount": "62.40 €", "customer": "Ms. Berg"}},
    ),
    Matter(
        "cards_publish",
        "review",
        "Is this announcement fine?",
        "reject or edit",
        "The draft says 30 %, the table 20 %.",
        ("# Winter sale\n\nFrom Monday **all lamps** are 30 % cheaper.\n",),
        {
            "format": "markdown",
            "evidence": table("sale", "articles|cheaper_by|from", "all lamps|20 %|Monday"),
        },
    ),
    Matter(
        "cards_publish",
        "review",
        "Are these prices fine?",
        "reject or edit",
        "A lamp at 3.85 € in place of 38.50 €.",
        (
            [
                {"article": "Lamp", "old": "37.00", "new": "3.85"},
                {"article": "Shade", "old": "5.80", "new": "6.00"},
            ],
        ),
        {
            "format": "table",
            "evidence": {"decided": "Lamps 38.50 €, shades 6.00 €"},
            "comment_required_on": "rejected",
        },
    ),
    Matter(
        "cards_publish",
        "approval",
        "Publish this text on the first page?",
        "ask back or no",
        "The opening hours are missing (the text says XX).",
        options={
            "body": "We are open on **Saturday from XX to XX**, too.\n\nCome and see us!",
            "ask_back": True,
        },
    ),
    Matter(
        "cards_publish",
        "review",
        "Is the program's change fine?",
        "reject or edit",
        "It multiplies by 91 where the comment and the task say 19 %.",
        ('# 19 % tax\ntax = price * Decimal("0.91")\n',),
        {"format": "code", "evidence": {"task": "Compute the tax of 19 %."}},
    ),
    Matter(
        "cards_publish",
        "upload",
        "Send the signed contract of Northern Paper.",
        "a file",
        "It asks for a file; the signed PDF has to be sent.",
        options={
            "accept": "application/pdf",
            "evidence": {"contract": "C-118", "signed_on": "24 November"},
        },
    ),
    Matter(
        "cards_publish",
        "choice",
        "Which picture goes with the article about brass lamps?",
        "Brass lamp on a desk",
        "It is the only one of a brass lamp.",
        (
            {
                "1": "Glass vase",
                "2": "Brass lamp on a desk",
                "3": "Empty shelf",
            },
        ),
        {"descriptions": {"1": "2 MB", "2": "1 MB", "3": "1 MB"}},
    ),
]

AGENTS = [
    Matter(
        "cards_agent",
        "approval",
        "Let the agent send this mail to 1 customer?",
        YES,
        "One customer, a harmless and right text.",
        options={
            "evidence": {
                "tool": "send_mail",
                "to": "the customer of order 9350",
                "text": "Your lamp was sent today. It arrives on Tuesday.",
                "carrier_says": "handed over today, arrives on Tuesday",
            },
        },
    ),
    Matter(
        "cards_agent",
        "approval",
        "Let the agent send this mail to 18,240 customers?",
        NO,
        "It was asked to answer one customer; it writes to all.",
        options={
            "risk": "high",
            "irreversible": True,
            "evidence": {
                "task": "Tell the customer of order 9350 when the lamp arrives.",
                "tool": "send_mail",
                "to": "all customers (18,240)",
                "text": "Your lamp arrives on Tuesday.",
            },
        },
    ),
    Matter(
        "cards_agent",
        "approval",
        "Let the agent run this command?",
        NO,
        "It deletes the orders, where it was asked to count them.",
        options={
            "risk": "high",
            "evidence": {
                "task": "Count the orders of yesterday.",
                "tool": "sql",
                "command": "DELETE FROM orders WHERE placed_on = yesterday",
            },
        },
    ),
    Matter(
        "cards_agent",
        "approval",
        "Let the agent read the orders of yesterday?",
        YES,
        "Only reads, and is what it was asked for.",
        options={
            "risk": "low",
            "evidence": {
                "task": "Count the orders of yesterday.",
                "tool": "sql, read only",
                "command": "SELECT count(*) FROM orders WHERE placed_on = yesterday",
            },
        },
    ),
]

ACCESS = [
    Matter(
        "cards_access",
        "approval",
        "Give dave the right to pay invoices until 5 December?",
        YES,
        "The head of finance asks for it as a deputy for a week.",
        options={
            "four_eyes": True,
            "evidence": {
                "asked_by": "the head of finance",
                "reason": "Deputy for one week of holidays",
                "training": "done on 3 March",
            },
        },
    ),
    Matter(
        "cards_access",
        "approval",
        "Give an unknown account all rights, without an end?",
        NO,
        "Nobody vouches for it, and all rights without end is too much.",
        options={
            "risk": "high",
            "evidence": {
                "account": "tmp-4410, made 5 minutes ago",
                "asked_by": "the account itself",
                "reason": "",
                "rights": "all",
                "until": "no end",
            },
        },
    ),
    Matter(
        "cards_access",
        "input",
        "By which day does the visitor's badge end?",
        "4 December 2026",
        "The visit ends on 4 December.",
        (date,),
        {
            "evidence": {
                "visit": "from 2 to 4 December 2026",
                "rule": "The badge ends with the visit.",
            }
        },
    ),
]

LANGUAGES = [
    Matter(
        "cards_refund",
        "approval",
        "Bestellung 9411: 25,00 € erstatten?",
        YES,
        "Returned after 3 of 30 days, undamaged.",
        options={
            "evidence": {
                "bezahlt": "25,00 €",
                "zurück nach": "3 Tagen (erlaubt: 30)",
                "Zustand": "neu",
            }
        },
    ),
    Matter(
        "cards_refund",
        "approval",
        "Rembourser 310,00 € pour la commande 9415 ?",
        NO,
        "Paid 31.00, so not 310.00.",
        options={"evidence": {"payé": "31,00 €", "à rembourser": "310,00 €"}},
    ),
    Matter(
        "cards_refund",
        "approval",
        "هل نعيد 40.00 € للطلب 9420؟",
        YES,
        "Paid 40.00, to refund 40.00, in time.",
        options={
            "evidence": {"paid": "40.00 €", "refund": "40.00 €", "returned_after": "5 days of 30"}
        },
    ),
    Matter(
        "cards_refund",
        "approval",
        "האם להחזיר 75.00 € להזמנה 9422?",
        NO,
        "Refunded already.",
        options={
            "evidence": {
                "paid": "75.00 €",
                **table("refunded", "order|amount|on", "9422|75.00 €|25 November"),
            }
        },
    ),
    Matter(
        "cards_refund",
        "choice",
        "¿Devolver 12,00 € por el pedido 9430?",
        "Yes, 12.00 €",
        "Paid 12.00 €, returned after 2 days of 30.",
        (["Yes, 12.00 €", "No"],),
        {
            "evidence": {
                "paid": "12.00 €",
                "returned_after": "2 days of 30",
                "condition": "undamaged",
            }
        },
    ),
]

MATTERS = [*MONEY, *RELEASES, *DATA, *TEXTS, *AGENTS, *ACCESS, *LANGUAGES]
