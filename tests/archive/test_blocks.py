"""Blocks cover an archive without a gap, and are the same however its files are compressed."""

import pyarrow as pa
import pytest

from beam_pipelines.archive import blocks, parquet_blocks, read_extents
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import raw_rows, row_scanner
from beam_pipelines.archive.rows.dialect import CSV
from tests.helpers.archives import COMPRESS, input_file, parquet, read_all

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


def extents(file: InputFile, size: int) -> list[blocks.Extent]:
    return list(
        blocks.list_extents((file,), ReadOptions(columns=("text",), block_bytes=size, max_row_bytes=MAX_ROW_BYTES))
    )


def sized(*sizes: int) -> list[InputFile]:
    return [InputFile(place, f"{place}.csv", "csv", None, size) for place, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], 1 << 20),
        ([5], 1 << 20),
        ([128 << 20], 1 << 20),
        ([384 << 20], 3 << 20),
        ([700 << 20, 324 << 20], 4 << 20),
        ([8 << 30], 4 << 20),
        ([1 << 40], 4 << 20),
    ],
)
def test_a_block_grows_with_the_archive_from_1_to_4_mb(sizes, expected):
    assert blocks.block_bytes(sized(*sizes)) == expected


@pytest.mark.parametrize("format", CONTENTS)
@pytest.mark.parametrize("size", SIZES)
def test_the_extents_of_a_plain_file_cover_it(tmp_path, format, size):
    """A gap would lose rows, an overlap would score them twice, a cut inside a row would do both."""
    content = CONTENTS[format]
    file = input_file(tmp_path / f"a.{format}", content)
    found = extents(file, size)
    assert [extent.start for extent in found] == [0, *(extent.end for extent in found[:-1])]
    assert found[-1].end is None
    assert all(extent.end - extent.start >= size for extent in found[:-1])
    for extent in found:
        assert extent.row_number == content[: extent.start].count(b"\n") + 1
        options = ReadOptions(columns=("text",), block_bytes=size, max_row_bytes=MAX_ROW_BYTES)
        assert [(block.start, block.end) for block in read_extents.read(extent, options)] == [
            (extent.start, extent.end)
        ]


def test_a_quoted_newline_starts_no_extent(tmp_path):
    file = input_file(tmp_path / "a.csv", b'text\n"a\nb"\nc\n')
    starts = [(extent.start, extent.end, extent.row_number) for extent in extents(file, 1)]
    assert starts == [(0, 5, 1), (5, 11, 2), (11, None, 4)]


def test_an_empty_file_has_no_extent(tmp_path):
    assert extents(input_file(tmp_path / "a.csv", b""), 1) == []


@pytest.mark.parametrize("compression", list(COMPRESS)[1:])
def test_a_compressed_file_is_one_extent(tmp_path, compression):
    file = input_file(tmp_path / f"a.csv{compression}", COMPRESS[compression](CONTENTS["csv"]))
    assert extents(file, 1) == [blocks.Extent((file,), 0, None, 1)]


@pytest.mark.parametrize("compression", list(COMPRESS)[1:])
@pytest.mark.parametrize("format", CONTENTS)
@pytest.mark.parametrize("size", SIZES)
def test_compression_changes_no_block(tmp_path, format, size, compression):
    """An archive that is unpacked and scored again gives shards of the same names and rows."""
    content = CONTENTS[format]
    plain = input_file(tmp_path / f"a.{format}", content)
    packed = input_file(tmp_path / f"a.{format}{compression}", COMPRESS[compression](content))
    expected, found = (
        [
            (
                block.name,
                block.rows.to_pydict(),
                block.row_numbers,
                [(r.row_number, r.reason, r.raw) for r in block.rejects],
            )
            for block in read_all(file, ("text", "n"), size=size, max_row_bytes=MAX_ROW_BYTES)
        ]
        for file in (plain, packed)
    )
    assert found == expected
    assert len(expected) > 3 or size > 9


