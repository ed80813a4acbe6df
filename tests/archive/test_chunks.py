"""Where blocks and extents are cut depends on the rows alone, not on how they were read."""

import dataclasses
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.archive.chunks import BlockChunks, ParquetChunk, RejectedChunk, TextChunk, cut_into_blocks
from beam_pipelines.archive.csv_and_json_lines import WithoutColumn
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import raw_rows
from beam_pipelines.archive.rows.dialect import JSON_LINES
from beam_pipelines.archive.rows.raw_rows import RawRows
from tests.helpers.rows import often

ONE, OTHER = WithoutColumn(1, 1), WithoutColumn(2, 1)
END = Position(9)


def file_of(index: int, **more) -> InputFile:
    return InputFile(index, f"/in/{index}.csv", "csv", None, 100, **more)


def rows_of(lengths: list[int]) -> RawRows:
    """Rows of so many bytes, with the ends of their lines."""
    content = b"".join(b"a" * (length - 1) + b"\n" for length in lengths)
    parts = list(raw_rows.scan_raw_rows(io.BytesIO(content), JSON_LINES, 1 << 20))
    return RawRows.joined(parts, [0] * len(parts))


def text_chunks(file: InputFile, lengths: list[int], cuts: list[int], reader=ONE) -> list[TextChunk]:
    """The rows of a file, in chunks that end at some rows."""
    rows = rows_of(lengths)
    ends = sorted({cut % len(rows) for cut in cuts} | {0})
    parts = [rows.take(slice(start, end)) for start, end in zip(ends, [*ends[1:], None], strict=True)]
    return [TextChunk(file, part, reader, stored_bytes=float(len(part))) for part in parts]


def places(taken: BlockChunks) -> list[tuple[int, int]]:
    """The file and the offset of each row of a block."""
    return [(chunk.file.index, start) for chunk in taken.chunks for start in chunk.starts.tolist()]


def cut_plainly(files: list[tuple[list[int], object]], block_bytes: int, extent_bytes: int | None) -> list[tuple]:
    """The same cuts by the rule's own words, a row at a time: each block's extent, its rows and the next extent."""
    extent, block_start, extent_start, before, reader_before = Position(0), 0, 0, 0, None
    blocks: list[tuple] = []
    block: list[tuple[int, int]] = []
    for index, (lengths, reader) in enumerate(files):
        offset = 0
        for length in lengths:
            start = before + offset
            starts_extent = extent_bytes and start // extent_bytes > extent_start // extent_bytes
            if block and (start >= block_start + block_bytes or starts_extent or reader != reader_before):
                following = Position(index, 0, offset) if starts_extent else None
                blocks.append((extent, block, following))
                extent, block, block_start = following or extent, [], start
                extent_start = start if following else extent_start
            block.append((index, offset))
            offset, reader_before = offset + length, reader
        before += offset
    return [*blocks, (extent, block, END)]


lengths = st.lists(st.sampled_from([1, 2, 3, 7, 30]), min_size=1, max_size=12)
archives = st.lists(
    st.tuples(lengths, st.lists(st.integers(0, 20), max_size=4), st.sampled_from([ONE, OTHER])), max_size=4
)


@settings(often, max_examples=150)
@given(archives, st.sampled_from([1, 5, 10, 1000]), st.sampled_from([None, 10, 12, 40, 1000]))
def test_the_cuts_are_those_of_the_rule_however_rows_come_in_chunks(archive, block_bytes, extent_bytes):
    chunks = [
        chunk
        for index, (sizes, cuts, reader) in enumerate(archive)
        for chunk in text_chunks(file_of(index), sizes, cuts, reader)
    ]
    found = list(cut_into_blocks(chunks, Position(0), END, block_bytes=block_bytes, extent_bytes=extent_bytes))
    expected = cut_plainly([(sizes, reader) for sizes, _, reader in archive], block_bytes, extent_bytes)
    assert [(taken.extent, places(taken), taken.next_extent) for taken in found] == expected


@settings(often, max_examples=150)
@given(archives, st.sampled_from([1, 5, 10, 1000]), st.sampled_from([10, 12, 40]))
def test_extents_are_on_the_grid_and_no_row_is_lost(archive, block_bytes, extent_bytes):
    chunks = [
        chunk for index, (sizes, cuts, _) in enumerate(archive) for chunk in text_chunks(file_of(index), sizes, cuts)
    ]
    found = list(cut_into_blocks(chunks, Position(0), END, block_bytes=block_bytes, extent_bytes=extent_bytes))
    assert [row for taken in found for row in places(taken)] == [
        row for chunk in chunks for row in places(BlockChunks(END, [chunk], None))
    ]
    assert sum(chunk.stored_bytes for taken in found for chunk in taken.chunks) == pytest.approx(
        sum(len(sizes) for sizes, _, _ in archive)
    )
    before = np.cumsum([0, *(sum(sizes) for sizes, _, _ in archive)]).tolist()
    cells: dict[Position, set[int]] = {}
    for taken in found:
        cells.setdefault(taken.extent, set()).update(
            (before[file] + start) // extent_bytes for file, start in places(taken)
        )
    assert all(len(cell) <= 1 for cell in cells.values())
    assert len({cell for cells_of_extent in cells.values() for cell in cells_of_extent}) == sum(
        map(bool, cells.values())
    )


