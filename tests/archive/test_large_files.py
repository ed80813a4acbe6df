"""A large file is cut into extents at its rows, row groups or members, and no row is lost or read twice."""

import os
import pathlib

import pytest

from beam_pipelines.archive import large_files, read_extents
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.large_files import TextRange
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.errors import UserError
from tests.helpers.archives import COMPRESS, found_file, list_extents, parquet, read_found, tarred, texts_of, zipped

MAX_ROW_BYTES = 60
CONTENTS = {
    "csv": b"\n".join(
        [
            b"text,n",
            b"plain,1",
            b'"quoted\nnewlines,\n\nand ""quotes""",2',
            b"",
            b"too,many,fields",
            b'"a quote that never closes and so goes on,3',
            b"and on,4",
            b"a row that is far too long " * 9,
            b"last,5",
        ]
    ),
    "jsonl": b"\n".join(
        [
            b'{"text": "plain", "n": 1}',
            b'{"text": "no n"}',
            b"",
            b"not json",
            b'{"text": "%s"}' % (b"far too long " * 9),
            b'{"text": "last", "n": 5}\n',
        ]
    ),
}
SIZES = [1, 9, 40, 100, 1 << 20]


def options_of(size: int, *columns: str) -> ReadOptions:
    return ReadOptions(columns=columns or ("text",), block_bytes=size, extent_bytes=size, max_row_bytes=MAX_ROW_BYTES)


def extents_of(path: pathlib.Path, content: bytes, size: int) -> list[Extent]:
    return list_extents([found_file(path, content)], options_of(size))


def is_chain(listed: list[Extent]) -> bool:
    begins = [extent.begin for extent in listed]
    return begins[0] == Position(0) and [extent.next for extent in listed] == [*begins[1:], Position(1)]


