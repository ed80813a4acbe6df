"""Loops over codes, by small cases that a reader can follow."""

import numpy as np
import pytest

from beam_pipelines.text import compiled_ids, vocabulary

CODES, LENGTHS = np.array([0, -1, 3, -1, -2, 1], np.int32), np.array([2, 0, 4])


@pytest.mark.parametrize(
    ("max_tokens", "ids", "lengths"),
    [
        (9, [2, 1, 1, 5, 1, 1, 3], [2, 1, 4]),
        (4, [2, 1, 1, 5, 1, 1, 3], [2, 1, 4]),
        (3, [2, 1, 1, 5, 1, 1], [2, 1, 3]),
        (1, [2, 1, 5], [1, 1, 1]),
    ],
)
def test_ids_are_cut_and_a_text_without_tokens_has_the_shared_one(max_tokens, ids, lengths):
    unknown_counts = np.array([10, 0])
    found_ids, id_counts, known_counts = compiled_ids.cut_ids(CODES, LENGTHS, max_tokens, 4, unknown_counts)
    assert found_ids.tolist() == ids
    assert id_counts.tolist() == lengths
    # All tokens are counted, and ids up to the fourth are known.
    assert known_counts.tolist() == [1, 0, 1]
    assert unknown_counts.tolist() == [12, 1]


@pytest.mark.parametrize(("end", "known"), [(2, [0, 0, 0]), (3, [1, 0, 0]), (5, [1, 0, 1]), (6, [1, 0, 2])])
def test_known_ids_end_where_the_vocabulary_says(end, known):
    assert compiled_ids.cut_ids(CODES, LENGTHS, 9, end, np.zeros(2, np.int64))[2].tolist() == known


def test_all_ids_of_the_vocabulary_are_known_where_none_has_a_pretrained_vector():
    assert vocabulary.end_of_known_ids(vocabulary.FIRST_ID + 3) == vocabulary.FIRST_ID + 3
    end = vocabulary.end_of_known_ids(vocabulary.FIRST_ID)
    assert compiled_ids.cut_ids(CODES, LENGTHS, 9, end, np.zeros(2, np.int64))[2].tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("is_counted", "max_tokens", "counts"),
    [
        ([True, True, True], 9, [2, 1, 1, 2, 1]),
        ([True, False, True], 2, [2, 1, 1, 0, 1]),
        ([False, True, False], 9, [0, 0, 0, 0, 1]),
        ([False, False, True], 3, [1, 0, 1, 1, 1]),
    ],
)
def test_tokens_of_training_texts_are_counted_up_to_the_cut(is_counted, max_tokens, counts):
    codes = np.array([-1, -2, -3, -1, -4, -4], np.int32)
    found = np.array([0, 0, 0, 0, 1])
    compiled_ids.count_tokens(codes, LENGTHS, np.array(is_counted), max_tokens, found)
    assert found.tolist() == counts


@pytest.mark.parametrize(
    ("known_are_others", "codes"), [(False, [0, -8, 3, -8, -3, 1]), (True, [-1, -8, -4, -8, -3, -2])]
)
def test_codes_of_a_batch_become_those_of_all(known_are_others, codes):
    found = CODES.copy()
    compiled_ids.replace_codes(found, np.array([-8, -3], np.int32), known_are_others)
    assert found.tolist() == codes
