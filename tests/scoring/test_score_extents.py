"""An extent is read, scored and written once: what is done is neither read nor scored again."""

import bz2
import gzip
import os
import pathlib

import pandas as pd
import pyarrow.parquet as pq
import pytest

from beam_pipelines.archive import read_extents
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.scoring import score_extents
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.extent_writer import ShardOptions
from beam_pipelines.scoring.score_extents import ScoreExtents
from beam_pipelines.scoring.score_rows import RowOptions
from beam_pipelines.scoring.shards import FinishedExtent, Shards
from beam_pipelines.scoring.summary.statistics import StatisticsOptions
from tests.helpers.archives import list_extents

ROWS = [f"a superb record of number {number}" for number in range(300)]
CSV = "\n".join(["text", *ROWS, ""]).encode()
SIZES = {"block_bytes": 1000, "extent_bytes": 3000}


def step_of(cnn: pathlib.Path, folder: pathlib.Path, sizes: dict[str, int] = SIZES) -> ScoreExtents:
    return ScoreExtents(
        exports.find(str(cnn)),
        engine="saved_model",
        carried=(),
        read_options=ReadOptions(columns=("text",), **sizes),
        row_options=RowOptions(text_column="text"),
        shard_options=ShardOptions(
            shards=Shards(str(folder), "parquet"), with_raw=True, statistics=StatisticsOptions(text_column="text")
        ),
    )


def extents_of(step: ScoreExtents, *paths: pathlib.Path) -> list[Extent]:
    return list_extents(found_files.find([str(path) for path in paths])[0], step.read_options)


def score(step: ScoreExtents, extents: list[Extent]) -> list[FinishedExtent]:
    """What a bundle of extents gives."""
    step.setup()
    step.start_bundle()
    finished = [one for extent in extents for one in step.process(extent)]
    finished += [output.value for output in step.finish_bundle()]
    step.teardown()
    return finished


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in storage.listing(str(folder))}


@pytest.fixture
def counted(monkeypatch) -> dict[str, int]:
    """How often blocks are scored and extents are read."""
    counts = {"scored": 0, "read": 0}

    def counting(name, function):
        def count(*given, **named):
            counts[name] += 1
            return function(*given, **named)

        return count

    monkeypatch.setattr(score_extents, "score_rows", counting("scored", score_extents.score_rows))
    monkeypatch.setattr(read_extents, "read", counting("read", read_extents.read))
    return counts


