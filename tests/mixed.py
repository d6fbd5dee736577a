"""A hundred mixed requests in six languages, with the answers that a script gives to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PAPER = "paper.txt"
LANGUAGES = (
    "Refund {n} € for order 2024-{n}?",
    "Bestellung {n}: Rücksendekostenübernahmevereinbarung genehmigen?",
    "Rembourser la commande {n} ?",
    "هل نعيد المبلغ للطلب {n}؟",
    "האם להחזיר את ההזמנה {n}?",
    "注文 {n} を返金しますか?",
)


@dataclass(frozen=True)
class Mixed:
    """A request, and what its answerer decides."""

    kind: str
    prompt: str
    keys: tuple[str, ...]
    """The keys that answer it; "type:…" types the characters, "file:…" chooses a file for a key."""
    value: Any
    """The value that is kept afterwards."""
    options: dict[str, Any] = field(default_factory=dict)
    taps: tuple[str, ...] = ()
    """The names of the buttons and options that answer it on a phone."""

    def is_kept(self, value: Any) -> bool:
        """Return True if this is the value; a file is known by its name."""
        if isinstance(value, dict) and "digest" in value:
            return bool(value["name"] == self.value)
        return bool(value == self.value)


def short(size: int = 40) -> Iterator[Mixed]:
    """Yield approvals and choices as people tap them; of 40, ten are choices, five are final."""
    for n in range(size):
        if n % 4 == 1:
            yield Mixed("choice", f"Item {n}?", (), "Replace", taps=("Replace", "Answer"))
        elif n % 8 == 4:
            options = {"irreversible": True}
            taps = ("Approve", "Approve for good")
            yield Mixed("approval", f"Item {n}?", (), value=True, options=options, taps=taps)
        else:
            yield Mixed("approval", f"Item {n}?", (), value=True, taps=("Approve",))


def mixed(size: int = 100) -> Iterator[Mixed]:
    """Yield requests of all kinds in turn.

    Of 100, 40 are approvals, five of them irreversible; 20 choices, four of more than six; 15
    inputs; 10 forms of three fields; 10 reviews, three edited; and five uploads or problems.
    """
    rota = (
        *("approval", "choice", "approval", "input", "review", "approval", "form", "choice"),
        *("approval", "input", "approval", "choice", "approval", "upload", "approval", "input"),
        *("review", "approval", "choice", "form"),
    )
    for n in range(size):
        prompt = LANGUAGES[n % len(LANGUAGES)].format(n=1000 + n)
        yield MAKERS[rota[n % len(rota)]](n, prompt)


def _approval(n: int, prompt: str) -> Mixed:
    options: dict[str, Any] = {"irreversible": True} if n % 20 == 12 else {}
    if options:
        return Mixed("approval", prompt, ("a", "Enter"), value=True, options=options)
    is_yes = n % 3 != 0
    return Mixed("approval", prompt, ("a" if is_yes else "r",), value=is_yes)


def _choice(n: int, prompt: str) -> Mixed:
    if n % 20 == 18 and n < 80:
        keys = ("e", "type:depot 11", "Enter", "Enter")
        return Mixed("long choice", prompt, keys, value="depot-11")
    return Mixed("choice", prompt, ("2", "Enter"), value="Replace")


def _input(n: int, prompt: str) -> Mixed:
    return Mixed("text", prompt, ("e", f"type:Shelf {n}", "Control+Enter"), value=f"Shelf {n}")


def _form(n: int, prompt: str) -> Mixed:
    keys = ("e", f"type:Blum {n}", "Tab", "type:3", "Tab", "type:v", "Control+Enter")
    kept = {"name": f"Blum {n}", "parcels": 3, "carrier": "van"}
    return Mixed("form", prompt, keys, value=kept)


def _review(n: int, prompt: str) -> Mixed:
    options = {"draft": f"Dear {n},\nthank you.\n"}
    if n % 20 == 16 and n < 60:
        keys = ("e", "Control+End", "type:Bye.", "Escape", "a")
        kept = {"decision": "approved", "text": f"Dear {n},\nthank you.\nBye."}
        return Mixed("review", prompt, keys, value=kept, options=options)
    return Mixed("review", prompt, ("a",), value={"decision": "approved"}, options=options)


def _upload(n: int, prompt: str) -> Mixed:
    if n % 40 == 33:
        return _problem(n, prompt)
    return Mixed("upload", prompt, ("file:e", "Control+Enter"), value=PAPER)


def _problem(n: int, prompt: str) -> Mixed:
    return Mixed("escalation", prompt, ("e", f"type:Called {n}", "Control+Enter"), f"Called {n}")


MAKERS = {
    "approval": _approval,
    "choice": _choice,
    "input": _input,
    "form": _form,
    "review": _review,
    "upload": _upload,
}
