"""A step's text: shown as it comes, stored once with the step's end, masked, limited."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Thread
from typing import Any

import pytest

from procedures.engine.declaration.definition import Procedure
from procedures.engine.journal.events import Batch, Event, EventKind, Piece, RunStatus
from procedures.engine.values.secrecy import site_secrets
from procedures.testing import run_procedure
from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend, answer
from tests.conformance.seeds.watched import WatchedJournal
from tests.procedures.writing import REPORT, author

SECRET = "s3cret-of-the-site"


@pytest.fixture(autouse=True)
def pen() -> Iterator[None]:
    author.forget()
    yield
    author.forget()


@pytest.fixture
def secret() -> Iterator[str]:
    site_secrets.add(SECRET)
    yield SECRET
    site_secrets.discard(SECRET)


def written(backend: Backend, run_id: str) -> list[dict[str, Any]]:
    return [e.content for e in backend.events(run_id) if e.kind == EventKind.NOTICE]


def shown(backend: Backend) -> str:
    """The pieces of the last attempt that people were shown, which a store in memory keeps."""
    assert isinstance(backend, MemoryBackend)
    pieces = [piece for _run, _epoch, piece in backend.store.shown]
    begins = [place for place, piece in enumerate(pieces) if piece.text and piece.at == 0]
    last = [piece for piece in pieces[begins[-1] :] if piece.text]
    assert [piece.at for piece in last] == [
        len("".join(one.text for one in last[:count]).encode()) for count in range(len(last))
    ]
    return "".join(piece.text for piece in last)


def test_a_text_is_stored_whole_with_the_end_of_its_step(backend: Backend) -> None:
    run_id = backend.start(procedures.report_in_pieces)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    text = "".join(REPORT)
    assert written(backend, run_id) == [
        {
            "text": text,
            "markdown": True,
            "step": "write",
            "attempt": 1,
            "digest": sha256(text.encode()).hexdigest(),
        }
    ]
    kinds = [(event.kind, event.key) for event in backend.events(run_id)][1:4]
    assert kinds == [("progress", "write"), ("notice", "write"), ("step.succeeded", "write")]
    if isinstance(backend, MemoryBackend):
        assert shown(backend) == text


class Ordered(WatchedJournal):
    """Notes in which order a step's end is kept, committed and shown."""

    order: list[str]

    @contextmanager
    def transaction(self) -> Iterator[float | None]:
        with super().transaction() as longest:
            yield longest
        self.order.append("transaction committed")

    def commit(self, batch: Batch) -> list[Event]:
        events = super().commit(batch)
        if any(event.kind == EventKind.STEP_SUCCEEDED for event in events):
            self.order.append("end stored")
        return events

    def show(self, piece: Piece) -> None:
        if piece.end:
            self.order.append(f"end shown: {piece.end}")
        super().show(piece)


@pytest.mark.parametrize(
    ("code", "before"),
    [
        (procedures.report_in_pieces, ["end stored"]),
        (procedures.report_that_may_be_repeated, ["end stored"]),
        (procedures.report_in_a_transaction, ["end stored", "transaction committed"]),
    ],
)
def test_the_end_of_a_text_is_shown_only_once_it_is_committed(
    backend: Backend, code: Procedure, before: list[str]
) -> None:
    journal = backend.claim(backend.start(code))
    assert journal
    ordered = Ordered(journal)
    ordered.order = []

    ordered.advance(code)

    assert ordered.order == [*before, "end shown: kept"]


def test_only_the_text_of_the_last_attempt_is_stored(backend: Backend) -> None:
    author.fails_in = (1,)
    run_id = backend.start(procedures.report_written_again)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert [(one["attempt"], one.get("is_cut")) for one in written(backend, run_id)] == [(2, None)]
    if isinstance(backend, MemoryBackend):
        ends = [piece for *_, piece in backend.store.shown if piece.end]
        assert [(piece.attempt, piece.end) for piece in ends] == [(1, "failed"), (2, "kept")]
        assert ends[-1].digest == written(backend, run_id)[0]["digest"]


def test_the_text_of_a_step_that_fails_for_good_says_that_it_may_be_incomplete(
    backend: Backend,
) -> None:
    author.fails_in = (1, 2)
    run_id = backend.start(procedures.report_written_again)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert [(one["attempt"], one["is_cut"]) for one in written(backend, run_id)] == [(2, True)]


