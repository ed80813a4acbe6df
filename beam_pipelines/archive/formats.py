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
COMPRESSIONS = (".gz", ".bz2", ".zst")
NOT_READ = (".7z", ".deflate", ".lz4", ".lzma", ".rar", ".xz", ".zstd")


def format_of(path: str) -> tuple[str | None, bool]:
    """Returns the format that a name tells, or None, and whether the file is compressed.

    >>> format_of("dump/reviews.csv.gz")
    ('csv', True)
    >>> format_of("dump/reviews.dat")
    (None, False)
    """
    stem, extension = os.path.splitext(path.lower())
    compressed = extension in COMPRESSIONS
    if compressed:
        extension = os.path.splitext(stem)[1]
    return FORMATS.get(extension), compressed
