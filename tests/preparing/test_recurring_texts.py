"""Training texts that stand in validation or test, too, are found part by part, and by nobody else."""

import numpy as np
import pyarrow as pa

from beam_pipelines.preparing import recurring_texts
from beam_pipelines.preparing.splits import NOT_SAMPLED, TEST_INDEX, TRAIN_INDEX, VALIDATION_INDEX


def test_the_sides_of_each_review_are_listed():
    split = np.array([TRAIN_INDEX, VALIDATION_INDEX, TEST_INDEX, NOT_SAMPLED], np.int8)
    listed = recurring_texts.of_reviews(np.array([5, 6, 2**62, 8]), split)
    assert listed.to_pydict() == {
        "text": [5, 6, 2**62],
        "training": [True, False, False],
        "held_out": [False, True, True],
    }


def test_texts_on_both_sides_recur():
    merged = pa.record_batch({"text": [2**62, 3, 4], "training": [True, True, False], "held_out": [True, False, True]})
    number, hashes = recurring_texts.recurring((35, merged))
    assert (number, hashes.tolist()) == (35 % 16, [2**62])


def test_all_files_are_one_sorted_array(tmp_path):
    recurring_texts.write((3, iter([np.array([9, 2**62]), np.array([], np.int64)])), folder=str(tmp_path))
    recurring_texts.write((11, iter([np.array([4]), np.array([7])])), folder=str(tmp_path))
    found = recurring_texts.read(str(tmp_path))
    assert (found.dtype, found.tolist()) == (np.int64, [4, 7, 9, 2**62])


def test_without_a_split_column_nothing_recurs(tmp_path):
    none = recurring_texts.read(str(tmp_path))
    assert (none.dtype, none.tolist()) == (np.int64, [])
    assert recurring_texts.contains(none, np.array([0, 1])).tolist() == [False, False]


def test_only_what_is_listed_is_contained():
    hashes = np.array([4, 7, 2**62])
    asked = np.array([7, 0, 5, 2**62, 2**62 + 1, 4, 7])
    assert recurring_texts.contains(hashes, asked).tolist() == [True, False, False, True, False, True, True]
