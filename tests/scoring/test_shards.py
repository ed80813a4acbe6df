"""A shard has the results' columns with their units, and an extent is done when all of its files are whole."""

import json

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.archive.positions import Position, extent_name
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import job_folder
from beam_pipelines.files import storage
from beam_pipelines.files.staged import StagedFile
from beam_pipelines.scoring import output_columns, shards
from beam_pipelines.scoring.shards import NewlyFinished, Shards
from beam_pipelines.scoring.summary.finished_extent import FileContents, FinishedExtent
from tests.helpers.summaries import begin_of, extent_of


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


def write_file(root: str, name: str, content: bytes) -> FileContents:
    file = StagedFile(root)
    file.stream.write(content)
    written = FileContents.of(file.close())
    file.publish(name)
    return written


def write(folder: Shards, seed: int, *, rejects: bytes | None = b"{}\n") -> FinishedExtent:
    """Writes the files of an extent, as a job does."""
    name, root = folder.name(begin_of(seed)), folder.folder
    finished = extent_of(
        seed,
        rejects=None if rejects is None else write_file(root, folder.rejects(name), rejects),
        scores=write_file(root, folder.scores(name), f"scores of {seed}".encode()),
    )
    storage.write_json(root, folder.statistics(name), finished.to_json())
    return finished


@pytest.fixture
def folder(tmp_path) -> Shards:
    return Shards(str(tmp_path), "jsonl")


def test_an_extent_is_done_when_all_of_its_files_stand(folder):
    for seed, rejects in ((0, b"{}\n"), (7, None)):
        assert folder.finished(begin_of(seed)) is None
        written = write(folder, seed, rejects=rejects)
        assert folder.finished(begin_of(seed)) == written
        assert (written.rows, written.rejected, written.stored_bytes) == (12, 2, 7)
    assert folder.finished(begin_of(1)) is None
    assert Shards(folder.folder, "csv").finished(begin_of(0)) is None


@pytest.mark.parametrize("kind", ["scores", "rejected", "statistics"])
@pytest.mark.parametrize("damage", ["missing", "cut", "longer", "changed", "empty"])
def test_a_file_that_is_missing_or_damaged_makes_its_extent_undone(folder, tmp_path, kind, damage):
    """The others of the job stay as they are."""
    write(folder, 0)
    whole = write(folder, 1)
    [path] = (tmp_path / kind).glob(f"{folder.name(begin_of(0))}.*")
    content = path.read_bytes()
    changed = {"cut": content[:-3], "longer": content + b"\n{}", "changed": b"#" + content[1:], "empty": b""}
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    assert folder.finished(begin_of(0)) is None
    assert folder.finished(begin_of(1)) == whole


def test_which_files_of_an_extent_are_at_fault_is_told(folder, tmp_path):
    written = write(folder, 0)
    name = folder.name(begin_of(0))
    assert folder.faults(name, written) == []
    (tmp_path / folder.scores(name)).unlink()
    (tmp_path / folder.rejects(name)).write_bytes(b"[]\n")
    assert folder.faults(name, written) == [f"scores/{name}.jsonl", f"rejected/{name}.jsonl"]


@pytest.mark.parametrize("statistics", ["[]", "null", "7", "{}", '{"begin": [0, 0, 0]}', '{"begin"', "\xff"])
def test_statistics_that_are_none_make_their_extent_undone(folder, tmp_path, statistics):
    """As an earlier version wrote them, or anybody else."""
    write(folder, 0)
    path = tmp_path / folder.statistics(folder.name(begin_of(0)))
    path.write_bytes(statistics.encode("latin-1"))
    assert folder.finished(begin_of(0)) is None


