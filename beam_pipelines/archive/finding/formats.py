"""The formats that are read, and what else the end of a name tells; what the contents tell is in `first_bytes`.

A new format is a line here, its columns in `input_columns`, its extents in `blocks` and its blocks in `read_extents`.
"""

import os

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
NAMES = tuple(dict.fromkeys(FORMATS.values()))
COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".zstd": "zstd", ".xz": "xz"}
ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", *(f".tar{end}" for end in COMPRESSIONS))


def format_of(path: str) -> tuple[str | None, str | None]:
    """Returns the format that a name tells, and how the file is compressed; None where it does not.

    >>> format_of("dump/reviews.csv.gz")
    ('csv', 'gzip')
    >>> format_of("dump/reviews.dat")
    (None, None)
    """
    stem, extension = os.path.splitext(path.lower())
    compression = COMPRESSIONS.get(extension)
    if compression:
        extension = os.path.splitext(stem)[1]
    return FORMATS.get(extension), compression


def tells_format(path: str) -> bool:
    """Tells whether a name is that of a file of rows, or of a .zip or .tar, which may hold some.

    >>> tells_format("dump/yelp.tar.gz"), tells_format("dump/README")
    (True, False)
    """
    return format_of(path)[0] is not None or path.lower().endswith(ARCHIVES)
