"""The names of blocks are in the order of the archive, and are known again, however many files it has."""

import fnmatch

import pytest

from beam_pipelines.archive.block_names import BLOCK_GLOBS, block_name, is_block_name
from beam_pipelines.files import storage
from beam_pipelines.scoring import shards

# The last file with six digits, the first files without, and offsets beside them.
BLOCKS = [
    (0, 0),
    (0, 9),
    (0, 10),
    (2, 1 << 40),
    (10, 0),
    (10, 5),
    (999_999, 0),
    (999_999, 1 << 40),
    (1_000_000, 0),
    (1_000_000, 4096),
    (1_000_001, 0),
    (10_000_000, 0),
]


def matches_a_glob(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in BLOCK_GLOBS)


def test_names_in_order_are_blocks_in_order():
    names = [block_name(file_index, start) for file_index, start in BLOCKS]
    assert names == sorted(set(names))


def test_files_below_a_million_keep_the_names_that_older_folders_hold():
    assert block_name(0, 0) == "000000-000000000000000"
    assert block_name(999_999, 123) == "999999-000000000000123"


@pytest.mark.parametrize(("file_index", "start"), BLOCKS)
def test_every_name_is_known_again(file_index, start):
    name = block_name(file_index, start)
    assert is_block_name(name)
    assert matches_a_glob(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mine",
        "000003-00000000000409",
        "00003-000000000004096",
        "0000003-000000000004096",
        "x00000001000000-000000000004096",
        "x000003-000000000004096",
        "000003-000000000004096\n",
        "000003-000000000004096.csv",
    ],
)
def test_other_names_are_not(name):
    """A file that is not ours is neither counted as done nor deleted."""
    assert not is_block_name(name)
    assert not matches_a_glob(name)


def test_the_shards_of_more_than_a_million_files_are_done_in_order(tmp_path):
    names = [block_name(file_index, start) for file_index, start in BLOCKS]
    for name in [*reversed(names), "mine"]:
        storage.write_bytes(str(tmp_path), f"scores/{name}.csv", b"")
        storage.write_json(str(tmp_path), f"statistics/{name}.json", {})
    assert shards.finished_blocks(str(tmp_path), "csv") == names
    written = storage.listing(str(tmp_path))
    deleted = [name for name in written if any(fnmatch.fnmatchcase(name, glob) for glob in shards.OUTPUTS)]
    assert sorted(set(written) - set(deleted)) == ["scores/mine.csv", "statistics/mine.json"]
