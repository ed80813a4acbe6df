"""Counts are cut and merged as a dict would add them up, and no piece grows with what is counted."""

import collections
import pickle

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that

from beam_pipelines.preparing import parts
from beam_pipelines.preparing.parts import MergeParts


def batch(counts: dict[bytes, int]) -> pa.RecordBatch:
    return pa.record_batch(
        {"token": pa.array(counts.keys(), pa.binary()), "count": pa.array(counts.values(), pa.int64())}
    )


def as_dict(merged: pa.RecordBatch) -> dict[bytes, int]:
    assert merged.schema.names == ["token", "count"]
    return dict(zip(merged["token"].to_pylist(), merged["count"].to_pylist(), strict=True))


def drawn(seed: int, distinct: int, rows: int) -> list[dict[bytes, int]]:
    """Ten batches of tokens, of which most come again."""
    random = np.random.default_rng(seed)
    drawings = [np.unique(random.integers(0, distinct, rows)) for _ in range(10)]
    return [{b"token%d" % number: int(number) % 7 + 1 for number in drawing} for drawing in drawings]


def summed(counts: list[dict[bytes, int]]) -> dict[bytes, int]:
    total: collections.Counter[bytes] = collections.Counter()
    for some in counts:
        total.update(some)
    return total


def accumulated(merge: MergeParts, counts: list[dict[bytes, int]]) -> list[pa.RecordBatch]:
    accumulator = merge.create_accumulator()
    for some in counts:
        accumulator = merge.add_input(accumulator, batch(some))
    return accumulator


def test_more_bytes_have_more_parts_within_bounds():
    sizes = [0, 16 << 20, 64 << 20, 1 << 40, 1 << 60]
    assert [parts.count_parts(size) for size in sizes] == [16, 16, 32, 4096, 4096]


@pytest.mark.parametrize("most_bytes", [1 << 20, 100])
def test_each_row_is_in_the_part_of_its_hash(monkeypatch, most_bytes):
    monkeypatch.setattr(parts, "MOST_BYTES", most_bytes)
    counts = {b"%d" % number: number for number in range(1, 500)}
    hashes = np.arange(1, 500, dtype=np.uint64) + np.uint64(2**63)
    pieces = list(parts.cut(batch(counts), hashes, 40))
    found = [(part, token) for part, piece in pieces for token in as_dict(piece)]
    assert sorted(found) == sorted(((number + 2**63) % 40, b"%d" % number) for number in range(1, 500))
    assert summed([as_dict(piece) for _, piece in pieces]) == counts
    assert (len(pieces) > 40) == (most_bytes == 100)


def test_a_piece_is_no_larger_than_it_should_be_but_for_one_key(monkeypatch):
    monkeypatch.setattr(parts, "MOST_BYTES", 1000)
    lengths = [5, 700, 800, 3000, 10, 10, *[40] * 50]
    keys = {bytes([row + 1]) * length: 1 for row, length in enumerate(lengths)}
    pieces = [piece for _, piece in parts.cut(batch(keys), np.zeros(len(keys), np.uint64), 16)]
    sizes = [sum(len(token) + 16 for token in as_dict(piece)) for piece in pieces]
    longest = [max(len(token) + 16 for token in as_dict(piece)) for piece in pieces]
    assert all(size <= 1000 + long for size, long in zip(sizes, longest, strict=True))
    assert sum(piece.num_rows for piece in pieces) == len(keys)
    # What travels is the piece, not the batch that it was cut from.
    assert all(len(pickle.dumps(piece)) < size + 1000 for piece, size in zip(pieces, sizes, strict=True))


def test_nothing_has_no_parts():
    assert list(parts.cut(batch({}), np.zeros(0, np.uint64), 16)) == []


@pytest.mark.parametrize("waiting", [(64, 1 << 15), (2, 50)])
def test_merged_counts_are_those_of_a_dict(monkeypatch, waiting):
    """However many batches wait, and in whatever groups a runner adds them up."""
    monkeypatch.setattr(parts, "_WAITING_BATCHES", waiting[0])
    monkeypatch.setattr(parts, "_WAITING_ROWS", waiting[1])
    counts, merge = drawn(1, distinct=300, rows=200), MergeParts("sum")
    whole = merge.extract_output(accumulated(merge, counts))
    assert as_dict(whole) == summed(counts)
    groups = [accumulated(merge, group) for group in (counts[:3], counts[3:4], [], counts[4:])]
    shipped = [merge.compact(group) for group in groups]
    assert [len(group) for group in shipped] == [1, 1, 0, 1]
    assert as_dict(merge.extract_output(merge.merge_accumulators(iter(shipped)))) == summed(counts)


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(parts, "_WAITING_ROWS", 100)
    merge, accumulator = MergeParts("sum"), []
    for some in drawn(2, distinct=50, rows=60) * 30:
        accumulator = merge.add_input(accumulator, batch(some))
        assert sum(held.num_rows for held in accumulator) <= 50 + 100
    for _ in range(1000):
        accumulator = merge.add_input(accumulator, batch({b"a": 1}))
        assert len(accumulator) <= 64
    assert as_dict(merge.extract_output(accumulator))[b"a"] == 1000


def test_large_counts_keep_every_digit():
    merge = MergeParts("sum")
    assert as_dict(merge.extract_output(accumulated(merge, [{b"a": 2**60}, {b"a": 2**60 + 1}]))) == {b"a": 2**61 + 1}


def test_parts_merge_in_a_pipeline():
    counts = drawn(3, distinct=400, rows=300)
    pieces = [
        piece
        for some in counts
        for piece in parts.cut(batch(some), np.array([len(token) for token in some], np.uint64), 16)
    ]

    def check(merged):
        assert summed([as_dict(of_part) for _, of_part in merged]) == summed(counts)
        assert sorted(part for part, _ in merged) == [6, 7, 8]

    with beam.Pipeline(runner="FnApiRunner") as root:
        merged = root | beam.Create(pieces) | beam.CombinePerKey(MergeParts("sum"))
        assert_that(merged, check)
