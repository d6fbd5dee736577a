"""The texts that running steps write, kept in Redis so that people can read them at once.

Each text is a Redis stream of its own, and only one attempt in one claim writes to it. So a worker
that has lost its run can't write into another worker's text. The id of an entry is the length of
the text, in UTF-8 bytes, up to the end of the entry. Therefore a reader who has the first 4,000
bytes asks for the entries above 4000-0, and an entry that is sent twice does no harm.

Redis keeps these texts for a limited time, and no step waits for Redis. The commit at the end of a
step stores the whole text in the journal.
"""

import json
import logging
import queue
import time
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import redis

from procedures.background import Background
from procedures.conf import conf
from procedures.engine.journal.events import Piece

CHANNEL = "countersign.texts"
"""The Redis channel that announces which texts have grown."""
PREFIX = "countersign.text"
LARGEST = 1_000_000
"""The maximum number of bytes of a text that are shown while its step writes; the rest is shown
later."""
GATHER = 0.05
"""Seconds for which pieces are gathered before they are sent, so that a text grows at most 20 times
a second."""
PAUSE = 1.0
"""Seconds between two attempts to reach Redis."""
PATIENCE = 0.5
LASTS = 3600
"""Seconds for which a text can be read after its step has ended."""
LASTS_UNFINISHED = 86_400
"""Seconds for which a text whose step hasn't ended can be read after its last piece."""
MOST_TEXTS = 20
"""The maximum number of texts shown for a run: the ones to which steps wrote most recently."""
ATTEMPTS, HALF = 2**20, 0.5
ENTRY_EXISTS = "equal or smaller"
"""Words in the error message of Redis if an entry with the same or a larger id exists already."""
TEXT, LONG, END, DIGEST = b"text", b"long", b"end", b"digest"
"""The fields of entries: a piece of the text, a mark that the text is longer than `LARGEST`, how
the step ended, and the digest of the whole text."""
logger = logging.getLogger(__name__)


class Draft(NamedTuple):
    """A text that an attempt of a step writes during one claim of its run."""

    run: str
    step: str
    number: int
    """A number made of the claim's and the attempt's number; a later text has a larger one."""

    @classmethod
    def of(cls, run: str, epoch: int, piece: Piece) -> "Draft":
        return cls(run, piece.step, epoch * ATTEMPTS + piece.attempt)

    @classmethod
    def listed(cls, run: str, step: bytes, score: float) -> "tuple[Draft, bool]":
        """Return the text that an entry of `index_of` stands for, and True if the text has ended.

        `step` and `score` are the parts of the entry.
        """
        return cls(run, step.decode(), int(score)), score > int(score)

    @property
    def attempt(self) -> int:
        return self.number % ATTEMPTS

    @property
    def key(self) -> str:
        """The Redis key of the text."""
        return f"{PREFIX}:{self.run}:{self.number}:{self.step}"


def index_of(run: str) -> str:
    """Return the Redis key of a sorted set with each step of a run that has written a text.

    A step's score is the `number` of its newest text, plus one half if this text has ended.
    """
    return f"{PREFIX}s:{run}"


def newest_of(run: str) -> str:
    """Return the Redis key of a sorted set of a run's steps, scored by the latest piece's time.

    The scores in `index_of` can't serve for this: the steps of one claim have the same number, so a
    text that is still being written would rank below texts that have ended.
    """
    return f"{PREFIX}s:newest:{run}"


Entry = tuple[str, dict[bytes, bytes]]