def test_an_extent_that_begins_in_the_middle_of_a_file_is_cut_from_there():
    rows = rows_of([10] * 6).take(slice(2, None))
    chunk = TextChunk(file_of(0), rows, ONE, 40.0)
    found = list(cut_into_blocks([chunk], Position(0, 0, 20), Position(0, 0, 60), block_bytes=20))
    assert [(taken.extent, places(taken), taken.next_extent) for taken in found] == [
        (Position(0, 0, 20), [(0, 20), (0, 30)], None),
        (Position(0, 0, 20), [(0, 40), (0, 50)], Position(0, 0, 60)),
    ]


@pytest.mark.parametrize("extent_bytes", [None, 10])
def test_an_extent_without_a_row_has_a_block(extent_bytes):
    """Something has to tell that it is done."""
    [taken] = cut_into_blocks([], Position(2), Position(4), block_bytes=10, extent_bytes=extent_bytes)
    assert taken == (Position(2), [], Position(4))


def test_a_first_row_behind_a_byte_order_mark_makes_no_empty_block():
    rows = rows_of([5, 5])
    marked = TextChunk(file_of(0), dataclasses.replace(rows, offsets=rows.offsets + 3), ONE, 10.0)
    found = list(cut_into_blocks([marked], Position(0), END, block_bytes=1, extent_bytes=1))
    assert [(taken.extent, places(taken)) for taken in found] == [
        (Position(0), [(0, 3)]),
        (Position(0, 0, 8), [(0, 8)]),
    ]


def test_what_is_rejected_as_one_shares_the_block_of_the_rows_before():
    file = file_of(0)
    rejected = RejectedChunk(file, Reject.of(file, 3, "damaged_file", "it ends"), 20, 77)
    rows = text_chunks(file, [10, 10], [])
    more = text_chunks(file_of(1), [10], [])
    found = list(cut_into_blocks([*rows, rejected, *more], Position(0), END, block_bytes=100, extent_bytes=100))
    assert [places(taken) for taken in found] == [[(0, 0), (0, 10), (0, 20)], [(1, 0)]]
    assert [taken.next_extent for taken in found] == [None, END]
    assert sum(chunk.stored_bytes for chunk in found[0].chunks) == 2 + 77


def parquet_chunk(index: int, row: int, offset: int, column: str = "text", **more) -> ParquetChunk:
    batch = pa.record_batch({column: ["abcd"] * 5})
    return ParquetChunk(file_of(index, **more), batch, row, offset, 10.0)


def test_chunks_of_parquet_are_taken_whole_and_named_by_their_rows():
    file = file_of(0)
    chunks = [
        ParquetChunk(file, pa.record_batch({"text": ["abcd"] * 5}), 5 * index, 40 * index, 10.0) for index in range(4)
    ]
    found = list(cut_into_blocks(chunks, Position(0), END, block_bytes=80, extent_bytes=100))
    assert [(taken.extent, [chunk.row for chunk in taken.chunks], taken.next_extent) for taken in found] == [
        (Position(0), [0, 5], None),
        (Position(0), [10], Position(0, 0, 15)),
        (Position(0, 0, 15), [15], END),
    ]


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (parquet_chunk(0, 0, 0), parquet_chunk(1, 0, 0), True),
        (parquet_chunk(0, 0, 0), parquet_chunk(1, 0, 0, "body"), False),
        (parquet_chunk(0, 0, 0), parquet_chunk(1, 0, 0, partitions=(("stars", "5"),)), False),
        (
            parquet_chunk(0, 0, 0, partitions=(("stars", "4"),)),
            parquet_chunk(1, 0, 0, partitions=(("stars", "5"),)),
            True,
        ),
        (parquet_chunk(0, 0, 0), *text_chunks(file_of(1), [3], []), False),
        (*text_chunks(file_of(0), [3], []), parquet_chunk(1, 0, 0), False),
        (*text_chunks(file_of(0), [3], []), *text_chunks(file_of(1), [3], []), True),
        (*text_chunks(file_of(0), [3], []), *text_chunks(file_of(1), [3], [], OTHER), False),
        (
            *text_chunks(file_of(0, partitions=(("a", "1"),)), [3], []),
            *text_chunks(file_of(1, partitions=(("b", "1"),)), [3], []),
            False,
        ),
        (
            *text_chunks(file_of(0, partitions=(("a", "1"),)), [3], []),
            *text_chunks(file_of(1, partitions=(("a", None),)), [3], []),
            True,
        ),
    ],
)
def test_rows_of_two_files_share_a_block_where_they_can_be_read_together(one, other, share):
    assert one.shares_block_with(other) is other.shares_block_with(one) is share
    found = list(cut_into_blocks([one, other], Position(0), END, block_bytes=1 << 20, extent_bytes=1 << 20))
    assert [len(taken.chunks) for taken in found] == ([2] if share else [1, 1])
    assert [taken.next_extent for taken in found] == [None] * (len(found) - 1) + [END]
