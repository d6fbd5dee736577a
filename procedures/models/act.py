"""The log of the site: what people did to the site, in a table to which rows are only added.

An entry (`Act`) is inserted in the same transaction as the change that it records, with a proof of
its fields. After the commit, the entry gets its number and is chained to the entry with the number
before. Numbering needs a lock: if it happened inside the transaction, everybody else who logs
something would have to wait for the end of that transaction.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.utils.translation import gettext_lazy as lazy

from procedures.engine.journal.events import Event, mark
from procedures.engine.journal.ledger import Damage, DamageKind, Ledger
from procedures.engine.values import canonical
from procedures.models.clock import clock
from procedures.models.proofs import (
    ledger_key,
    ledger_keys,
    nonce_of,
    proof_field,
    seal,
    unproven,
)

if TYPE_CHECKING:
    from procedures.users import User

CHAIN = "log"
"""The name of the log's chain of hashes, used where a run's chain has the run's id."""
ONLY = 1
LONGEST_NAME, LONGEST_THING = 254, 200
MOST_AT_ONCE = 500
"""The maximum number of entries that are chained in one transaction."""
NOTHING: Mapping[str, Any] = {}


@dataclass
class Origin:
    """The origin of a request: a network address and, for a program, the name of its token."""

    address: str | None = None
    program: str = ""


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


@contextmanager
def acting_from(address: str | None) -> Iterator[None]:
    """Record this address with all entries that are logged inside the block."""
    token = _origin.set(Origin(address))
    try:
        yield
    finally:
        _origin.reset(token)


def note_program(name: str) -> None:
    """Record this name of a token with all entries that are logged later in the same request."""
    if origin := _origin.get():
        origin.program = name


class ActQuerySet(models.QuerySet["Act"]):
    def about(self, row: models.Model) -> Self:
        """Return the entries that are about this row."""
        return self.about_keys(type(row), [row.pk])

    def about_keys(self, model: type[models.Model], keys: Iterable[Any]) -> Self:
        """Return the entries about these rows of a model, even if they have been removed."""
        return self.filter(about_type=type_of(model), about_id__in=[str(key) for key in keys])

    def by(self, user: "User") -> Self:
        return self.filter(by_id=str(user.pk))

    def chained(self) -> Self:
        return self.filter(seq__isnull=False)


