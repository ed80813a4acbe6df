"""A split is scored review by review, and its sample depends on the texts alone."""

import types

import numpy as np
import tensorflow as tf

from beam_pipelines.preparing.example_files import tfrecord_gzip
from trainer import data
from trainer.judging import evaluation

ROWS = 300


def texts() -> dict[bytes, list[int]]:
    """The token ids of reviews by name; ten of them are those of another."""
    random = np.random.default_rng(0)
    ids = {b"r%d" % row: random.integers(1, 1000, random.integers(1, 9)).tolist() for row in range(ROWS)}
    return {**ids, **{b"r%d" % (row + 200): ids[b"r%d" % row] for row in range(10)}}


TEXTS = texts()


def example(name: bytes) -> bytes:
    feature = {
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=TEXTS[name])),
        "score": tf.train.Feature(float_list=tf.train.FloatList(value=[int(name[1:]) / 2])),
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[name])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def scored(folder, names: list[bytes], *, rows_in_file: int = 200):
    """The split "test" of a folder that holds some reviews, by a model that adds up their ids."""
    (folder / "test").mkdir(parents=True)
    for start in range(0, len(names), rows_in_file):
        data_of_file = tfrecord_gzip([example(name) for name in names[start : start + rows_in_file]])
        (folder / f"test/{start:03d}.tfrecord.gz").write_bytes(data_of_file)
    statistics = types.SimpleNamespace(rows=types.SimpleNamespace(kept_by_split={"test": len(names)}), unrated=None)
    reviews = data.PreparedReviews(folder, statistics)

    def add_up(ids):
        return tf.reduce_sum(tf.cast(ids, tf.float32), 1, keepdims=True)

    return evaluation.score_split(add_up, reviews, data.Selection.whole("test"))


def test_each_review_has_its_own_output_truth_length_and_hash(tmp_path):
    split = scored(tmp_path, list(TEXTS))
    assert sorted(split.names) == sorted(TEXTS)
    for row, name in enumerate(split.names):
        assert split.outputs[row].tolist() == [sum(TEXTS[name])]
        assert split.truths[row] == int(name[1:]) / 2
        assert split.lengths[row] == len(TEXTS[name])
    by_hash = dict(zip(split.hashes.tolist(), split.names, strict=True))
    assert len(by_hash) == len({tuple(ids) for ids in TEXTS.values()}) == ROWS - 10
    assert [TEXTS[by_hash[code]] for code in split.hashes.tolist()] == [TEXTS[name] for name in split.names]


def test_a_small_split_is_its_own_sample(tmp_path):
    split = scored(tmp_path, list(TEXTS))
    assert split.sample.tolist() == list(range(ROWS))
    assert [ids.tolist() for ids in split.tokens] == [TEXTS[name] for name in split.names]


def test_the_sample_is_drawn_by_the_texts_whatever_their_order(tmp_path, monkeypatch):
    def sample(folder: str, rows: int, names: list[bytes], **how) -> set[bytes]:
        monkeypatch.setattr(evaluation, "SAMPLE_ROWS", rows)
        split = scored(tmp_path / folder, names, **how)
        assert [ids.tolist() for ids in split.tokens] == [TEXTS[name] for name in split.names[split.sample]]
        assert (split.hashes[split.sample] < rows / ROWS * 2**32).all()
        return set(split.names[split.sample])

    third = sample("third", 100, list(TEXTS))
    assert 70 < len(third) < 130
    assert sample("reversed", 100, list(TEXTS)[::-1], rows_in_file=70) == third
    assert sample("tenth", 30, list(TEXTS)) < third
    # Equal texts are drawn together.
    assert all((b"r%d" % row in third) == (b"r%d" % (row + 200) in third) for row in range(10))


def test_a_split_without_reviews_has_as_many_outputs_for_none(tmp_path):
    split = scored(tmp_path, [])
    assert split.outputs.shape == (0, 1)
    assert split.outputs.dtype == np.float32
    assert (len(split.names), len(split.truths), len(split.hashes), len(split.sample), split.tokens) == (0, 0, 0, 0, [])
    assert split.truths.dtype == np.float64
