"""An archive is cut into extents that follow each other, in sizes that are fixed for a job."""

import pytest

from beam_pipelines.archive import extents
from beam_pipelines.archive.extents import Extent, Sizes, Span
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.archive.positions import Position

MB = 1 << 20


def found(*sizes: int, first: int = 0) -> list[FoundFile]:
    return [FoundFile(f"/in/{index}.csv", size, index=index) for index, size in enumerate(sizes, first)]


def file_of(size_bytes: int = 1000, format: str = "csv", **more) -> InputFile:
    return InputFile(3, "/in/a", format, None, size_bytes, **more)


@pytest.mark.parametrize(
    ("archive_bytes", "block", "extent"),
    [
        (0, MB, MB),
        (5, MB, MB),
        (128 * MB, MB, MB),
        (128 * MB + 128, MB + 1, MB + 1),
        (384 * MB, 3 * MB, 3 * MB),
        (512 * MB, 4 * MB, 4 * MB),
        (8 << 30, 4 * MB, 4 * MB),
        # From here on it is a four thousandth that is more than a block.
        (16_000 * MB, 4 * MB, 4 * MB),
        (16_000 * MB + 4000, 4 * MB, 4 * MB + 1),
        (40_000 * MB, 4 * MB, 10 * MB),
        (1_024_000 * MB - 1, 4 * MB, 256 * MB - 1),
        (1_024_000 * MB, 4 * MB, 256 * MB),
        (100 << 40, 4 * MB, 256 * MB),
    ],
)
def test_blocks_and_extents_grow_with_the_archive(archive_bytes, block, extent):
    assert Sizes.of(archive_bytes) == Sizes(block, extent)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([10], [[0]]),
        ([11], [[0]]),
        ([5, 5], [[0, 1]]),
        ([5, 6], [[0], [1]]),
        ([0, 10, 0, 0], [[0, 1, 2, 3]]),
        ([1, 20, 1, 1], [[0], [1], [2, 3]]),
        ([20, 20], [[0], [1]]),
        ([20, 0], [[0], [1]]),
        ([0, 20], [[0], [1]]),
        ([4] * 7, [[0, 1], [2, 3], [4, 5], [6]]),
    ],
)
def test_small_files_are_packed_and_a_large_one_stands_alone(sizes, expected):
    packed = list(extents.pack(found(*sizes), 10))
    assert [[file.index for file in group] for group in packed] == expected
    assert all(extents.is_small(group, 10) for group in packed if len(group) > 1)


@pytest.mark.parametrize(("size", "is_small"), [(0, True), (10, True), (11, False)])
def test_a_file_of_the_size_of_an_extent_is_small(size, is_small):
    assert extents.is_small(tuple(found(size)), 10) is is_small


def test_an_extent_of_small_files_ends_where_the_next_file_begins():
    group = tuple(found(1, 2, first=7))
    assert extents.of_small(group) == Extent(Position(7), Position(9), found=group)


def test_extents_follow_each_other():
    """A gap would lose rows, an overlap would score them twice."""
    spans = [(Span(file_of(), start, end),) for start, end in [(0, 10), (10, 20), (20, None)]]
    begins = [(Position(3, 0, part[0].start), part) for part in spans]
    assert list(extents.of_spans(begins, extents.behind(file_of()))) == [
        Extent(Position(3, 0, 0), Position(3, 0, 10), spans[0]),
        Extent(Position(3, 0, 10), Position(3, 0, 20), spans[1]),
        Extent(Position(3, 0, 20), Position(4), spans[2]),
    ]


@pytest.mark.parametrize(
    ("span", "size_bytes"),
    [
        (Span(file_of()), 1000),
        (Span(file_of(), 100), 900),
        (Span(file_of(), 100, 350), 250),
        (Span(file_of(0)), 1),
        (Span(file_of(member="b", container=Container("zip"))), 1000),
        (Span(file_of(format="parquet")), 1000),
        (Span(file_of(format="parquet"), 70, row_groups=(1, 2), share=0.25), 250),
        (Span(file_of(format="parquet"), 70, row_groups=(1, 2), share=0.0), 1),
    ],
)
def test_how_much_is_read_of_a_file(span, size_bytes):
    assert span.size_bytes == size_bytes
