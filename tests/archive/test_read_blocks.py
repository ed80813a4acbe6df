"""The source of both jobs gives every block once, but for those that are done."""

import apache_beam as beam
import pytest
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from beam_pipelines.archive.block_names import block_name
from beam_pipelines.archive.blocks import Extent
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_blocks import ReadBlocks, is_done
from beam_pipelines.archive.read_options import ReadOptions
from tests.helpers.archives import find_files

FILES = tuple(
    InputFile(index=index, path=f"/in/{index}.csv.gz", format="csv", compression="gzip", size_bytes=1)
    for index in (3, 4)
)


@pytest.mark.parametrize(
    ("extent", "done", "expected"),
    [
        pytest.param(Extent(FILES[:1]), {}, False, id="nothing is done"),
        pytest.param(Extent(FILES[:1]), {(3, 0): None}, True, id="one block to the end of the file"),
        pytest.param(Extent(FILES[:1]), {(3, 0): 10, (3, 10): None}, True, id="two blocks to the end"),
        pytest.param(Extent(FILES[:1]), {(3, 0): 10}, False, id="the second is missing"),
        pytest.param(Extent(FILES[:1]), {(3, 10): None}, False, id="the first is missing"),
        pytest.param(Extent(FILES[:1]), {(4, 0): None}, False, id="another file's"),
        pytest.param(Extent(FILES[:1], 10, 20), {(3, 10): 20}, True, id="in the middle of a file"),
        pytest.param(Extent(FILES[:1], 10, 20), {(3, 10): 15, (3, 15): 20}, True, id="two in the middle"),
        pytest.param(Extent(FILES[:1], 10, 20), {(3, 0): 10}, False, id="the one before"),
        pytest.param(Extent(FILES[:1], 10, 20), {(3, 10): None}, False, id="the file was cut otherwise"),
        pytest.param(Extent(FILES), {(3, 0): None, (4, 0): None}, True, id="all files"),
        pytest.param(Extent(FILES), {(3, 0): None}, False, id="one of two files"),
    ],
)
def test_an_extent_is_done_when_finished_blocks_cover_it(extent, done, expected):
    assert is_done(extent, {block_name(*key): end for key, end in done.items()}) is expected


def test_blocks_of_all_files_come_once_and_those_that_are_done_do_not(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text\n" + b"good\n" * 10)
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "fine"}\n' * 3)
    files, options = find_files(tmp_path / "*"), ReadOptions(columns=("text",), block_bytes=25)
    expected = [
        ("000000-000000000000000", 4),
        ("000000-000000000000025", 5),
        ("000000-000000000000050", 1),
        ("000001-000000000000000", 2),
        ("000001-000000000000034", 1),
    ]
    for done in ({}, {"000000-000000000000025": 50, "000001-000000000000034": None}):
        with test_pipeline.TestPipeline() as root:
            blocks = root | ReadBlocks(files, options, done)
            rows = blocks | beam.Map(lambda block: (block.name, block.rows_read))
            assert_that(rows, equal_to([block for block in expected if block[0] not in done]))