def test_extents_are_chained_shards_of_blocks(cnn, tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    step = step_of(cnn, tmp_path / "out")
    extents = extents_of(step, tmp_path / "a.csv")
    finished = score(step, extents)
    assert len(extents) > 2
    assert [(one.begin, one.next) for one in finished] == [([*e.begin], [*e.next]) for e in extents]
    assert pd.read_parquet(tmp_path / "out/scores")["id"].tolist() == [f"a.csv:{line}" for line in range(2, 302)]
    paths = sorted((tmp_path / "out/scores").iterdir())
    assert [pq.ParquetFile(path).num_row_groups for path in paths][:-1] == [3] * (len(paths) - 1)
    assert sum(one.statistics.rows_scored for one in finished) == 300


def test_what_is_done_is_neither_read_nor_scored(cnn, tmp_path, counted):
    """Its statistics come as they stand: the file may even be gone."""
    (tmp_path / "a.csv").write_bytes(CSV)
    step = step_of(cnn, tmp_path / "out")
    extents = extents_of(step, tmp_path / "a.csv")
    first = score(step, extents)
    before = contents(tmp_path / "out")
    assert counted["read"] == len(extents) < counted["scored"]
    (tmp_path / "a.csv").unlink()
    counted |= {"read": 0, "scored": 0}
    assert score(step_of(cnn, tmp_path / "out"), extents) == first
    assert counted == {"read": 0, "scored": 0}
    assert contents(tmp_path / "out") == before


def test_a_file_that_has_changed_is_refused_where_it_is_read(cnn, tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    step = step_of(cnn, tmp_path / "out")
    extents = extents_of(step, tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(CSV + b"more\n")
    with pytest.raises(UserError, match=r"a.csv has changed since the job began"):
        score(step, extents)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_of_a_compressed_file_the_extent_that_is_not_whole_is_scored_again_alone(
    cnn, tmp_path, counted, compress, damage
):
    (tmp_path / "a.csv").write_bytes(compress(CSV))
    step = step_of(cnn, tmp_path / "out")
    [extent] = extents_of(step, tmp_path / "a.csv")
    finished = score(step, [extent])
    assert len(finished) > 2
    assert [one.next for one in finished[:-1]] == [one.begin for one in finished[1:]]
    assert (finished[0].begin, finished[-1].next) == ([0, 0, 0], [1, 0, 0])
    before = contents(tmp_path / "out")
    middle = sorted((tmp_path / "out/scores").iterdir())[1]
    stood = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/scores").iterdir() if path != middle}
    if damage == "missing":
        middle.unlink()
    else:
        os.truncate(middle, 100)
    counted |= {"read": 0, "scored": 0}
    again = score(step_of(cnn, tmp_path / "out"), [extent])
    assert sorted(again, key=lambda one: one.begin) == finished
    assert counted == {"read": 1, "scored": 3}
    assert contents(tmp_path / "out") == before
    assert {path: path.stat().st_mtime_ns for path in stood} == stood


def test_small_files_share_a_shard_and_a_bundle_may_have_done_and_open_extents(cnn, tmp_path, counted):
    for index in range(10):
        (tmp_path / f"{index}.csv").write_bytes(b"text\n" + b"".join(b"superb %d\n" % row for row in range(100)))
    step = step_of(cnn, tmp_path / "out")
    extents = extents_of(step, *(tmp_path / f"{index}.csv" for index in range(10)))
    assert 3 < len(extents) < 10
    done = score(step, extents[::2])
    counted |= {"read": 0, "scored": 0}
    finished = score(step_of(cnn, tmp_path / "out"), extents)
    assert counted["read"] == len(extents[1::2])
    assert sorted(one.begin for one in finished) == [[*extent.begin] for extent in extents]
    assert [one for one in finished if one in done] == done
    ids = pd.read_parquet(tmp_path / "out/scores")["id"].tolist()
    assert ids == [f"{index}.csv:{row}" for index in range(10) for row in range(2, 102)]


def test_a_bundle_that_fails_in_the_middle_leaves_no_half_file(cnn, tmp_path, monkeypatch):
    """And what is tried again in the same process gives what it would have given at once."""
    (tmp_path / "a.csv").write_bytes(CSV)
    extents = extents_of(step_of(cnn, tmp_path / "expected"), tmp_path / "a.csv")
    expected = score(step_of(cnn, tmp_path / "expected"), extents)
    step, calls = step_of(cnn, tmp_path / "out"), []

    def fail_at_the_fifth(*given):
        calls.append(given)
        if len(calls) == 5:
            raise RuntimeError("the worker is gone")
        return right(*given)

    right = score_extents.score_rows
    monkeypatch.setattr(score_extents, "score_rows", fail_at_the_fifth)
    step.setup()
    step.start_bundle()
    with pytest.raises(RuntimeError, match="the worker is gone"):
        _ = [one for extent in extents for one in step.process(extent)]
    names = storage.listing(str(tmp_path / "out"))
    assert [name for name in names if not name.startswith(".tmp/")] == [
        f"scores/{extent_name}.parquet" if kind == "scores" else f"statistics/{extent_name}.json"
        for kind in ("scores", "statistics")
        for extent_name in ["000000-00000000-000000000000000"]
    ]
    step.start_bundle()
    assert [name for name in storage.listing(str(tmp_path / "out")) if name.startswith(".tmp/")] == []
    finished = [one for extent in extents for one in step.process(extent)]
    finished += [output.value for output in step.finish_bundle()]
    step.teardown()
    assert sorted(finished, key=lambda one: one.begin) == expected
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def test_a_step_that_ends_in_the_middle_of_an_extent_leaves_no_half_file(cnn, tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    step = step_of(cnn, tmp_path / "out", {"block_bytes": 500, "extent_bytes": 1 << 20})
    [extent] = extents_of(step, tmp_path / "a.csv")
    step.setup()
    step.start_bundle()
    assert list(step.process(extent)) == []
    assert len(storage.listing(str(tmp_path / "out"))) == 1
    step.teardown()
    assert storage.listing(str(tmp_path / "out")) == []


def test_the_shard_is_equal_whether_its_blocks_come_alone_or_with_others(cnn, tmp_path):
    """Two attempts on two workers may have other neighbours."""
    (tmp_path / "a.csv").write_bytes(CSV)
    step = step_of(cnn, tmp_path / "one")
    extents = extents_of(step, tmp_path / "a.csv")
    score(step, extents)
    for extent in reversed(extents):
        score(step_of(cnn, tmp_path / "other"), [extent])
    assert contents(tmp_path / "other") == contents(tmp_path / "one")


def test_a_model_is_loaded_once_for_all_threads_of_a_process(cnn, tmp_path, monkeypatch):
    loaded = []
    right = Scorer.__init__
    monkeypatch.setattr(Scorer, "__init__", lambda self, *given: (loaded.append(self), right(self, *given))[1])
    step = step_of(cnn, tmp_path / "out")
    step.setup()
    assert step._scorer is loaded[0]
    step.setup()
    assert len(loaded) == 1
    step.teardown()
