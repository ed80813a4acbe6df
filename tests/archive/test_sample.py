"""A sample of an archive's rows comes from files of all sizes, and is small."""

import itertools
import pathlib

import pytest

from beam_pipelines.archive import sample
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.sample import SampledRows

OPTIONS = ReadOptions(columns=("text",))


def found_of(folder: pathlib.Path, sizes: list[int]) -> list[FoundFile]:
    """Files of so many rows each, named by their place."""
    for place, rows in enumerate(sizes):
        (folder / f"{place:04d}.csv").write_text("text\n" + "a review\n" * rows)
    return found_files.find([str(folder)])[0]


def sampled_names(found: list[FoundFile]) -> list[str]:
    return [file.name for block in sample.sample_blocks(found, OPTIONS) for file in block.files]


@pytest.mark.parametrize("sizes", [[3], [3, 1], [2, 3, 1], [*range(50, 0, -1)]])
def test_of_few_files_each_is_read_once_from_the_smallest(tmp_path, sizes):
    found = found_of(tmp_path, sizes)
    in_order = [name for _, name in sorted((size, f"{place:04d}.csv") for place, size in enumerate(sizes))]
    assert sampled_names(found) == in_order


def test_of_many_files_some_of_all_sizes_are_read(tmp_path):
    found = found_of(tmp_path, [*range(1, 131)])
    places = [int(name.removesuffix(".csv")) for name in sampled_names(found)]
    assert len(places) == sample.FILES
    assert places[-1] == 129
    assert {after - before for before, after in itertools.pairwise(places)} <= {2, 3}


def test_empty_files_are_left_out(tmp_path):
    (tmp_path / "empty.csv").write_bytes(b"")
    assert sampled_names(found_of(tmp_path, [1])) == ["0000.csv"]
    (tmp_path / "none").mkdir()
    (tmp_path / "none/empty.csv").write_bytes(b"")
    assert sampled_names(found_files.find([str(tmp_path / "none")])[0]) == []


def test_of_a_large_file_the_first_rows_alone_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "BYTES_OF_FILE", 9000)
    found = found_of(tmp_path, [100_000])
    [block] = sample.sample_blocks(found, OPTIONS)
    assert 500 < block.rows.num_rows < 60_000
    assert 0 < block.stored_bytes < found[0].size_bytes


def test_rows_and_rejects_are_counted(tmp_path):
    found = found_of(tmp_path, [3, 5])
    sampled = SampledRows()
    for block in sample.sample_blocks(found, OPTIONS):
        rejects = [Reject.of(block.files[0], 2, "empty_text", "")]
        sampled.add(block, rejects, block.notes.remarks)
    assert (sampled.rows, dict(sampled.by_reason)) == (8, {"empty_text": 2})
    assert sampled.stored_bytes == sum(file.size_bytes for file in found)


def test_extents_are_counted_without_reading(tmp_path):
    sizes = [3, 4, 5, 25, 1, 0]
    found = [FoundFile(str(index), size, index=index) for index, size in enumerate(sizes)]
    # 3 and 4, 5, three of 25, 1 and nothing.
    assert sample.count_extents(found, 10) == 6
    assert sample.count_extents([FoundFile("none", 0)], 10) == 1
