"""Examples hold the ids, the score and the name of each review, in the shard of its extent and split."""

import csv
import dataclasses
import gzip
import pathlib

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.files import storage
from beam_pipelines.preparing import recurring_texts, row_counts, splits
from beam_pipelines.preparing.example_files import in_one_order, tfrecord_gzip
from beam_pipelines.preparing.examples import WriteExamples
from beam_pipelines.preparing.reviews import RatingRules
from beam_pipelines.preparing.row_counts import ExampleCounts
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.text import transform_graph
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.archives import list_extents
from tests.helpers.examples import examples
from tests.helpers.tokens import RULE

VOCABULARY = ["good", "bad", "film"]
SHARES = SplitShares(test=0.3, validation=0.3, sample=0.8)
# Keys by their split, in the order of `SPLITS`, and one that is not used.
KEYS = [f"key {number}" for number in range(100)]
BY_SPLIT = {int(split): key for key, split in zip(KEYS, splits.assign(splits.key_hashes(KEYS), SHARES), strict=True)}
TRAIN, VALIDATION, TEST, UNUSED = (BY_SPLIT[split] for split in (0, 1, 2, splits.NOT_SAMPLED))
RULES = RatingRules(text_column="text", scale=Scale(0, 100), score_column="score", id_column="id", split_column="album")


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A folder with a graph of three words, of which two have vectors."""
    transform_graph.write_graph(str(tmp_path / "out"), VOCABULARY, rule=RULE, first_trained_id=4, max_tokens=3)
    return tmp_path / "out"


def write_csv(path: pathlib.Path, rows: list[tuple[str, float, str]]) -> None:
    """Writes rows of a text, a score and an album; the id of each is the file's name and its number."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "score", "album"])
        writer.writerows([f"{path.stem}-{number}", *row] for number, row in enumerate(rows))


def step_of(folder: pathlib.Path, rules: RatingRules = RULES, **sizes: int) -> WriteExamples:
    return WriteExamples(
        str(folder),
        f"{folder}/temporary",
        read_options=ReadOptions(columns=("text", "id", "score", "album"), **sizes),
        rules=rules,
        index_digits=6,
        rule=RULE,
        first_trained_id=4,
        max_tokens=3,
        shares=SHARES,
    )


def write(folder: pathlib.Path, *paths: pathlib.Path, rules: RatingRules = RULES, **sizes: int) -> ExampleCounts:
    """Writes the examples of files, and returns the sum of what is counted of them."""
    step = step_of(folder, rules, **sizes)
    step.setup()
    step.start_bundle()
    extents = list_extents(found_files.find([str(path) for path in paths])[0], step.read_options)
    counted = [counts for extent in extents for counts in step.process(extent)]
    counted += [output.value for output in step.finish_bundle()]
    step.teardown()
    return row_counts.sum_examples(counted)


