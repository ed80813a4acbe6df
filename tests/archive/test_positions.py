"""The names of extents are in the order of the archive, and are known again, however many files it has."""

import fnmatch

import pytest

from beam_pipelines.archive import positions
from beam_pipelines.archive.positions import Position

# The last file of six digits, large members, and offsets beside them.
POSITIONS = [
    Position(0, 0, 0),
    Position(0, 0, 9),
    Position(0, 0, 10),
    Position(0, 1, 0),
    Position(0, 99_999_999, 1 << 40),
    Position(2, 0, 1 << 40),
    Position(10, 0, 0),
    Position(10, 5, 7),
    Position(999_999, 0, 0),
    Position(999_999, 0, 1 << 49),
]
MORE = [Position(1_000_000), Position(1_000_000, 0, 4096), Position(1_000_001), Position(9_999_999)]


def is_matched(name: str, index_digits: int = 6) -> bool:
    return fnmatch.fnmatchcase(name, positions.extent_glob(index_digits))


@pytest.mark.parametrize(("index_digits", "places"), [(6, POSITIONS), (7, POSITIONS + MORE)])
def test_names_in_order_are_extents_in_order(index_digits, places):
    names = [positions.extent_name(place, index_digits) for place in places]
    assert names == sorted(set(names))
    assert sorted(places) == places


@pytest.mark.parametrize(
    ("files", "index_digits"),
    [(0, 6), (1, 6), (1000, 6), (1_000_000, 6), (1_000_001, 7), (10_000_000, 7), (10_000_001, 8)],
)
def test_an_archive_of_more_files_has_longer_names(files, index_digits):
    """As many for all of its files, so that they stay in order."""
    assert positions.digits(files) == index_digits
    last = Position(max(files - 1, 0))
    assert len(positions.extent_name(last, index_digits)) == len(positions.extent_name(Position(), index_digits))


@pytest.mark.parametrize(("index_digits", "place"), [*((6, p) for p in POSITIONS), *((7, p) for p in POSITIONS + MORE)])
def test_every_name_is_known_again(index_digits, place):
    name = positions.extent_name(place, index_digits)
    assert positions.position_of(name) == place
    assert is_matched(name, index_digits)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mine",
        "000003-00000000-00000000000409",
        "000003-0000000-000000000004096",
        "00003-00000000-000000000004096",
        "000003-000000000004096",
        "x000003-00000000-000000000004096",
        "000003-00000000-000000000004096\n",
        "000003-00000000-000000000004096.csv",
        "000003-00000000-00000000000409x",
    ],
)
def test_other_names_are_not(name):
    """A file that is not ours is neither counted as done nor deleted."""
    assert positions.position_of(name) is None
    assert not is_matched(name)


def test_the_names_of_another_archive_are_not_matched():
    assert not is_matched(positions.extent_name(Position(3), 7), 6)
    assert not is_matched(positions.extent_name(Position(3), 6), 7)
