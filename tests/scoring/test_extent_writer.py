"""An extent is written block by block, and appears whole: rejects, then statistics, then the shard."""

import gc
import io
import json
import pathlib
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.archive.positions import Position
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.files import storage
from beam_pipelines.scoring import extent_writer
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.extent_writer import ExtentWriter, ShardOptions
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.shards import Shards
from beam_pipelines.scoring.summary.finished_extent import FileRows, FinishedExtent
from beam_pipelines.scoring.summary.statistics import StatisticsOptions
from tests.helpers.scored import block_of, file_of, results_of
from tests.helpers.summaries import INFO

BEGIN, NEXT = Position(0, 0, 100), Position(1)
NAME = "000000-00000000-000000000000100"


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return tmp_path / "out"


def shards(folder: pathlib.Path, output_format: str = "parquet") -> Shards:
    return Shards(str(folder), output_format)


def writer(folder: pathlib.Path, output_format: str = "parquet", *, with_raw: bool = True, **statistics):
    options = ShardOptions(
        shards=shards(folder, output_format),
        with_raw=with_raw,
        statistics=StatisticsOptions(text_column="text", **statistics),
    )
    return ExtentWriter(BEGIN, Export("models/3", INFO), options)


def scored(texts: list[str], scores: list[float], reasons: dict[int, str] | None = None, **how) -> ScoredBlock:
    """Rows of which those with a reason are rejected, and the scores of the others."""
    block = block_of(texts, **how).reject(reasons or {})
    results = {
        **results_of(scores, [4] * len(scores)),
        "tokens": np.array([2] * len(scores), np.int64),
        "known_share": np.array([1] * len(scores), np.float32),
        "truncated": np.array([False] * len(scores), bool),
    }
    carried = {"band": pa.array([text.upper() for text in block.rows.column("text").to_pylist()], pa.string())}
    return ScoredBlock(block=block, carried=carried, results=results, engine="compiled", metrics=EngineMetrics())


FIRST = scored(["a", "", "b"], [10, 20], {1: "empty_text"})
SECOND = scored(["c"], [30], first_row=9)
NOTHING = scored([], [])