@dataclass
class _Unsent:
    """The part of a text that hasn't been sent to Redis yet."""

    pieces: deque[bytes] = field(default_factory=deque)
    size: int = 0
    """The length of the text so far, in bytes."""
    is_long: bool = False
    marks: list[Entry] = field(default_factory=list)
    has_ended: bool = False

    def take(self, piece: Piece) -> None:
        raw = piece.text.encode()
        if not self.is_long and piece.at + len(raw) > LARGEST:
            self.is_long = True
            self.marks.append((f"{piece.at}-1", {LONG: b"1"}))
        if raw and not self.is_long:
            self.pieces.append(raw)
            self.size = piece.at + len(raw)
        if piece.end:
            end = {END: piece.end.encode(), DIGEST: piece.digest.encode()}
            self.marks.append((f"{piece.at}-2", end))
            self.has_ended = True

    def entries(self) -> list[Entry]:
        text = b"".join(self.pieces)
        return [*([(f"{self.size}-0", {TEXT: text})] if text else []), *self.marks]

    def forget(self) -> None:
        self.pieces.clear()
        self.marks.clear()


class TextSender(Background[tuple[Draft, Piece]]):
    """A thread that gathers pieces of texts and sends them to Redis."""

    name = "scribe"
    failure = "Texts of running steps can't be shown before the steps end: %s"

    def tell(self, run: str, epoch: int, piece: Piece) -> None:
        """Put a piece into the queue for the thread, without waiting for Redis."""
        self.put((Draft.of(run, epoch, piece), piece))

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._unsent: dict[Draft, _Unsent] = {}

    def work(self) -> None:
        patience = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        client = redis.Redis.from_url(conf.REDIS_URL, **patience)
        while True:
            self._gather(PAUSE if any(one.entries() for one in self._unsent.values()) else None)
            time.sleep(GATHER)
            while not self.queue.empty():
                self._gather(None)
            try:
                self._send(client)
            except redis.RedisError as error:
                logger.debug("The texts of running steps couldn't be sent to Redis: %s", error)
                # Texts that have ended are in the chat; the others are sent with their next pieces.
                self._unsent = {key: one for key, one in self._unsent.items() if not one.has_ended}

    def _gather(self, timeout: float | None) -> None:
        try:
            draft, piece = self.queue.get(timeout=timeout)
        except queue.Empty:
            return
        if draft not in self._unsent:  # nobody reads the text of an earlier attempt any more
            self._unsent = {one: rest for one, rest in self._unsent.items() if one[:2] != draft[:2]}
        self._unsent.setdefault(draft, _Unsent()).take(piece)

    def _send(self, client: redis.Redis) -> None:
        sent = {draft: entries for draft, one in self._unsent.items() if (entries := one.entries())}
        with client.pipeline(transaction=False) as pipeline:
            for draft, entries in sent.items():
                index, newest = index_of(draft.run), newest_of(draft.run)
                has_ended = self._unsent[draft].has_ended
                # Only a later text replaces an earlier one; the text of a lost worker has a smaller
                # number.
                score = draft.number + HALF if has_ended else draft.number
                pipeline.zadd(index, {draft.step: score}, gt=True)
                pipeline.zadd(newest, {draft.step: time.time()})
                pipeline.zremrangebyrank(newest, 0, -MOST_TEXTS - 1)
                for place, fields in entries:
                    pipeline.xadd(draft.key, dict(fields), id=place)  # type: ignore[arg-type]
                pipeline.expire(draft.key, LASTS if has_ended else LASTS_UNFINISHED)
                pipeline.expire(index, LASTS_UNFINISHED)
                pipeline.expire(newest, LASTS_UNFINISHED)
            runs = sorted({f"text:{draft.run}" for draft in sent})
            pipeline.publish(CHANNEL, json.dumps(runs))
            _check(pipeline.execute(raise_on_error=False))
        for draft in sent:
            self._unsent[draft].forget()
        self._unsent = {key: one for key, one in self._unsent.items() if not one.has_ended}


def _check(answers: list[object]) -> None:
    """Raise the first error in Redis's responses other than that an entry exists already."""
    for answer in answers:
        if isinstance(answer, redis.RedisError) and ENTRY_EXISTS not in str(answer):
            raise answer


scribe = TextSender()
