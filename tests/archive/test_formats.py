"""A name tells the format of a file and whether it is compressed."""

import pytest

from beam_pipelines.archive import formats


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", ("csv", False)),
        ("A.CSV", ("csv", False)),
        ("a.tsv", ("tsv", False)),
        ("a.tab", ("tsv", False)),
        ("a.jsonl", ("jsonl", False)),
        ("a.ndjson", ("jsonl", False)),
        ("a.json", ("jsonl", False)),
        ("a.parquet", ("parquet", False)),
        ("a.pq", ("parquet", False)),
        ("gs://bucket/part-0001.csv.gz", ("csv", True)),
        ("a.TSV.BZ2", ("tsv", True)),
        ("a.2024.jsonl.zst", ("jsonl", True)),
        ("a.parquet.gz", ("parquet", True)),
        ("a.gz", (None, True)),
        ("a.txt", (None, False)),
        ("a.csv/part-0001", (None, False)),
        ("csv", (None, False)),
    ],
)
def test_format_of(path, expected):
    assert formats.format_of(path) == expected