def files_of(folder: pathlib.Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_extent_is_one_shard_one_file_of_rejects_and_one_of_statistics(folder):
    one = writer(folder)
    one.add(FIRST)
    one.add(SECOND)
    assert [name for name in files_of(folder) if not name.startswith(".tmp/")] == []
    finished = one.commit(NEXT)
    assert files_of(folder) == [f"rejected/{NAME}.jsonl", f"scores/{NAME}.parquet", f"statistics/{NAME}.json"]
    found = pd.read_parquet(folder / f"scores/{NAME}.parquet")
    assert found["id"].tolist() == ["in.csv:2", "in.csv:4", "in.csv:9"]
    assert found["band"].tolist() == ["A", "B", "C"]
    assert found["score"].tolist() == [10, 20, 30]
    assert set(found["model_version"]) == {3}
    assert [json.loads(line) for line in (folder / f"rejected/{NAME}.jsonl").open()] == [
        {"file": "folder/in.csv", "place": 3, "reason": "empty_text", "raw": '{"text": ""}'}
    ]
    assert shards(folder).finished(BEGIN) == finished
    assert (finished.begin, finished.next) == ([0, 0, 100], [1, 0, 0])
    assert finished.files == [FileRows("folder/in.csv", [0, 0], rows_scored=3, rows_rejected=1)]
    assert (finished.statistics.score_sum, finished.statistics.rows_read) == (60, 4)
    assert finished.scores.bytes == (folder / f"scores/{NAME}.parquet").stat().st_size
    assert finished.rejects.bytes == (folder / f"rejected/{NAME}.jsonl").stat().st_size


def test_blocks_are_row_groups(folder):
    one = writer(folder)
    for block in (FIRST, NOTHING, SECOND):
        one.add(block)
    one.commit(NEXT)
    metadata = pq.ParquetFile(folder / f"scores/{NAME}.parquet").metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [2, 1]


@pytest.mark.parametrize("output_format", ["csv", "jsonl"])
def test_blocks_of_text_follow_each_other(folder, output_format):
    one = writer(folder, output_format)
    for block in (FIRST, SECOND, NOTHING):
        one.add(block)
    one.commit(NEXT)
    path = folder / f"scores/{NAME}.{output_format}"
    found = pd.read_csv(path) if output_format == "csv" else pd.read_json(path, lines=True)
    assert found["id"].tolist() == ["in.csv:2", "in.csv:4", "in.csv:9"]
    assert path.read_text().count("score_low") == (1 if output_format == "csv" else 3)


@pytest.mark.parametrize("output_format", ["parquet", "csv", "jsonl"])
def test_an_extent_without_a_row_has_the_columns_of_any_other(folder, output_format):
    one = writer(folder, output_format)
    one.add(NOTHING)
    finished = one.commit(NEXT)
    assert files_of(folder) == [f"scores/{NAME}.{output_format}", f"statistics/{NAME}.json"]
    assert (finished.rejects, finished.statistics.engines) == (None, [])
    content = (folder / f"scores/{NAME}.{output_format}").read_bytes()
    other = writer(folder, output_format)
    other.add(SECOND)
    other.commit(NEXT)
    full = (folder / f"scores/{NAME}.{output_format}").read_bytes()
    if output_format == "parquet":
        assert pq.read_table(io.BytesIO(content)).schema.equals(pq.read_table(io.BytesIO(full)).schema)
        assert pq.read_table(io.BytesIO(content)).num_rows == 0
    else:
        assert content == full[: full.index(b"\n") + 1 if output_format == "csv" else 0]


def test_an_id_column_takes_the_place_of_names(folder):
    one = writer(folder, id_column="band")
    one.add(scored(["a"], [1], band=["x"]))
    finished = one.commit(NEXT)
    assert "id" not in pd.read_parquet(folder / f"scores/{NAME}.parquet").columns
    assert [row.id for row in finished.statistics.best] == ["x"]


def test_rejects_keep_their_text_to_themselves_where_that_is_asked(folder):
    one = writer(folder, with_raw=False, show_rejects=False)
    one.add(FIRST)
    one.commit(NEXT)
    [reject] = [json.loads(line) for line in (folder / f"rejected/{NAME}.jsonl").open()]
    assert reject["raw"] is None
    assert "text" not in json.dumps(
        shards(folder).finished(BEGIN).statistics.reject_examples["empty_text"][0].to_json()
    )


def test_rows_are_counted_by_file_also_where_files_share_blocks(folder):
    files = (file_of(0, "a.csv"), file_of(1, "b.csv"), file_of(2, "c.csv"))
    one = writer(folder)
    one.add(scored(["p", "q", "", "r"], [1, 2, 3], {2: "empty_text"}, files=files, file_of_row=[0, 0, 1, 1]))
    one.add(scored(["s"], [4], files=files[1:], file_of_row=[0]))
    assert one.commit(Position(3)).files == [
        FileRows("a.csv", [0, 0], 2, 0),
        FileRows("b.csv", [1, 0], 2, 1),
        FileRows("c.csv", [2, 0], 0, 0),
    ]


def test_the_shard_comes_last_and_statistics_before_it(folder, monkeypatch):
    """Whoever stops in between leaves an extent that is not done."""
    order = []
    for name in ("move_into", "write_json"):
        write = getattr(storage, name)

        def record(root, file, *given, write=write):
            order.append(file)
            assert shards(folder).finished(BEGIN) is None
            return write(root, file, *given)

        monkeypatch.setattr(storage, name, record)
    one = writer(folder)
    one.add(FIRST)
    one.commit(NEXT)
    assert order == [f"rejected/{NAME}.jsonl", f"statistics/{NAME}.json", f"scores/{NAME}.parquet"]


def test_what_is_discarded_leaves_nothing(folder, monkeypatch):
    """Not even a complaint of a writer that would end its file when it is collected."""
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    one = writer(folder)
    one.add(FIRST)
    assert len(files_of(folder)) == 2
    one.discard()
    assert files_of(folder) == []
    del one
    gc.collect()
    assert complaints == []
    other = writer(folder)
    other.discard()
    assert files_of(folder) == []


def test_what_fails_in_the_middle_of_its_commit_can_be_discarded(folder, monkeypatch):
    def fail(root, file, value):
        raise OSError("no space left")

    one = writer(folder)
    one.add(FIRST)
    monkeypatch.setattr(storage, "write_json", fail)
    with pytest.raises(OSError, match="no space left"):
        one.commit(NEXT)
    one.discard()
    # The rejects tell the same of the next attempt.
    assert files_of(folder) == [f"rejected/{NAME}.jsonl"]
    assert shards(folder).finished(BEGIN) is None


@pytest.mark.parametrize("output_format", ["parquet", "csv", "jsonl"])
def test_two_attempts_write_the_same_bytes(folder, tmp_path, output_format):
    contents = []
    for attempt in ("one", "other"):
        one = writer(tmp_path / attempt, output_format)
        for block in (FIRST, NOTHING, SECOND):
            one.add(block)
        assert isinstance(one.commit(NEXT), FinishedExtent)
        contents.append({name: (tmp_path / attempt / name).read_bytes() for name in files_of(tmp_path / attempt)})
    assert contents[0] == contents[1]


def test_on_an_object_store_a_file_appears_whole_too(bucket):
    """Made on the local disk first, from which nothing stays."""
    options = ShardOptions(
        shards=Shards(f"{bucket}/out", "jsonl"), with_raw=True, statistics=StatisticsOptions(text_column="text")
    )
    one = ExtentWriter(BEGIN, Export("models/3", INFO), options)
    one.add(FIRST)
    one.add(SECOND)
    assert storage.listing(f"{bucket}/out") == []
    finished = one.commit(NEXT)
    names = [f"rejected/{NAME}.jsonl", f"scores/{NAME}.jsonl", f"statistics/{NAME}.json"]
    assert sorted(storage.listing(f"{bucket}/out")) == names
    assert options.shards.finished(BEGIN) == finished
    assert len(storage.read_bytes(f"{bucket}/out/{names[1]}").splitlines()) == 3
    storage.write_bytes(f"{bucket}/out", names[1], b"cut")
    assert options.shards.finished(BEGIN) is None


def test_unknown_tokens_are_trimmed_per_extent(folder, monkeypatch):
    monkeypatch.setattr(extent_writer, "UNKNOWN_TOKENS", 2)
    one = writer(folder)
    for tokens, counts in (([b"x", b"y", b"z"], [1, 3, 2]), ([b"x", b"y"], [5, 1])):
        block = scored(["a"], [1])
        block.metrics.unknown.append((pa.array(tokens), np.array(counts)))
        one.add(block)
    statistics = one.commit(NEXT).statistics
    assert (statistics.unknown_tokens, statistics.tokens_without_id) == ({"x": 6, "y": 4}, 12)
