"""Where an extent begins in an archive, and the names of what a job writes for it.

Names in the order of their bytes are extents in the order of the archive, for our code and for whatever else lists a
folder.
"""

import re
from typing import NamedTuple

_DIGITS, _MEMBER_DIGITS, _OFFSET_DIGITS = 6, 8, 15
_NAME = re.compile(rf"([0-9]{{{_DIGITS},}})-([0-9]{{{_MEMBER_DIGITS}}})-([0-9]{{{_OFFSET_DIGITS}}})")


class Position(NamedTuple):
    """A place in an archive; positions in order are places in order.

    Attributes:
      file: The index of a file among the sorted inputs.
      member: The index of a member among those of a .zip or .tar that are read; 0 of another file.
      offset: The uncompressed bytes before it there; of Parquet, the rows before.
    """

    file: int = 0
    member: int = 0
    offset: int = 0


def digits(files: int) -> int:
    """How many digits the index of a file has, in an archive of so many."""
    return max(_DIGITS, len(str(max(files - 1, 0))))


def extent_name(begin: Position, index_digits: int = _DIGITS) -> str:
    """Names the extent that begins at a position: the stem of its shard, its statistics and its rejects.

    >>> extent_name(Position(3, 0, 4096)), extent_name(Position(1_000_000), 7)
    ('000003-00000000-000000000004096', '1000000-00000000-000000000000000')
    """
    return f"{begin.file:0{index_digits}d}-{begin.member:0{_MEMBER_DIGITS}d}-{begin.offset:0{_OFFSET_DIGITS}d}"


def position_of(name: str) -> Position | None:
    """The position that `extent_name` has named so; None of another name.

    >>> position_of("000003-00000000-000000000004096"), position_of("mine")
    (Position(file=3, member=0, offset=4096), None)
    """
    match = _NAME.fullmatch(name)
    return Position(*map(int, match.groups())) if match else None


def extent_glob(index_digits: int = _DIGITS) -> str:
    """The same names for fnmatch; a folder's manifest holds it."""
    return "-".join("[0-9]" * count for count in (index_digits, _MEMBER_DIGITS, _OFFSET_DIGITS))