@pytest.mark.parametrize("size", SIZES)
def test_groups_cut_where_extents_cut(tmp_path, size):
    content = CONTENTS["csv"]
    file = input_file(tmp_path / "a.csv", content)
    with input_files.open_file(file) as stream:
        rows = list(row_scanner.scan_rows(stream.data, CSV, MAX_ROW_BYTES))
    with input_files.open_file(file) as stream:
        grouped = list(blocks.cut_into_blocks(raw_rows.scan_raw_rows(stream.data, CSV, MAX_ROW_BYTES), 0, None, size))
    assert [row for _, _, group in grouped for part in group for row in part.iter_rows()] == rows
    assert [(start, end) for start, end, _ in grouped] == [(found.start, found.end) for found in extents(file, size)]


def test_a_byte_order_mark_belongs_to_the_first_block(tmp_path):
    file = input_file(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"text": "a"}\n{}\n')
    assert extents(file, 1) == [blocks.Extent((file,), 0, 17, 1), blocks.Extent((file,), 17, None, 2)]


def test_a_row_group_of_parquet_is_an_extent(tmp_path):
    file = input_file(tmp_path / "a.parquet", parquet({"text": list("abcdefg")}, rows_per_group=3))
    spans = [(0, 3, 1, 0), (3, 6, 4, 1), (6, None, 7, 2)]
    assert extents(file, 1 << 20) == [blocks.Extent((file,), *span) for span in spans]
    found = read_all(file, ("text",))
    assert [(block.start, block.end) for block in found] == [(0, 3), (3, 6), (6, None)]
    assert [block.rows["text"].to_pylist() for block in found] == [list("abc"), list("def"), ["g"]]
    assert [block.row_numbers for block in found] == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_large_row_group_flows_in_slices(tmp_path, monkeypatch):
    """One row group may hold a million reviews, more than a worker's memory."""
    monkeypatch.setattr(parquet_blocks, "ROWS_AT_ONCE", 64)
    texts = [f"{place:0100d}" for place in range(1000)]
    file = input_file(tmp_path / "a.parquet", parquet({"text": texts}, rows_per_group=600))
    found = read_all(file, ("text",), size=10_000)
    assert len(found) > 6
    assert [text for block in found for text in block.rows["text"].to_pylist()] == texts
    assert [place for block in found for place in block.row_numbers] == list(range(1, 1001))
    assert [block.start for block in found] == [block.row_numbers[0] - 1 for block in found]


def test_parquet_without_rows_has_no_block(tmp_path):
    assert read_all(input_file(tmp_path / "a.parquet", parquet({"text": pa.array([], pa.string())})), ("text",)) == []


def block(texts: list[str | None], rejects=(), *, file_index: int = 3, start: int = 100) -> blocks.Block:
    file = InputFile(file_index, "/data/a.csv", "csv", None, 1000)
    rows = pa.record_batch({"text": pa.array(texts), "n": pa.array(range(len(texts)))})
    return blocks.Block(file, start, None, rows, [10 * (row + 1) for row in range(len(texts))], list(rejects))


def test_reject_moves_rows_and_loses_none():
    earlier = Reject("/data/a.csv", 15, "too_few_fields", "x")
    before = block(["a", "", "c", None], [earlier])
    after = before.reject({3: "missing_text", 1: "empty_text"})
    assert after.rows.to_pydict() == {"text": ["a", "c"], "n": [0, 2]}
    assert after.row_numbers == [10, 30]
    assert after.rejects == [
        earlier,
        Reject("/data/a.csv", 40, "missing_text", '{"text": null, "n": 3}'),
        Reject("/data/a.csv", 20, "empty_text", '{"text": "", "n": 1}'),
    ]
    assert before.rows_read == after.rows_read == 5
    assert before.row_numbers == [10, 20, 30, 40]


def test_rejected_makes_the_rejects_that_reject_would():
    earlier = Reject("/data/a.csv", 15, "too_few_fields", "x")
    before = block(["a", "", "c", None], [earlier])
    reasons = {3: "missing_text", 1: "empty_text"}
    assert before.rejected(reasons) == before.reject(reasons).rejects
    assert before.rejected({}) == before.rejects == [earlier]


def test_reject_of_every_row_keeps_the_columns():
    after = block(["a", "b"]).reject({0: "x", 1: "x"})
    assert after.rows.num_rows == 0
    assert after.rows.schema == block(["a"]).rows.schema


def test_reject_of_nothing_is_the_same_block():
    before = block(["a"])
    assert before.reject({}) is before