def test_a_replay_posts_no_text_again(backend: Backend) -> None:
    run_id = backend.start(procedures.report_before_a_question)
    backend.advance(run_id)

    answer(backend, run_id, next(iter(backend.open_waits(run_id))))
    backend.advance(run_id)

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    assert len(written(backend, run_id)) == 1


def test_secrets_of_the_site_are_masked_even_in_two_pieces(backend: Backend, secret: str) -> None:
    author.pieces = ["The key is ", secret[:5], f"{secret[5:]}, not ", secret[:4], " or ", secret]
    run_id = backend.start(procedures.report_in_pieces)

    backend.advance(run_id)

    assert written(backend, run_id)[0]["text"] == f"The key is ***, not {secret[:4]} or ***"
    if isinstance(backend, MemoryBackend):
        assert shown(backend) == f"The key is ***, not {secret[:4]} or ***"


def test_characters_that_no_database_stores_are_made_printable(backend: Backend) -> None:
    author.pieces = ["a\0b", "\ud83d", "\ude00", " 😀 שלום"]
    run_id = backend.start(procedures.report_in_pieces)

    backend.advance(run_id)

    assert written(backend, run_id)[0]["text"] == "a␀b\\ud83d\\ude00 😀 שלום"


def test_a_long_text_is_stored_beside_its_message(backend: Backend) -> None:
    author.pieces = ["0123456789" * 1_000] * 12
    run_id = backend.start(procedures.report_in_pieces)

    backend.advance(run_id)

    [content] = written(backend, run_id)
    assert (len(content["text"]), content["left_out"]) == (20_000, 100_000)
    assert content["written"] is None
    assert "written_elsewhere" in content


def test_other_threads_of_the_step_write_too(backend: Backend) -> None:
    def write_beside() -> None:
        assert author.step
        writes: Callable[[str], None] = author.step.write
        thread = Thread(target=writes, args=["·"])
        thread.start()
        thread.join()

    author.between = write_beside
    run_id = backend.start(procedures.report_in_pieces)

    backend.advance(run_id)

    assert written(backend, run_id)[0]["text"] == "".join(f"{piece}·" for piece in REPORT)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([5], "The text of step.write must be a string, not 5."),
        (["x" * 5_000_001], "The step write has written more than 5,000,000 characters."),
    ],
)
def test_what_is_no_text_or_too_much_of_it_is_refused(
    backend: Backend, pieces: list[Any], words: str
) -> None:
    author.pieces = pieces
    run_id = backend.start(procedures.report_in_pieces)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert words in error["message"]
    assert written(backend, run_id) == []


def test_a_step_writes_nothing_after_its_end(backend: Backend) -> None:
    run_id = backend.start(procedures.writes_after_its_end)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert error["message"] == "The step write has ended and can't write any more text."


def test_a_rehearsal_shows_what_was_written() -> None:
    run = run_procedure(procedures.report_in_pieces)

    assert run.written == {"write": "".join(REPORT)}
    assert run.notices == []


def test_a_notice_has_markdown_data_files_and_steps_and_a_replay_posts_it_once(
    backend: Backend,
) -> None:
    run_id = backend.start(procedures.posts_everything)
    backend.advance(run_id)
    answer(backend, run_id, next(iter(backend.open_waits(run_id))))
    backend.advance(run_id)

    [content] = written(backend, run_id)
    assert content["body"].startswith("There is **one** order.")
    assert content["data"] == [{"amount": "12.00 €", "order": "2024-1187"}]
    assert content["order"] == [["order", "amount"]]
    assert [file["name"] for file in content["files"]] == ["list of orders.csv"]
    assert content["cites"] == ["keep_list", "a/b#2"]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"body": 5}, "body= of ctx.notify must be a string, not 5."),
        ({"files": "a"}, "files= of ctx.notify must be a list of files, not 'a'."),
        ({"files": ["a"]}, "files= of ctx.notify must be a list of files, not 'a'."),
        ({"cites": "pay"}, "cites= of ctx.notify must be a list of step names, not 'pay'."),
        ({"cites": ["x"] * 21}, "cites= of ctx.notify can name at most 20 steps."),
        ({"body": "x" * 50_001}, "The body of this notice has 50,001 characters"),
        ({"data": ["x" * 300_000]}, "The data of this notice has 300,004 characters of JSON"),
        ({"bodi": "x"}, "bodi"),
    ],
)
def test_parts_of_a_notice_that_nobody_could_read_are_refused(
    backend: Backend, parts: dict[str, Any], words: str
) -> None:
    run_id = backend.start(procedures.posts_what_is_asked, parts=parts)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert words in error["message"]
    assert written(backend, run_id) == []
