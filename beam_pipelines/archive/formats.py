"""The formats and compressions that are read, known by the ends of names.

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
COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".xz": "xz"}
NOT_READ = (".7z", ".deflate", ".lz4", ".lzma", ".rar", ".zstd")


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
