"""A demo procedure that makes every kind of request, in the languages of a shop's customers."""
# ruff: noqa: RUF001 (sentences in other alphabets)

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from procedures.engine import Context, Currency, procedure

Amount = Annotated[Decimal, Currency("EUR")]


class Language(StrEnum):
    """The language of a customer."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es"
    ARABIC = "ar"
    JAPANESE = "ja"


OWN_NAMES = Field(
    json_schema_extra={
        "labels": {
            Language.ENGLISH: "English",
            Language.GERMAN: "Deutsch",
            Language.FRENCH: "Français",
            Language.SPANISH: "Español",
            Language.ARABIC: "العربية",
            Language.JAPANESE: "日本語",
        }
    }
)
"""The name of each language in the language itself, which the start form shows."""


class Matter(StrEnum):
    """The subject of a case at the service desk; it decides which kind of request people get."""

    REFUND = "refund"
    PAYOUT = "payout"
    CARRIER = "carrier"
    AMOUNT = "amount"
    ADDRESS = "address"
    LETTER = "letter"
    RECEIPT = "receipt"
    TROUBLE = "trouble"


class Outcome(StrEnum):
    """The course of a case: "Ask" asks people; all other courses end or wait without a question."""

    ASK = "ask"
    DONE = "done"
    MAIL_FAILS = "mail fails"
    BANK_FAILS = "bank fails"
    REST = "rest"


@dataclass(frozen=True)
class Words:
    """The sentences in one language; `{order}` and `{amount}` are replaced by those of the case."""

    refund: str
    reason: str
    yes: str
    no: str
    carrier: str
    amount: str
    address: str
    letter: str
    text: str
    receipt: str
    trouble: str


WORDS = {
    Language.ENGLISH: Words(
        "Refund {amount} for order {order}?",
        "The parcel arrived damaged, and the carrier agrees.",
        "Refund {amount}",
        "Do not refund",
        "Which carrier takes order {order}?",
        "What did the customs office charge for order {order}?",
        "Where does order {order} go?",
        "Is this letter about order {order} right?",
        "Dear customer,\n\nwe have found your parcel. It will arrive **tomorrow**.\n",
        "Upload the receipt of order {order}",
        "Nobody at the warehouse answers questions about order {order}",
    ),
    Language.GERMAN: Words(
        "{amount} für Bestellung {order} erstatten?",
        "Das Paket kam beschädigt an; die Speditionsversicherung bestätigt den Transportschaden.",
        "{amount} erstatten",
        "Nicht erstatten",
        "Wer befördert Bestellung {order}?",
        "Was hat das Zollamt für Bestellung {order} berechnet?",
        "Wohin geht Bestellung {order}?",
        "Ist dieser Brief zu Bestellung {order} richtig?",
        "Guten Tag,\n\nwir haben Ihr Paket gefunden. Es kommt **morgen** an.\n",
        "Quittung zu Bestellung {order} hochladen",
        "Im Lager antwortet niemand zu Bestellung {order}",
    ),
    Language.FRENCH: Words(
        "Rembourser {amount} pour la commande {order} ?",
        "Le colis est arrivé endommagé, le transporteur le reconnaît.",
        "Rembourser {amount}",
        "Ne pas rembourser",
        "Quel transporteur prend la commande {order} ?",
        "Combien la douane a-t-elle demandé pour la commande {order} ?",
        "Où va la commande {order} ?",
        "Cette lettre au sujet de la commande {order} est-elle juste ?",
        "Bonjour,\n\nnous avons retrouvé votre colis. Il arrivera **demain**.\n",
        "Ajouter le reçu de la commande {order}",
        "Personne ne répond à l’entrepôt pour la commande {order}",
    ),
    Language.SPANISH: Words(
        "¿Devolver {amount} por el pedido {order}?",
        "El paquete llegó dañado y el transportista lo reconoce.",
        "Devolver {amount}",
        "No devolver",
        "¿Qué transportista lleva el pedido {order}?",
        "¿Cuánto cobró la aduana por el pedido {order}?",
        "¿Adónde va el pedido {order}?",
        "¿Es correcta esta carta sobre el pedido {order}?",
        "Buenos días:\n\nhemos encontrado su paquete. Llegará **mañana**.\n",
        "Subir el recibo del pedido {order}",
        "Nadie contesta en el almacén por el pedido {order}",
    ),
    Language.ARABIC: Words(
        "هل نعيد {amount} عن الطلب {order}؟",
        "وصل الطرد تالفًا، وشركة النقل توافق على ذلك.",
        "إعادة {amount}",
        "عدم الإعادة",
        "أي شركة نقل تأخذ الطلب {order}؟",
        "كم طلبت الجمارك عن الطلب {order}؟",
        "إلى أين يذهب الطلب {order}؟",
        "هل هذه الرسالة عن الطلب {order} صحيحة؟",
        "مرحبًا،\n\nوجدنا طردكم، وسيصل **غدًا**.\n",
        "ارفع إيصال الطلب {order}",
        "لا أحد يجيب في المستودع بشأن الطلب {order}",
    ),
    Language.JAPANESE: Words(
        "注文{order}の{amount}を返金しますか？",
        "荷物は破損して届き、運送会社も認めています。",
        "{amount}を返金する",
        "返金しない",
        "注文{order}はどの運送会社が運びますか？",
        "注文{order}の関税はいくらでしたか？",
        "注文{order}の送り先はどこですか？",
        "注文{order}についてのこの手紙は正しいですか？",
        "お客様\n\nお荷物が見つかりました。**明日**到着します。\n",
        "注文{order}の領収書をアップロードしてください",
        "注文{order}について倉庫から返事がありません",
    ),
}
CARRIERS = {"post": "Post", "rail": "Rail", "bike": "Cargo bike", "own": "Our own van"}
AT_MOST = Decimal(1000)
"""The largest amount in euros that doesn't count as a high risk."""