def shards(folder: pathlib.Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.tfrecord.gz"))


def records(folder: pathlib.Path, split: str) -> list[bytes]:
    """The examples of a split as they lie, in the order of its shards."""
    paths = [str(path) for path in sorted((folder / split).glob("*"))]
    return [record.numpy() for record in tf.data.TFRecordDataset(paths, compression_type="GZIP")]


def test_a_shard_holds_what_its_extent_has_of_a_split(folder, tmp_path):
    keys = [TRAIN, TEST, TRAIN, UNUSED, VALIDATION, TRAIN]
    texts = ["good film", "Bad, bad.", "...", "good", "zzz good qqq film", "film"]
    scores = [0, 12.5, 30, 40, 50, 100]
    write_csv(tmp_path / "a.csv", list(zip(texts, scores, keys, strict=True)))
    write_csv(tmp_path / "b.csv", [("bad", 7, TRAIN)])
    # Too small for both files together.
    counts = write(folder, tmp_path / "a.csv", tmp_path / "b.csv", extent_bytes=200)
    assert examples(folder, "train") == {"a-0": ([2, 4], 0), "a-2": ([1], 30), "a-5": ([4], 100), "b-0": ([3], 7)}
    assert examples(folder, "validation") == {"a-4": ([1, 2, 1], 50)}
    assert examples(folder, "test") == {"a-1": ([3, 3], 12.5)}
    first, second = "000000-00000000-000000000000000", "000001-00000000-000000000000000"
    assert shards(folder) == [
        prepared.example_shard(*of)
        for of in (("test", first), ("train", first), ("train", second), ("validation", first))
    ]

    assert counts.rows.tolist() == [4, 1, 1]
    assert counts.skipped["not_sampled"] == 1
    # Before the cut; a word without a vector is not known.
    assert counts.tokens.tolist() == [2 + 0 + 1 + 1, 4, 2]
    assert counts.known_tokens.tolist() == [1 + 0 + 0 + 1, 1, 2]


def split_hashes(folder: pathlib.Path) -> dict[str, int]:
    """By id, of all splits."""
    parsed = [
        tf.io.parse_single_example(record, transform_graph.EXAMPLE_FEATURES)
        for split in prepared.SPLITS
        for record in records(folder, split)
    ]
    return {example["id"].numpy().decode(): int(example["split_hash"]) for example in parsed}


def test_an_example_tells_the_hash_of_its_split_column(folder, tmp_path):
    """Whichever file and split it is in, so that an album can stay together once more."""
    write_csv(tmp_path / "a.csv", [("good", 1, TRAIN), ("bad", 2, TEST), ("film", 3, TRAIN)])
    write_csv(tmp_path / "b.csv", [("bad film", 4, TRAIN)])
    write(folder, tmp_path / "a.csv", tmp_path / "b.csv", extent_bytes=60)
    training, test = splits.key_hashes([TRAIN, TEST]).tolist()
    assert split_hashes(folder) == {"a-0": training, "a-1": test, "a-2": training, "b-0": training}


def test_without_one_it_tells_the_hash_of_its_text(folder, tmp_path):
    texts = ["good film", "GOOD film!", "bad film"]
    write_csv(tmp_path / "a.csv", [(text, 50, "") for text in texts])
    write(folder, tmp_path / "a.csv", rules=dataclasses.replace(RULES, split_column=None))
    tokenizer = CompiledTokenizer(RULE)
    hashes = dict(zip(["a-0", "a-1", "a-2"], tokenizer.fingerprints(tokenizer(pa.array(texts))).tolist(), strict=True))
    assert hashes["a-0"] == hashes["a-1"] != hashes["a-2"]
    found = split_hashes(folder)
    assert found
    assert found == {name: hashes[name] for name in found}


def many_rows() -> list[tuple[str, float, str]]:
    return [(f"good film number {number}", number % 101, f"album {number // 4}") for number in range(400)]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_records_are_equal_whatever_the_size_of_a_block(folder, tmp_path, name):
    """A shard is as many members of gzip as there are blocks, which are read as one."""
    write_csv(tmp_path / "a.csv", many_rows())
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    found, counts = [], []
    for block_bytes in (300, 2_000, 1 << 20):
        counts.append(write(folder, tmp_path / name, block_bytes=block_bytes, extent_bytes=5_000).to_json())
        names = shards(folder)
        assert len([name for name in names if name.startswith("train")]) > 3
        found.append((names, {split: records(folder, split) for split in prepared.SPLITS}))
        for path in folder.glob("*/*.tfrecord.gz"):
            path.unlink()
    assert found[0] == found[1] == found[2]
    assert counts[0] == counts[1] == counts[2]
    assert sum(len(part) for part in found[0][1].values()) == sum(map(sum, counts[0]["scores"])) > 200


def test_a_training_text_that_recurs_in_another_split_is_left_out(folder, tmp_path):
    """In the training split alone, and however it is written."""
    texts, keys = ["good film", "GOOD film!", "bad film", "bad film"], [TRAIN, TEST, TRAIN, TRAIN]
    tokenizer = CompiledTokenizer(RULE)
    training, held_out, *_ = tokenizer.fingerprints(tokenizer(pa.array(texts)))
    assert training == held_out
    recurring_texts.write((0, [np.array([training])]), folder=f"{folder}/temporary")
    write_csv(tmp_path / "a.csv", [(text, 50, key) for text, key in zip(texts, keys, strict=True)])
    counts = write(folder, tmp_path / "a.csv")
    assert list(examples(folder, "train")) == ["a-2", "a-3"]
    assert list(examples(folder, "test")) == ["a-1"]
    assert counts.skipped[row_counts.RECURRING] == 1
    assert counts.rows.tolist() == [2, 0, 1]


def test_an_extent_without_reviews_writes_nothing(folder, tmp_path):
    write_csv(tmp_path / "a.csv", [])
    counts = write(folder, tmp_path / "a.csv")
    assert counts.rows.tolist() == [0, 0, 0]
    assert shards(folder) == []


def test_a_bundle_that_fails_in_the_middle_leaves_no_half_shard(folder, tmp_path):
    """And the next one writes all of the extent."""
    write_csv(tmp_path / "a.csv", many_rows())
    step = step_of(folder, block_bytes=1000, extent_bytes=1 << 20)
    [extent] = list_extents(found_files.find([str(tmp_path / "a.csv")])[0], step.read_options)
    step.setup()
    step.start_bundle()
    reading = step.process(extent)
    next(reading)
    assert list(storage.listing(f"{folder}/.tmp")) != []
    reading.close()
    assert shards(folder) == []
    step.start_bundle()
    assert storage.listing(f"{folder}/.tmp") == []
    counted = [*step.process(extent), *(output.value for output in step.finish_bundle())]
    step.teardown()
    assert storage.listing(f"{folder}/.tmp") == []
    rows = row_counts.sum_examples(counted).rows
    assert [len(examples(folder, split)) for split in prepared.SPLITS] == rows.tolist()
    assert rows.sum() > 200


def test_records_are_read_as_they_were_written(tmp_path, monkeypatch):
    """And nothing is left where they were made."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(work))
    records = [b"", b"one", bytes(range(256)) * 1000]
    (tmp_path / "records").write_bytes(tfrecord_gzip(records))
    dataset = tf.data.TFRecordDataset(str(tmp_path / "records"), compression_type="GZIP")
    assert [record.numpy() for record in dataset] == records
    assert list(work.iterdir()) == []


def test_features_stand_in_one_order():
    """Messages that follow each other are merged, so these two hold the same in two orders."""
    ids = tf.train.Example(features={"feature": {"ids": {"int64_list": {"value": [2, 3]}}}})
    score = tf.train.Example(features={"feature": {"score": {"float_list": {"value": [1.5]}}}})
    parts = [ids.SerializeToString(), score.SerializeToString()]
    one, other = in_one_order([b"".join(parts), b"".join(reversed(parts))])
    assert one == other
    wanted = {name: transform_graph.EXAMPLE_FEATURES[name] for name in (prepared.IDS, prepared.SCORE)}
    features = tf.io.parse_single_example(one, wanted)
    assert (features["ids"].numpy().tolist(), float(features["score"])) == ([2, 3], 1.5)