def test_statistics_without_a_key_make_their_extent_undone(folder, tmp_path):
    written = write(folder, 0).to_json()
    path = tmp_path / folder.statistics(folder.name(begin_of(0)))
    for key in ("next", "scores", "statistics"):
        path.write_text(json.dumps({name: value for name, value in written.items() if name != key}))
        assert folder.finished(begin_of(0)) is None, key
    path.write_text(json.dumps({**written, "scores": {"bytes": "many"}}))
    assert folder.finished(begin_of(0)) is None


def test_names_have_as_many_digits_as_the_archive_needs():
    many = Shards("out", "csv", 7)
    name = many.name(Position(1_000_000, 2, 3))
    assert name == "1000000-00000002-000000000000003"
    assert (many.scores(name), many.rejects(name)) == (f"scores/{name}.csv", f"rejected/{name}.jsonl")
    assert many.name(Position(5)) == "0000005-00000000-000000000000000"


def test_what_may_be_deleted_is_what_was_written(tmp_path):
    """With seven digits too, and nothing of another name."""
    for digits in (6, 7):
        folder = Shards(str(tmp_path), "parquet", digits)
        write(folder, 3)
        for name in ("scores/mine.parquet", "statistics/000000.json", f"rejected/{folder.name(Position())}.csv"):
            storage.write_bytes(str(tmp_path), name, b"mine")
        patterns = folder.outputs
        manifest = {"command": "score", "outputs": patterns, "settings": {}}
        storage.write_json(str(tmp_path), job_folder.MANIFEST, manifest)
        job_folder.claim(str(tmp_path), manifest, overwrite=True, reads=[])
        left = {path.name for kind in ("scores", "statistics", "rejected") for path in tmp_path.glob(f"{kind}/*")}
        assert left == {"mine.parquet", "000000.json", f"{folder.name(Position())}.csv"}, digits
        storage.delete(str(tmp_path), [f"rejected/{folder.name(Position())}.csv"])


def test_extents_are_listed_in_order_when_shard_and_statistics_stand(folder, tmp_path):
    names = [extent_name(Position(*place)) for place in ((1, 0, 0), (0, 1, 0), (0, 0, 4096), (0, 0, 0))]
    for name in names:
        storage.write_bytes(str(tmp_path), f"scores/{name}.jsonl", b"")
        storage.write_bytes(str(tmp_path), f"statistics/{name}.json", b"{}")
    # Of another format, without its statistics, without its shard, and not of an extent.
    alone = [extent_name(Position(index)) for index in (2, 3, 4)]
    for name in (f"scores/{alone[0]}.csv", f"statistics/{alone[0]}.json", f"scores/{alone[1]}.jsonl"):
        storage.write_bytes(str(tmp_path), name, b"")
    for name in (f"statistics/{alone[2]}.json", "scores/mine.jsonl", "statistics/mine.json"):
        storage.write_bytes(str(tmp_path), name, b"")
    assert folder.listed() == sorted(names)
    assert Shards(str(tmp_path), "csv").listed() == [alone[0]]
    assert Shards(str(tmp_path / "new"), "jsonl").listed() == []


def test_statistics_come_in_the_order_that_was_asked_for(folder):
    seeds = np.random.default_rng(0).permutation(3 * shards.READERS + 1).tolist()
    for seed in seeds:
        begin = [0, 0, seed]
        statistics = extent_of(0, begin=begin).to_json()
        storage.write_json(folder.folder, folder.statistics(folder.name(Position(*begin))), statistics)
    names = [folder.name(Position(0, 0, seed)) for seed in seeds]
    missing = folder.name(Position(9))
    read = list(folder.read([names[0], missing, *names[1:]]))
    assert [(name, extent.begin) for name, extent in read] == [
        (name, [0, 0, seed]) for name, seed in zip(names, seeds, strict=True)
    ]


def test_extents_are_told_once_when_they_are_finished(folder):
    newly_finished = NewlyFinished(folder)
    assert newly_finished() == {}
    for seed in (3, 0):
        written = write(folder, seed)
        assert newly_finished() == {folder.name(begin_of(seed)): written}
    assert newly_finished() == {}
