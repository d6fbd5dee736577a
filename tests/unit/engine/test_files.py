"""Files by reference."""

import pytest

from procedures.engine import EngineError, File
from procedures.engine.values.files import open_desk, use_file_store
from procedures.testing.files import MemoryFiles


def test_a_file_is_read_as_it_was_kept() -> None:
    with use_file_store(MemoryFiles()):
        made = open_desk().made = []
        file = File.keep("orders.csv", "a;ü\n")
        assert (file.read(), file.text()) == ("a;ü\n".encode(), "a;ü\n")

    assert made == [file]
    assert (file.name, file.size, file.content_type) == ("orders.csv", 5, "text/csv")


def test_a_byte_order_mark_is_no_text() -> None:
    with use_file_store(MemoryFiles()):
        file = File.store("orders.csv", b"\xef\xbb\xbfa")
        assert file.text() == "a"


def test_equal_contents_have_one_digest() -> None:
    with use_file_store(MemoryFiles()):
        one, other = File.store("a.txt", "same"), File.store("b.txt", "same")

    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.csv", "report.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\alice\\report.csv", "report.csv"),
        (".env", ".env"),
        ("Rückgabe 🙂.csv", "Rückgabe 🙂.csv"),
        ("a\0b\r\n\u202ec.csv", "abc.csv"),
        ("\ud800.csv", ".csv"),
        *[(nothing, "file") for nothing in ("", ".", "..", "/", "a/..", "\n")],
        ("a" * 300 + ".csv", "a" * 196 + ".csv"),
    ],
)
def test_a_name_is_plain_and_leads_nowhere(given: str, kept: str) -> None:
    with use_file_store(MemoryFiles()):
        assert File.store(given, b"").name == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("text/html; charset=utf-8", "text/html; charset=utf-8"),
        ("", "text/csv"),
        ("text/html\r\nX: y", "text/csv"),
        ("x" * 101, "text/csv"),
    ],
)
def test_a_content_type_is_one_line(given: str, kept: str) -> None:
    with use_file_store(MemoryFiles()):
        assert File.store("a.csv", b"", content_type=given).content_type == kept


def test_an_unknown_ending_is_bytes() -> None:
    with use_file_store(MemoryFiles()):
        assert File.store("a.unheard-of", b"").content_type == "application/octet-stream"


def test_files_are_kept_in_steps_only() -> None:
    with (
        use_file_store(MemoryFiles()),
        pytest.raises(EngineError, match="must be called inside a step"),
    ):
        File.keep("a.txt", "a")


def test_without_a_run_there_are_no_files() -> None:
    with pytest.raises(EngineError, match="inside a run"):
        File.store("a.txt", "a")
