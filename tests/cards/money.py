"""Payments and refunds, some of them in other languages."""

from collections.abc import Sequence
from typing import Any

from tests.cards.matter import NO, YES, matter, table


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


MONEY = [
    matter(
        "cards_pay",
        "approval",
        "Pay invoice 4411 of Copper Workshop, 214.00 €?",
        YES,
        "The lines add up to the total, and the order and the delivery note agree.",
        evidence={
            **invoice("4411", [("Lamp", 4, 38.5), ("Shade", 10, 6.0)], "214.00 €"),
            "delivered": "4 lamps and 10 shades, note 771",
        },
        undo="10s",
    ),
    matter(
        "cards_pay",
        "approval",
        "Pay invoice 4427 of Northern Paper, 1,180.00 €?",
        NO,
        "The lines add up to 1,080.00 €, not 1,180.00 €.",
        evidence=invoice("4427", [("Boxes, large", 200, 3.9), ("Tape", 100, 3.0)], "1,180.00 €"),
        comment_required_on="rejected",
    ),
    matter(
        "cards_pay",
        "approval",
        "Pay invoice 4431 of Harbor Freight Lines, 890.00 €?",
        NO,
        "The same invoice was paid a week ago.",
        evidence={
            "invoice": "4431",
            "amount": "890.00 €",
            **table(
                "paid_before",
                "invoice|amount|paid_on|to",
                "4398|412.00 €|2 November|Harbor Freight Lines",
                "4431|890.00 €|20 November|Harbor Freight Lines",
            ),
        },
    ),
    matter(
        "cards_refund",
        "approval",
        "Refund 62.40 € for order 9350?",
        YES,
        "Returned after 12 of 30 days, undamaged, so the policy allows it.",
        body="Our policy: full refund within **30 days**, if the item is undamaged.",
        evidence={
            "order": "9350",
            "amount": "62.40 €",
            "returned_after": "12 days",
            "condition": "undamaged",
        },
        due="4h",
    ),
    matter(
        "cards_refund",
        "approval",
        "Refund 189.00 € for order 9377?",
        NO,
        "Returned after 74 days; the policy ends at 30.",
        body="Our policy: full refund within **30 days**, if the item is undamaged.",
        evidence={
            "order": "9377",
            "amount": "189.00 €",
            "returned_after": "74 days",
            "condition": "undamaged",
        },
    ),
    matter(
        "cards_refund",
        "choice",
        "What do we do about the broken lamp of order 9402?",
        "Replace",
        "The customer asks for another lamp, and it is in stock.",
        ["Repair", "Replace", "Refund"],
        evidence={
            "customer_wrote": "The glass arrived in pieces. Please send another one.",
            "glass": "can't be repaired",
            "in_stock": 31,
        },
    ),
    matter(
        "cards_pay",
        "approval",
        "Pay out 48,000.00 € to a new account of Copper Workshop?",
        NO,
        "A new account, named by a free mail address, which nobody there knows of: fraud.",
        risk="high",
        irreversible=True,
        evidence={
            "account": {"before": "DE, ends in 3000", "after": "another country, ends in 9917"},
            "told_by": "a mail from copper.workshop.billing, a free mail address",
            "called_back": "nobody at Copper Workshop knows of it",
        },
    ),
    matter(
        "cards_pay",
        "input",
        "Which amount in € do we pay for the hours of November?",
        "720",
        "18 hours at 40.00 €.",
        evidence={
            **table("hours", "week|hours", "45|6", "46|4", "47|8"),
            "rate": "40.00 € an hour",
        },
    ),
]
LANGUAGES = [
    matter(
        "cards_refund",
        "approval",
        "Bestellung 9411: 25,00 € erstatten?",
        YES,
        "Returned after 3 of 30 days, undamaged.",
        evidence={"bezahlt": "25,00 €", "zurück nach": "3 Tagen (erlaubt: 30)", "Zustand": "neu"},
    ),
    matter(
        "cards_refund",
        "approval",
        "Rembourser 310,00 € pour la commande 9415 ?",
        NO,
        "Paid 31.00, so not 310.00.",
        evidence={"payé": "31,00 €", "à rembourser": "310,00 €"},
    ),
    matter(
        "cards_refund",
        "approval",
        "هل نعيد 40.00 € للطلب 9420؟",
        YES,
        "Paid 40.00, to refund 40.00, in time.",
        evidence={"paid": "40.00 €", "refund": "40.00 €", "returned_after": "5 days of 30"},
    ),
    matter(
        "cards_refund",
        "approval",
        "האם להחזיר 75.00 € להזמנה 9422?",
        NO,
        "Refunded already.",
        evidence={
            "paid": "75.00 €",
            **table("refunded", "order|amount|on", "9422|75.00 €|25 November"),
        },
    ),
    matter(
        "cards_refund",
        "choice",
        "¿Devolver 12,00 € por el pedido 9430?",
        "Yes, 12.00 €",
        "Paid 12.00 €, returned after 2 days of 30.",
        ["Yes, 12.00 €", "No"],
        evidence={"paid": "12.00 €", "returned_after": "2 days of 30", "condition": "undamaged"},
    ),
]
