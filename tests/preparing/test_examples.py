"""Examples hold the ids, the score and the name of each review, in the shard of its block and split."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import recurring_texts, row_counts, splits
from beam_pipelines.preparing.examples import WriteExamples, in_one_order, tfrecord_gzip
from beam_pipelines.preparing.row_counts import ExampleCounts
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.text import transform_graph
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.blocks import rated
from tests.helpers.examples import examples

VOCABULARY = ["good", "bad", "film"]
SHARES = SplitShares(test=0.3, validation=0.3, sample=0.8)
# Keys by their split, in the order of `SPLITS`, and one that is not used.
KEYS = [f"key {number}" for number in range(100)]
BY_SPLIT = {int(split): key for key, split in zip(KEYS, splits.assign(splits.key_hashes(KEYS), SHARES), strict=True)}
TRAIN, VALIDATION, TEST, UNUSED = (BY_SPLIT[split] for split in (0, 1, 2, splits.NOT_SAMPLED))


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A folder with a graph of three words, of which two have vectors."""
    transform_graph.write_graph(str(tmp_path), VOCABULARY, first_trained_id=4, max_tokens=3)
    return tmp_path


def write(folder: pathlib.Path, *blocks) -> ExampleCounts:
    """Writes the examples of blocks, and returns the sum of what is counted of them."""
    step = WriteExamples(
        str(folder), f"{folder}/temporary", first_trained_id=4, max_tokens=3, shares=SHARES, scale=Scale(0, 100)
    )
    step.setup()
    step.start_bundle()
    counted = [counts for block in blocks for counts in step.process(block)]
    counted += [output.value for output in step.finish_bundle()]
    step.teardown()
    return row_counts.sum_examples(counted)


def test_a_shard_holds_what_its_block_has_of_a_split(folder):
    keys = [TRAIN, TEST, TRAIN, UNUSED, VALIDATION, TRAIN]
    texts = ["good film", "Bad, bad!", "", "good", "zzz good qqq film", "film"]
    first = rated("a", texts, scores=[0, 12.5, 30, 40, 50, 100], split_keys=keys)
    second = rated("b", ["bad"], scores=[7], split_keys=[TRAIN])
    counts = write(folder, first, second)
    assert examples(folder, "train") == {"a-0": ([2, 4], 0), "a-2": ([1], 30), "a-5": ([4], 100), "b-0": ([3], 7)}
    assert examples(folder, "validation") == {"a-4": ([1, 2, 1], 50)}
    assert examples(folder, "test") == {"a-1": ([3, 3], 12.5)}
    shards = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.tfrecord.gz"))
    assert shards == [
        prepared.example_shard(*of) for of in (("test", "a"), ("train", "a"), ("train", "b"), ("validation", "a"))
    ]

    assert counts.rows.tolist() == [4, 1, 1]
    assert counts.skipped["not_sampled"] == 1
    # Before the cut; a word without a vector is not known.
    assert counts.tokens.tolist() == [2 + 0 + 1 + 1, 4, 2]
    assert counts.known_tokens.tolist() == [1 + 0 + 0 + 1, 1, 2]


def test_a_training_text_that_recurs_in_another_split_is_left_out(folder):
    """In the training split alone, and however it is written."""
    texts = ["good film", "GOOD film!", "bad film", "bad film"]
    block = rated("a", texts, split_keys=[TRAIN, TEST, TRAIN, TRAIN])
    tokenizer = CompiledTokenizer()
    training, held_out, *_ = tokenizer.fingerprints(tokenizer(block.texts))
    assert training == held_out
    recurring_texts.write((0, [np.array([training])]), folder=f"{folder}/temporary")
    counts = write(folder, block)
    assert list(examples(folder, "train")) == ["a-2", "a-3"]
    assert list(examples(folder, "test")) == ["a-1"]
    assert counts.skipped[row_counts.RECURRING] == 1
    assert counts.rows.tolist() == [2, 0, 1]


def test_a_block_without_reviews_writes_nothing(folder):
    counts = write(folder, rated("a", []))
    assert counts.rows.tolist() == [0, 0, 0]
    assert list(folder.glob("*/*.tfrecord.gz")) == []


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
    features = tf.io.parse_single_example(
        one, transform_graph.EXAMPLE_FEATURES | {"id": tf.io.VarLenFeature(tf.string)}
    )
    assert (features["ids"].numpy().tolist(), float(features["score"])) == ([2, 3], 1.5)
