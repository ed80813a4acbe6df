"""A shard has the results' columns with their units, and a block is finished when all of its files stand."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.block_names import block_name
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.files import storage
from beam_pipelines.scoring import output_columns, shards
from tests.helpers.summaries import block


def test_the_columns_are_those_kept_then_the_results_with_their_units():
    results = {
        "truncated": np.array([False]),
        "score": np.array([7.5], np.float32),
        "known_share": np.array([1], np.float32),
        "tokens": np.array([3]),
        "reasons": [[]],
    }
    scored = output_columns.score_table({"id": pa.array(["r1"])}, results, 1, Scale(0, 100))
    assert scored.column_names == ["id", "score", "tokens", "known_share", "truncated", "reasons", "model_version"]
    assert scored.schema.field("reasons").type == output_columns.EXPLANATION["reasons"]
    assert scored.column("model_version").to_pylist() == [1]
    metadata = {field.name: field.metadata for field in scored.schema}
    assert metadata["id"] is None
    assert metadata["score"] == {b"description": b"the score", b"unit": b"0 to 100"}
    assert metadata["tokens"][b"unit"] == b"tokens"
    assert metadata["known_share"][b"unit"] == b"share in [0, 1]"


def test_a_block_is_finished_when_both_its_files_stand(tmp_path):
    names = [block_name(1, 0), block_name(0, 4096), block_name(0, 0)]
    for name in names:
        storage.write_bytes(str(tmp_path), f"scores/{name}.jsonl", b"")
        storage.write_bytes(str(tmp_path), f"statistics/{name}.json", b"{}")
    # Of another format, without its statistics, without its shard, and not of a block.
    for other in (f"scores/{block_name(2, 0)}.csv", f"statistics/{block_name(2, 0)}.json"):
        storage.write_bytes(str(tmp_path), other, b"")
    storage.write_bytes(str(tmp_path), f"scores/{block_name(3, 0)}.jsonl", b"")
    storage.write_bytes(str(tmp_path), f"statistics/{block_name(4, 0)}.json", b"")
    for other in ("scores/mine.jsonl", "statistics/mine.json"):
        storage.write_bytes(str(tmp_path), other, b"")
    assert shards.finished_blocks(str(tmp_path), "jsonl") == [block_name(0, 0), block_name(0, 4096), block_name(1, 0)]
    assert shards.finished_blocks(str(tmp_path), "csv") == [block_name(2, 0)]
    assert shards.finished_blocks(str(tmp_path / "new"), "jsonl") == []


def test_statistics_come_in_the_order_that_was_asked_for(tmp_path):
    names = [block_name(0, start) for start in np.random.default_rng(0).permutation(3 * shards.READERS + 1).tolist()]
    for name in names:
        storage.write_json(str(tmp_path), f"statistics/{name}.json", block(0, engine=name).to_json())
    read = list(shards.read_statistics(str(tmp_path), names))
    assert [(name, statistics.engine) for name, statistics in read] == [(name, name) for name in names]


def test_blocks_are_told_once_when_they_are_finished(tmp_path):
    newly_finished = shards.NewlyFinishedBlocks(str(tmp_path), "jsonl")
    table = output_columns.score_table({}, {"score": np.array([7.5], np.float32)}, 1, Scale(0, 100))
    assert newly_finished() == {}
    for start in (0, 4096):
        shards.write_shard(str(tmp_path), block_name(0, start), block(0), table, "jsonl")
        finished = shards.FinishedBlock(end=1, engine="compiled", rows=12, rejected=2, stored_bytes=7)
        assert newly_finished() == {block_name(0, start): finished}
    assert newly_finished() == {}
