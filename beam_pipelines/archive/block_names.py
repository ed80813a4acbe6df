"""The names of blocks: the stems of shards, of their statistics and of their rejects.

Names in the order of their bytes are blocks in the order of the archive, for our code and for whatever else lists a
folder. Six digits hold the index of a file below a million. From there on the index has twelve digits behind an x,
which sorts after every digit: seven digits would sort among the six of other files.
"""

import re

_SHORT_INDICES = 10**6
_NAME = re.compile(r"(?:[0-9]{6}|x[0-9]{12})-[0-9]{15}")
# The same for fnmatch, which has no alternatives; a folder's manifest holds them.
BLOCK_GLOBS = ("[0-9]" * 6 + "-" + "[0-9]" * 15, "x" + "[0-9]" * 12 + "-" + "[0-9]" * 15)


def block_name(file_index: int, start: int) -> str:
    """Names the block of a file that begins at `start`.

    >>> block_name(3, 4096), block_name(1_000_000, 0)
    ('000003-000000000004096', 'x000001000000-000000000000000')
    """
    index = f"{file_index:06d}" if file_index < _SHORT_INDICES else f"x{file_index:012d}"
    return f"{index}-{start:015d}"


def is_block_name(name: str) -> bool:
    """Tells whether `block_name` makes such names.

    >>> is_block_name("000003-000000000004096"), is_block_name("mine")
    (True, False)
    """
    return bool(_NAME.fullmatch(name))
