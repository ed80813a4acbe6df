"""A name tells the format of a file and how it is compressed."""

import pytest

from beam_pipelines.archive.finding import formats


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", ("csv", None)),
        ("A.CSV", ("csv", None)),
        ("a.tsv", ("tsv", None)),
        ("a.tab", ("tsv", None)),
        ("a.jsonl", ("jsonl", None)),
        ("a.ndjson", ("jsonl", None)),
        ("a.json", ("jsonl", None)),
        ("a.parquet", ("parquet", None)),
        ("a.pq", ("parquet", None)),
        ("gs://bucket/part-0001.csv.gz", ("csv", "gzip")),
        ("a.TSV.BZ2", ("tsv", "bzip2")),
        ("a.2024.jsonl.zst", ("jsonl", "zstd")),
        ("a.parquet.gz", ("parquet", "gzip")),
        ("a.gz", (None, "gzip")),
        ("a.txt", (None, None)),
        ("a.csv/part-0001", (None, None)),
        ("csv", (None, None)),
    ],
)
def test_format_of(path, expected):
    assert formats.format_of(path) == expected
