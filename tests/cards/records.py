"""Records and texts."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tests.cards.matter import NO, YES, changed, matter, table


class Delivery(BaseModel):
    """The address and the carrier of a parcel."""

    street: Annotated[str, Field(max_length=80)]
    town: Annotated[str, Field(max_length=80)]
    carrier: Annotated[
        Literal["letter", "parcel", "freight"],
        Field(description="Letters up to 1 kg, parcels up to 30 kg, freight above."),
    ]


DATA = [
    matter(
        "cards_correct",
        "approval",
        "Correct the address of customer 5518?",
        YES,
        "Only a swapped letter is mended, as the customer wrote.",
        evidence={
            **changed(
                {"street": "Mian Street 4", "town": "Newport"},
                {"street": "Main Street 4", "town": "Newport"},
            ),
            "customer_wrote": "It is Main Street, you have it wrong.",
        },
    ),
    matter(
        "cards_correct",
        "approval",
        "Correct the address of customer 5520?",
        NO,
        "The customer wrote number 14, the change says 41.",
        evidence={
            **changed(
                {"street": "Hill Road 2", "town": "Bridgend"},
                {"street": "Hill Road 41", "town": "Bridgend"},
            ),
            "customer_wrote": "We moved along the road, to Hill Road 14.",
        },
    ),
    matter(
        "cards_correct",
        "approval",
        "Merge the customers 5531 and 5532?",
        YES,
        "Same person: birthday, mail and street are equal, and the names fit.",
        undo="10s",
        evidence=table(
            "customers",
            "number|name|born|mail|street",
            "5531|A. Berg|3 May 1980|berg at example|Long Lane 8",
            "5532|Anna Berg|3 May 1980|berg at example|Long Lane 8",
        ),
    ),
    matter(
        "cards_correct",
        "approval",
        "Merge the customers 5540 and 5547?",
        NO,
        "Different birthdays, mails and towns: two people of one name.",
        evidence=table(
            "customers",
            "number|name|born|mail|town",
            "5540|Jo Lind|9 June 1971|lind at example|Oslo",
            "5547|Jo Lind|22 March 1999|jo99 at example|Bergen",
        ),
    ),
    matter(
        "cards_correct",
        "choice",
        "Which of these articles do we take out of the shop?",
        "A-2 and A-4",
        "The two that nobody makes any more and that are sold out.",
        ["A-1", "A-2", "A-3", "A-4"],
        body="Take out what **isn't made any more** and **is sold out**.",
        many=True,
        evidence=table(
            "articles",
            "article|still_made|in_stock",
            "A-1|yes|0",
            "A-2|no|0",
            "A-3|no|17",
            "A-4|no|0",
        ),
    ),
    matter(
        "cards_correct",
        "form",
        "Where does parcel 77 go?",
        "Elm Road 5, Dover, parcel",
        "As the customer wrote; 12 kg is a parcel.",
        Delivery,
        evidence={
            "customer_wrote": "Please send it to my neighbor, Elm Road 5 in Dover.",
            "weight": "12 kg",
        },
    ),
    matter(
        "cards_correct",
        "input",
        "How many lamps are in the picture of shelf 9?",
        "7",
        "The count of the second person says 7 as well as the scanner.",
        int,
        evidence=table(
            "counts", "by|lamps", "scanner|7", "first person|8 (one was a shade)", "second person|7"
        ),
    ),
]
TEXTS = [
    matter(
        "cards_publish",
        "review",
        "Is this reply fine?",
        "approve",
        "It is polite, and amount and order are those of the evidence.",
        "Dear Ms. Berg,\nwe have refunded 62.40 € for order 9350.\nKind regards\nThe shop\n",
        evidence={"order": "9350", "amount": "62.40 €", "customer": "Ms. Berg"},
    ),
    matter(
        "cards_publish",
        "review",
        "Is this announcement fine?",
        "reject or edit",
        "The draft says 30 %, the table 20 %.",
        "# Winter sale\n\nFrom Monday **all lamps** are 30 % cheaper.\n",
        format="markdown",
        evidence=table("sale", "articles|cheaper_by|from", "all lamps|20 %|Monday"),
    ),
    matter(
        "cards_publish",
        "review",
        "Are these prices fine?",
        "reject or edit",
        "A lamp at 3.85 € in place of 38.50 €.",
        [
            {"article": "Lamp", "old": "37.00", "new": "3.85"},
            {"article": "Shade", "old": "5.80", "new": "6.00"},
        ],
        format="table",
        evidence={"decided": "Lamps 38.50 €, shades 6.00 €"},
        comment_required_on="rejected",
    ),
    matter(
        "cards_publish",
        "approval",
        "Publish this text on the first page?",
        "ask back or no",
        "The opening hours are missing (the text says XX).",
        body="We are open on **Saturday from XX to XX**, too.\n\nCome and see us!",
        ask_back=True,
    ),
    matter(
        "cards_publish",
        "review",
        "Is the program's change fine?",
        "reject or edit",
        "It multiplies by 91 where the comment and the task say 19 %.",
        '# 19 % tax\ntax = price * Decimal("0.91")\n',
        format="code",
        evidence={"task": "Compute the tax of 19 %."},
    ),
    matter(
        "cards_publish",
        "upload",
        "Upload the signed contract of Northern Paper for our records.",
        "a file",
        "It asks for a file; the signed PDF has to be uploaded.",
        accept="application/pdf",
        evidence={"contract": "C-118", "signed_on": "24 November"},
    ),
    matter(
        "cards_publish",
        "choice",
        "Which picture goes with the article about brass lamps?",
        "Brass lamp on a desk",
        "It is the only one of a brass lamp.",
        {"1": "Glass vase", "2": "Brass lamp on a desk", "3": "Empty shelf"},
        descriptions={"1": "2 MB", "2": "1 MB", "3": "1 MB"},
    ),
]
