"""Long lists lie in blocks: who needs a few of their values reads no more than these."""

import pytest

from procedures.engine.journal.large import packed_list, part_of
from procedures.engine.values.files import use_file_store
from procedures.testing.files import MemoryFiles


class CountedFiles(MemoryFiles):
    """Counts the bytes that are read."""

    read = 0

    def get(self, digest: str) -> bytes:
        content = super().get(digest)
        self.read += len(content)
        return content


@pytest.mark.parametrize("length", [1, 100, 101, 250, 10_000, 10_001, 30_303])
def test_any_part_of_it_is_found(length: int) -> None:
    values = [f"value {number}" for number in range(length)]
    parts = [(0, 1), (length // 2, length // 2 + 150), (length - 1, length), (length, length)]

    with use_file_store(MemoryFiles()):
        content = packed_list("inputs", values)
        for start, stop in parts:
            stop = min(stop, length)  # noqa: PLW2901 (a list has an end)
            assert part_of(content, "inputs", start, stop) == values[start:stop]


def test_what_is_read_does_not_grow_with_the_list() -> None:
    read = []
    for length in (1_000, 100_000):
        files = CountedFiles()
        with use_file_store(files):
            content = packed_list("inputs", [f"{number:06}" for number in range(length)])
            assert part_of(content, "inputs", 777, 778) == ["000777"]
        read.append(files.read)
        assert len(str(content)) < 1_000

    assert read[0] < 1_000
    assert read[1] < 10_000


def test_without_a_store_the_list_is_part_of_its_event() -> None:
    content = packed_list("inputs", list(range(300)))

    assert content == {"inputs": list(range(300))}
    assert part_of(content, "inputs", 100, 102) == [100, 101]
