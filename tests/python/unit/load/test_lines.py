"""A file is cut into blocks of whole lines, wherever its blocks end."""

import io

import pytest

from scripts.load import lines as lines_module
from scripts.load.lines import Lines, read_lines
from scripts.load.rows import FileError

BLOCK_SIZES = [1, 2, 3, 5, 7, 16, 1000]


def blocks(content: bytes, block_bytes: int = 1000, skip: int = 0) -> list[Lines]:
    return list(read_lines(io.BytesIO(content), block_bytes, skip, lambda _: None))


def lines(found: list[Lines]) -> list[tuple[int, bytes]]:
    return [
        (int(number), block.line(index))
        for block in found
        for index, number in enumerate(block.numbers)
    ]


def violations(found: list[Lines]) -> list[tuple[int, str, bytes]]:
    return [(each.line, each.reason, each.raw) for block in found for each in block.violations]


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
def test_blocks_that_cut_lines_anywhere_give_the_same_lines(block_bytes: int) -> None:
    content = "one\r\ntw\u00f6\n\nfour\0\nfive\rx\nsix".encode()
    found = blocks(content, block_bytes)
    assert lines(found) == [(1, b"one"), (2, "tw\u00f6".encode()), (6, b"six")]
    assert violations(found) == [
        (3, "the line is empty", b""),
        (4, "control character 0x00 in column 5", b"four\0"),
        (5, "carriage return in column 5, inside the line", b"five\rx"),
    ]
    assert [block.unterminated for block in found if len(block.numbers)][-1]


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
@pytest.mark.parametrize("content", [b"a\n", b"a", b"ab\n", b"a\nb", b"abc", b"a\r\n", b"abcdef"])
def test_files_of_a_few_bytes_are_read_whole(content: bytes, block_bytes: int) -> None:
    found = blocks(content, block_bytes)
    assert [line for _, line in lines(found)] == content.split()
    assert found[-1].unterminated == (not content.endswith(b"\n"))


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
def test_a_byte_order_mark_is_no_part_of_the_first_line(block_bytes: int) -> None:
    assert lines(blocks(b"\xef\xbb\xbfone\ntwo\n", block_bytes)) == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_with_what_to_do(encoding: str) -> None:
    with pytest.raises(FileError, match="line 1: the file is UTF-16; save it as UTF-8"):
        blocks("\ufeffone\n".encode(encoding))


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
@pytest.mark.parametrize("skip", [0, 1, 2, 3, 9])
def test_header_lines_are_left_out_and_still_counted(skip: int, block_bytes: int) -> None:
    found = blocks(b"h\n\nc\nd\n", block_bytes, skip)
    expected = [(1, b"h"), (3, b"c"), (4, b"d")]
    assert lines(found) == [line for line in expected if line[0] > skip]
    assert [number for number, *_ in violations(found)] == [2] * (skip < 2)


def test_an_empty_file_has_no_lines() -> None:
    assert blocks(b"") == []


def test_tabs_and_characters_of_several_bytes_are_text() -> None:
    content = "a\tb\u00fc\u4e2d\U0001f600\u0085\u2028z\n".encode()
    assert lines(blocks(content)) == [(1, content[:-1])]


def test_a_character_cut_by_a_block_is_still_one_character() -> None:
    content = "\U0001f600\U0001f600\n".encode()
    for block_bytes in range(1, 9):
        assert lines(blocks(content, block_bytes)) == [(1, content[:-1])]


def test_a_line_without_end_is_no_reason_to_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines_module, "LONGEST_READ", 1 << 20)
    with pytest.raises(FileError, match="no line end within 1 MiB: this is not a text file"):
        blocks(b"x" * (2 << 20), 1 << 16)


def test_the_longest_line_is_a_record_and_a_longer_one_is_not() -> None:
    longest = b"x" * lines_module.LONGEST_LINE
    found = blocks(longest + b"\n" + longest + b"x\nend\n")
    assert lines(found) == [(1, longest), (3, b"end")]
    assert violations(found)[0][1].startswith("the line has 1048577 bytes, at most 1048576")


def test_progress_counts_the_bytes_of_the_file() -> None:
    counts: list[int] = []
    content = b"one\ntwo\nthree\n"
    list(read_lines(io.BytesIO(content), 4, 0, counts.append))
    assert sum(counts) == len(content)


def test_lines_that_hold_a_character_are_found_once() -> None:
    (block,) = blocks(b'a"b"\nc\n"\n')
    assert block.holding('"') == [0, 2]