@pytest.mark.parametrize("range_bytes", [7, 50, 1 << 20])
@pytest.mark.parametrize("format", CONTENTS)
@pytest.mark.parametrize("size", SIZES)
def test_the_extents_of_a_text_file_cover_it(tmp_path, monkeypatch, format, size, range_bytes):
    """However it is shared out to be scanned; a cut inside a row would lose it and read it twice."""
    monkeypatch.setattr(large_files, "RANGE_BYTES", range_bytes)
    content = CONTENTS[format]
    listed = extents_of(tmp_path / f"a.{format}", content, size)
    assert is_chain(listed)
    if size > len(content):
        return
    spans = [span for extent in listed for span in extent.spans]
    assert [Position(0, 0, span.start) for span in spans] == [extent.begin for extent in listed]
    assert [span.end for span in spans] == [*(span.start for span in spans[1:]), None]
    assert [span.row_number for span in spans] == [content[: span.start].count(b"\n") + 1 for span in spans]
    # Each begins at the first row at or behind a multiple of the size.
    assert len({span.start // size for span in spans}) == len(spans)


@pytest.mark.parametrize("compression", list(COMPRESS)[1:])
@pytest.mark.parametrize("format", CONTENTS)
@pytest.mark.parametrize("size", SIZES)
def test_compression_changes_no_block(tmp_path, format, size, compression):
    """An archive that is unpacked and scored again gives shards of the same names and rows."""
    content = CONTENTS[format]
    seen = []
    for name, packed in {"plain": content, f"packed{compression}": COMPRESS[compression](content)}.items():
        file = found_file(tmp_path / f"a.{format}{name.removeprefix('packed').removeprefix('plain')}", packed)
        blocks = read_found([file], options_of(size, "text", "n"))
        seen.append(
            [
                (
                    block.extent,
                    block.next_extent,
                    block.rows.to_pydict(),
                    block.row_numbers.tolist(),
                    [(reject.row_number, reject.reason, reject.raw) for reject in block.rejects],
                )
                for block in blocks
            ]
        )
    assert seen[0] == seen[1]
    assert len(seen[0]) > 3 or size > 9


def test_a_quoted_newline_starts_no_extent(tmp_path):
    listed = extents_of(tmp_path / "a.csv", b'text\n"a\nb"\nc\n', 1)
    spans = [(span.start, span.end, span.row_number) for extent in listed for span in extent.spans]
    assert spans == [(0, 5, 1), (5, 11, 2), (11, None, 4)]


def test_a_byte_order_mark_belongs_to_the_first_extent(tmp_path):
    listed = extents_of(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"text": "a"}\n{}\n', 1)
    assert [(span.start, span.end) for extent in listed for span in extent.spans] == [(0, 17), (17, None)]


@pytest.mark.parametrize("compression", list(COMPRESS)[1:])
def test_a_compressed_file_is_one_extent_and_read_as_several(tmp_path, compression):
    [extent] = extents_of(tmp_path / f"a.csv{compression}", COMPRESS[compression](CONTENTS["csv"]), 9)
    assert (extent.begin, extent.next, [(span.start, span.end) for span in extent.spans]) == (
        Position(0),
        Position(1),
        [(0, None)],
    )
    assert len({block.extent for block in read_extents.read(extent, options_of(9))}) > 3


@pytest.mark.parametrize(
    ("rows_per_group", "size", "expected"),
    [
        (10, 1 << 20, [None]),
        (10, 1, [(group,) for group in range(10)]),
        (100, 1, [(0,)]),
        (30, 1, [(0,), (1,), (2,), (3,)]),
    ],
)
def test_row_groups_are_packed_into_extents(tmp_path, rows_per_group, size, expected):
    texts = [f"{number:050}" for number in range(100)]
    listed = extents_of(tmp_path / "a.parquet", parquet({"text": texts}, rows_per_group), size)
    assert is_chain(listed)
    assert [extent.spans[0].row_groups if extent.spans else None for extent in listed] == expected
    blocks = [block for extent in listed for block in read_extents.read(extent, options_of(size))]
    assert [number for block in blocks for number in block.row_numbers.tolist()] == list(range(1, 101))


def test_several_row_groups_make_an_extent(tmp_path):
    content = parquet({"text": [f"{number:0100}" for number in range(100)]}, 10)
    listed = extents_of(tmp_path / "a.parquet", content, len(content) * 35 // 100)
    assert [extent.spans[0].row_groups for extent in listed] == [(0, 1, 2), (3, 4, 5), (6, 7, 8), (9,)]
    assert [extent.begin.offset for extent in listed] == [0, 30, 60, 90]
    assert [extent.spans[0].row_number for extent in listed] == [1, 31, 61, 91]
    assert sum(span.share for extent in listed for span in extent.spans) == pytest.approx(1)


def members_of(listed: list[Extent]) -> list[list[str]]:
    return [[span.file.member for span in extent.spans] for extent in listed]


def test_members_of_a_zip_are_packed_and_a_tar_is_read_in_one_pass(tmp_path):
    contents = {
        name: b"text\n" + b"a\n" * count for name, count in {"a.csv": 10, "b.csv": 10, "c.csv": 60, "d.csv": 1}.items()
    }
    listed = extents_of(tmp_path / "a.zip", zipped(contents), 60)
    assert members_of(listed) == [["a.csv", "b.csv"], ["c.csv"], ["d.csv"]]
    assert [extent.begin for extent in listed] == [Position(0), Position(0, 2), Position(0, 3)]
    assert is_chain(listed)
    blocks = [block for extent in listed for block in read_extents.read(extent, options_of(60))]
    assert len(texts_of(blocks)) == 81
    # A member that is larger than an extent becomes several.
    assert {block.extent for block in blocks} == {
        *(extent.begin for extent in listed),
        Position(0, 2, 61),
        Position(0, 2, 121),
    }
    [tar] = extents_of(tmp_path / "a.tar", tarred(contents), 60)
    assert members_of([tar]) == [["a.csv", "b.csv", "c.csv", "d.csv"]]


def test_a_file_that_cannot_be_read_is_left_to_who_rejects_it(tmp_path):
    file = found_file(tmp_path / "a.csv", b"SQLite format 3\0" + bytes(99))
    assert large_files.list_extents(file, options_of(10)) == [Extent(Position(0), Position(1), found=(file,))]


def test_a_file_that_has_changed_is_refused(tmp_path):
    file = found_file(tmp_path / "a.csv", b"text\n" + b"a\n" * 99)
    [text_range] = large_files.list_extents(file, options_of(10))
    assert isinstance(text_range, TextRange)
    os.utime(file.path, (1, 1))
    for read in (large_files.list_extents, large_files.scan_range):
        with pytest.raises(UserError, match=r"a\.csv has changed since the job began"):
            read(file if read is large_files.list_extents else text_range, options_of(10))


def test_what_is_kept_is_given_back(tmp_path):
    listed = extents_of(tmp_path / "a.csv", b"text\n" + b"a\n" * 99, 50)
    assert large_files.saved(str(tmp_path / "out"), 0) is None
    large_files.save(str(tmp_path / "out"), 0, listed)
    assert large_files.saved(str(tmp_path / "out"), 0) == listed
    assert large_files.saved(str(tmp_path / "out"), 1) is None