@dataclass(frozen=True)
class Address:
    """A delivery address."""

    street: str
    town: str
    note: str = ""


@procedure(
    title="Service desk",
    subject="Order {order}: {matter}",
    roles={"start": "support", "answer": "finance", "operate": "operators"},
)
def desk(  # noqa: PLR0913, PLR0917 (the facts of a case)
    ctx: Context,
    order: str,
    amount: Amount,
    language: Annotated[Language, OWN_NAMES] = Language.ENGLISH,
    matter: Matter = Matter.REFUND,
    outcome: Outcome = Outcome.ASK,
    due: str = "",
) -> str:
    """Handle a case about one order. This demo asks people in the language of the customer.

    The matter decides which kind of request people get. `due` is the time within which they should
    answer, such as "20 min".
    """
    ctx.stage("Read the case")
    ctx.step(look_up, order)
    if outcome == Outcome.ASK:
        ctx.stage("Decide")
        ask(ctx, matter, Case(order, amount, WORDS[language], {"due": due} if due else {}))
    ctx.stage("Settle")
    if outcome == Outcome.REST:
        ctx.sleep("2 days", reason="The bank takes two days.")
    ctx.step(pay_back, order, outcome)
    ctx.step(send_mail, order, outcome)
    return f"Order {order} is settled."


@dataclass(frozen=True)
class Case:
    """The order and amount of a case, its sentences, and options of its request such as `due`."""

    order: str
    amount: Decimal
    words: Words
    options: dict[str, Any]

    def say(self, sentence: str) -> str:
        return sentence.format(order=self.order, amount=f"{self.amount:,.2f} €")


def ask(ctx: Context, matter: Matter, case: Case) -> None:
    """Ask people about a case, with the kind of request that fits its matter."""
    words, options = case.words, case.options
    match matter:
        case Matter.REFUND | Matter.PAYOUT:
            ask_for_money(ctx, matter, case)
        case Matter.CARRIER:
            ctx.choose(case.say(words.carrier), CARRIERS, **options)
        case Matter.AMOUNT:
            ctx.ask(case.say(words.amount), Amount, evidence=evidence(case), **options)
        case Matter.ADDRESS:
            ctx.form(case.say(words.address), Address, **options)
        case Matter.LETTER:
            ctx.review(case.say(words.letter), words.text, format="markdown", **options)
        case Matter.RECEIPT:
            ctx.upload(case.say(words.receipt), accept=("application/pdf", "image/*"), **options)
        case Matter.TROUBLE:
            ctx.escalate(case.say(words.trouble), body=words.reason, **options)


def ask_for_money(ctx: Context, matter: Matter, case: Case) -> None:
    risk: dict[str, Any] = {"risk": "high"} if case.amount > AT_MOST else {}
    ctx.approve(
        case.say(case.words.refund),
        yes=case.say(case.words.yes),
        no=case.words.no,
        body=case.words.reason,
        evidence=evidence(case),
        irreversible=matter == Matter.PAYOUT,
        **risk,
        **case.options,
    )


def evidence(case: Case) -> list[dict[str, Any]]:
    postage = Decimal("9.90")
    items = [("Espresso cup, set of 4", case.amount - postage), ("Postage both ways", postage)]
    return [{"item": item, "amount": f"{amount:,.2f} €"} for item, amount in items]


def look_up(order: str) -> str:
    return f"Order {order} was paid by card."


def pay_back(order: str, outcome: Outcome) -> str:
    if outcome == Outcome.BANK_FAILS:
        raise ConnectionError("The bank answered 503: try again later.")
    return f"Refunded {order}."


def send_mail(order: str, outcome: Outcome) -> str:
    if outcome == Outcome.MAIL_FAILS:
        raise OSError("SMTP 550: the mailbox is unavailable.")
    return f"Wrote to the customer of {order}."