class Act(models.Model):
    """An entry of the log: something that somebody did to the site, such as a sign-in."""

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in", lazy("Sign-in")
        FAILURE = "failure", lazy("Failed sign-in")
        LINK = "link", lazy("Sign-in link")
        TOKEN = "token", lazy("Token")
        PERSON = "person", lazy("Person")
        GROUP = "group", lazy("Group")
        GRANT = "grant", lazy("Role")
        SWITCH = "switch", lazy("Setting")
        VERB = "verb", lazy("Operation")
        VERIFY = "verify", lazy("Verification")
        EXPORT = "export", lazy("Export")
        REMOVAL = "removal", lazy("Removal")
        CHANGE = "change", lazy("Other change")

    seq = models.PositiveBigIntegerField(
        null=True,
        unique=True,
        help_text=lazy("The number of the log entry, assigned after the commit."),
    )
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField(db_index=True)
    # No foreign key: the log keeps who it was after an account has been deleted.
    by_id = models.CharField(max_length=64, blank=True, help_text=lazy("The id of the user."))
    name = models.CharField(
        max_length=LONGEST_NAME,
        blank=True,
        help_text=lazy("The user's name at that time, or the part of the system that acted."),
    )
    program = models.CharField(
        max_length=80, blank=True, help_text=lazy("The token with which a program acted.")
    )
    address = models.GenericIPAddressField(null=True)
    about_type = models.CharField(
        max_length=120, blank=True, help_text=lazy("The kind of object that was changed.")
    )
    about_id = models.CharField(max_length=64, blank=True)
    about = models.CharField(
        max_length=LONGEST_THING, blank=True, help_text=lazy("The object's name at that time.")
    )
    words = models.TextField(help_text=lazy("What was done, as a sentence."))
    reason = models.TextField(blank=True)
    changes = models.TextField(
        blank=True, help_text=lazy("The old and the new value of each field, as canonical JSON.")
    )
    proof = proof_field()
    hash = models.CharField(max_length=64, blank=True)

    objects = ActQuerySet.as_manager()

    SEALED: ClassVar = (
        *("kind", "at", "by_id", "name", "program", "address"),
        *("about_type", "about_id", "about", "words", "reason", "changes"),
    )

    class Meta:
        ordering = ["-pk"]
        verbose_name, verbose_name_plural = lazy("log entry"), lazy("log entries")
        indexes = [
            models.Index(fields=["about_type", "about_id", "id"], name="countersign_acts_about"),
            models.Index(fields=["by_id", "id"], name="countersign_acts_by"),
            models.Index(fields=["kind", "id"], name="countersign_acts_of_kind"),
            models.Index(
                fields=["id"], condition=models.Q(seq=None), name="countersign_acts_unchained"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'Unknown'}: {self.words}"

    @property
    def changed(self) -> list[tuple[str, str, str]]:
        """The name of each changed field, with the old and the new value of the field as text."""
        found = canonical.plain(self.changes) if self.changes else {}
        return [(name, _as_text(old), _as_text(new)) for name, (old, new) in found.items()]

    def linked(self, seq: int, head: str) -> Event:
        """Return this row as an event of the chain.

        `seq` is the number of the entry, and `head` is the hash of the entry before.
        """
        draft = Event(seq, self.kind, "", self.name, self.proof, self.at, "")
        digest = mark(draft, run_id=CHAIN, seq=seq, head=head, key=ledger_key())
        return draft._replace(hash=digest)


class LogHead(models.Model):
    """The number and the hash of the newest entry in the chain."""

    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = lazy("head of the log"), lazy("heads of the log")

    def __str__(self) -> str:
        return f"Act {self.seq}"

    @classmethod
    def current(cls) -> "LogHead":
        """Return the head of the log; if no entry has been chained yet, its number is 0."""
        return cls.objects.filter(pk=ONLY).first() or cls(pk=ONLY)


def log_act(
    kind: Act.Kind,
    words: str,
    *,
    by: "User | str" = "",
    about: models.Model | None = None,
    reason: str = "",
    changes: Mapping[str, Any] = NOTHING,
) -> Act:
    """Append an entry to the log, in the transaction of the change that the entry records.

    `by` is the person who acted, or the name of the part of the system that acted, or "" if that
    isn't known. `about` is the row that was changed. `changes` maps the name of each changed field
    to the old and the new value: `{"email": ["ann@old.example", "ann@new.example"]}`.
    """
    origin = _origin.get() or Origin()
    user = None if isinstance(by, str) else by
    name = str(by) if user is None else user.get_username()
    act = Act(
        kind=kind,
        at=clock.now(),
        by_id=str(user.pk) if user else "",
        name=name[:LONGEST_NAME],
        program=origin.program[:80],
        address=origin.address,
        about_type=type_of(about) if about else "",
        about_id=str(about.pk) if about else "",
        about=canonical.legible(str(about))[:LONGEST_THING] if about else "",
        words=canonical.legible(words),
        reason=canonical.legible(reason),
        changes=canonical.text_of(changes) if changes else "",
    )
    seal(act)
    act.save(force_insert=True)
    transaction.on_commit(chain_acts, robust=True)
    return act


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number of things in the words of the log, such as "5,000 runs" or "1 run".

    `many` is the plural, unless that is the singular with an "s".
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def type_of(row: models.Model | type[models.Model]) -> str:
    return str(row._meta.label_lower)  # noqa: SLF001 (Django documents it)


def chain_acts() -> int:
    """Give each entry without a number its number and hash; return how many entries got one.

    If this fails, these entries are chained together with the next one.
    """
    count = chained = _chain_some()
    while chained == MOST_AT_ONCE:
        chained = _chain_some()
        count += chained
    return count


@transaction.atomic
def _chain_some() -> int:
    if not Act.objects.filter(seq=None).exists():
        return 0
    head = _locked_head()
    acts = list(Act.objects.filter(seq=None).order_by("pk")[:MOST_AT_ONCE])
    for act in acts:
        link = act.linked(head.seq + 1, head.hash)
        act.seq, act.hash = link.seq, link.hash
        head.seq, head.hash = link.seq, link.hash
    Act.objects.bulk_update(acts, ["seq", "hash"])
    head.save(update_fields=["seq", "hash"])
    return len(acts)


def _locked_head() -> LogHead:
    rows = LogHead.objects.select_for_update().filter(pk=ONLY)
    if head := rows.first():
        return head
    LogHead.objects.get_or_create(pk=ONLY)
    return rows.get()


def verify_log() -> list[str]:
    """Return the faults of the log as sentences; an empty list if the log is intact."""
    # Their proofs are checked below like all others, so chaining a forged act hides nothing.
    chain_acts()
    head = LogHead.current()
    ledger = Ledger(CHAIN, head.seq, head.hash, ledger_key(), tuple(ledger_keys()[1:]))
    forged: list[str] = []
    damages = ledger.damages(_links(head.seq, forged))
    return [*map(str, damages), *forged, *_inserted_after(head.seq)]


def _links(last: int, forged: list[str]) -> Iterator[Event]:
    """Yield the entries as events of the chain, up to the number `last`.

    For each forged or copied entry, a sentence is added to `forged`.
    """
    nonces = set[str]()
    for act in Act.objects.chained().order_by("seq").filter(seq__lte=last).iterator(1000):
        if names := unproven(act):
            forged.append(f"Event {act.seq} was changed after it was written: {', '.join(names)}.")
        # Somebody who can write the table can copy an act with its proof, which is then chained.
        elif (nonce := nonce_of(act)) in nonces:
            forged.append(f"Event {act.seq} is a copy of an earlier one.")
        else:
            nonces.add(nonce)
        yield Event(int(act.seq or 0), act.kind, "", act.name, act.proof, act.at, act.hash)


def _inserted_after(last: int) -> list[str]:
    """Return a sentence for each entry with a number that the log hasn't given.

    Only entries with numbers above `last` are looked at.
    """
    later = list(Act.objects.filter(seq__gt=last).order_by("seq").values_list("seq", flat=True))
    # Read after the acts: those that were chained meanwhile are at most as far as this head.
    head = LogHead.current()
    numbers = [int(seq or 0) for seq in later]
    return [str(Damage(one, one, DamageKind.INSERTED)) for one in numbers if one > head.seq]
